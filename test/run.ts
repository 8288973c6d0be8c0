import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Argument, Command } from '@commander-js/extra-typings';
import { formatMs, ms } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { ensureImage } from '../lab/image/image.ts';
import { cacheRoot } from '../lab/toolchain/artifact.ts';
import { ensureToolchain } from '../lab/toolchain/toolchain.ts';
import { type FileTime, formatFailures, formatTimes } from './file-times.ts';
import { filesTagged, type Project, testFiles } from './tags.ts';

/**
 * `npm test`: everything. `npm run test:unit`: the quick part, for every save. `npm run check`: what needs no test runner.
 * `npm run test:long`: the full forms of what `npm test` tries in short. `--help` tells the rest.
 * Each step says how long it took; the last line is `N passed, N failed`, every failed check counted as one.
 */
const scopes = { all: ['unit', 'api', 'lab'], unit: ['unit'], check: [], long: ['long'] } as const;
const project = join(import.meta.dirname, '..');
const { scope, only } = readArguments();
const started = performance.now();
const timesFolder = await mkdtemp(join(tmpdir(), 'test-times-'));
const timesFile = join(timesFolder, 'times');
let passed = 0;
let failed = 0;

if (scope !== 'long' && only === undefined) {
  await check('types', 'tsc', ['-p', '.']);
  await check('lint', 'oxlint', ['--type-aware', '--deny-warnings']);
  await check('format', 'biome', ['check', '.']);
  await check('unused code', 'knip', []);
}
const files = only === undefined ? testFiles() : filesTagged(only);
const wanted = scopes[scope].filter((name) => files.some((file) => file.project === name));
const [quick, world] = [wanted.filter((name) => name === 'unit'), wanted.filter((name) => name !== 'unit')];
if (quick.length > 0) await vitest(quick);
if (world.length > 0 && (await prepare())) await vitest(world);
if (scope === 'all' && only === undefined)
  await check(
    'wrong edits in changed files',
    'node',
    ['tool/mutate/mutate.ts', '--changed', '--within', '120', '--in-one-process'],
    'told',
  );
await tellTimes();
console.log(`in ${formatMs(ms(performance.now() - started))}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function readArguments(): { readonly scope: keyof typeof scopes; readonly only: readonly string[] | undefined } {
  const command = new Command('npm test --')
    .description('run the tests of this checkout; the last line is `N passed, N failed`')
    .addArgument(
      new Argument('[scope]', 'all, unit, long, or check for types, lint, format and unused code alone')
        .choices(Object.keys(scopes) as (keyof typeof scopes)[])
        .default('all' as const),
    )
    .addArgument(new Argument('[parts...]', 'only the tests of these parts, as with --only'))
    .option('--only <tags>', 'only the tests of these parts, comma-separated, and no static checks', (text: string) =>
      text.split(','),
    )
    .addHelpText(
      'after',
      `
A test file has the names of the folders that it lies in as tags: src/network/ipam/*.test.ts has network and ipam. The run ends
with a table of the time that each file took, which is kept as JSON in ~/.cache/isthmus/test-times/.

Examples:
  npm test
  npm test -- --only network
  npm test -- --only up,lab
  npm run test:unit kube
  npm run test:long
  npm run test:long services`,
    );
  const parsed = command.parse();
  const [scope, parts] = parsed.processedArgs;
  const { only } = parsed.opts();
  return { scope, only: parts.length > 0 || only !== undefined ? checkTags([...parts, ...(only ?? [])]) : undefined };
}

function checkTags(words: readonly string[]): readonly string[] {
  const tags = words.filter((tag) => tag !== '');
  try {
    if (filesTagged(tags).length > 0) return tags;
    throw new Error('--only names no tag; write one, such as --only network');
  } catch (e) {
    console.error(messageOf(e));
    process.exit(2);
  }
}

/** @shape told: what it has to say is shown when all is well, too */
async function check(
  title: string,
  program: string,
  args: readonly string[],
  words: 'silent' | 'told' = 'silent',
): Promise<void> {
  const start = performance.now();
  const { code, output } = await run(program, args, 'quiet');
  const good = code === 0;
  if (good) passed++;
  else failed++;
  console.log(`${good ? 'ok  ' : 'FAIL'} ${title} (${formatMs(ms(performance.now() - start))})`);
  if (!good || words === 'told') console.log(output.trimEnd());
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

async function vitest(names: readonly Project[]): Promise<void> {
  const paths = only === undefined ? [] : files.filter((file) => names.includes(file.project)).map(({ path }) => path);
  const args = ['run', ...names.flatMap((name) => ['--project', name]), ...paths];
  const { code, output } = await run('vitest', args, 'shown');
  const counts = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
  passed += Number(counts?.[1] ?? 0);
  failed += Number(counts?.[2] ?? 0);
  // A runner that dies before its closing line, or fails for a reason that it does not count, is a failure too.
  if (counts === undefined || (code !== 0 && counts[2] === '0')) failed++;
}

/** The table for people, and the same as JSON for whoever compares runs. */
async function tellTimes(): Promise<void> {
  const lines = existsSync(timesFile) ? (await readFile(timesFile, 'utf8')).trim().split('\n') : [];
  await rm(timesFolder, { recursive: true });
  if (lines.length === 0) return;
  const times = lines.map((line) => JSON.parse(line) as FileTime);
  const kept = join(cacheRoot, 'test-times', `${new Date().toISOString().replaceAll(':', '-')}.json`);
  await mkdir(join(cacheRoot, 'test-times'), { recursive: true });
  await writeFile(
    kept,
    `${JSON.stringify({ took: Math.round(performance.now() - started), files: times }, null, 2)}\n`,
  );
  console.log(`\n${formatTimes(times)}\n\nas JSON: ${kept}`);
  const failures = formatFailures(times);
  if (failures !== undefined) console.log(`\n${failures}\n`);
}

/** Runs one of the project's own tools under the project's own Node. */
async function run(
  program: string,
  args: readonly string[],
  show: 'quiet' | 'shown',
): Promise<{ code: number | null; output: string }> {
  const bin = join(project, 'node_modules', '.bin');
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, ISTHMUS_TEST_TIMES: timesFile };
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
