import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { formatMs, ms } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { ensureImage } from '../lab/image/image.ts';
import { ensureToolchain } from '../lab/toolchain/toolchain.ts';

/**
 * `npm test`: everything. `npm run test:unit`: the quick part, for every save. `npm run check`: what needs no test runner.
 * `npm run test:long`: the full forms of what `npm test` tries in short.
 * Each step says how long it took; the last line is `N passed, N failed`, every failed check counted as one.
 */
const project = join(import.meta.dirname, '..');
const scope = process.argv[2] ?? 'all';
const started = performance.now();
let passed = 0;
let failed = 0;

if (scope !== 'long') {
  await check('types', 'tsc', ['-p', '.']);
  await check('lint', 'oxlint', ['--type-aware', '--deny-warnings']);
  await check('format', 'biome', ['check', '.']);
  await check('unused code', 'knip', []);
}
if (scope === 'all' || scope === 'unit') await vitest('unit');
if ((scope === 'all' || scope === 'long') && (await prepare())) await vitest(scope === 'all' ? 'lab' : 'long');
console.log(`in ${formatMs(ms(performance.now() - started))}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

async function check(title: string, program: string, args: readonly string[]): Promise<void> {
  const start = performance.now();
  const { code, output } = await run(program, args, 'quiet');
  const good = code === 0;
  if (good) passed++;
  else failed++;
  console.log(`${good ? 'ok  ' : 'FAIL'} ${title} (${formatMs(ms(performance.now() - start))})`);
  if (!good) console.log(output);
}

/** What the lab needs is built before its tests, so that no test's time limit has to hold a build. */
async function prepare(): Promise<boolean> {
  const note = (line: string): void => console.log(`     ${line}`);
  try {
    console.log('toolchain and machine image');
    await ensureToolchain(note);
    await ensureImage(note);
    return true;
  } catch (e) {
    failed++;
    console.log(`FAIL toolchain and machine image: ${messageOf(e)}`);
    return false;
  }
}

async function vitest(name: string): Promise<void> {
  const { code, output } = await run('vitest', ['run', '--project', name], 'shown');
  const counts = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
  passed += Number(counts?.[1] ?? 0);
  failed += Number(counts?.[2] ?? 0);
  // A runner that dies before its closing line, or fails for a reason that it does not count, is a failure too.
  if (counts === undefined || (code !== 0 && counts[2] === '0')) failed++;
}

/** Runs one of the project's own tools under the project's own Node. */
async function run(
  program: string,
  args: readonly string[],
  show: 'quiet' | 'shown',
): Promise<{ code: number | null; output: string }> {
  const bin = join(project, 'node_modules', '.bin');
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  const child = spawn(join(bin, program), args, { cwd: project, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (show === 'shown') process.stdout.write(text);
    });
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}
