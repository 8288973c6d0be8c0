import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FileTime, formatFailures, formatTimes } from '../file-times.ts';

const project = join(import.meta.dirname, '../..');
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'runner-'));
  await mkdir(join(root, 'src'));
});
afterEach(() => rm(root, { recursive: true }));

/** Runs this checkout's vitest, with its configuration, over one test file. */
async function runOver(
  text: string,
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; output: string; last: string }> {
  await writeFile(join(root, 'src/some.test.ts'), text);
  const args = ['run', '--root', root, '--config', join(project, 'vitest.config.ts'), '--project', 'unit', '--globals'];
  const child = spawn(join(project, 'node_modules/.bin/vitest'), args, {
    cwd: root,
    // Its times are not those of the run that this test is part of.
    env: { ...process.env, ISTHMUS_TEST_TIMES: undefined, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (output += String(part)));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output, last: output.trimEnd().split('\n').at(-1) ?? '' };
}

const passes = `test('passes', () => {});\n`;
const fails = `test('fails', () => { expect(1).toBe(2); });\n`;

test.each([
  ['with CI', 'true'],
  ['without CI', ''],
])('a test.only beside a failing test is a failed run, %s', async (_title, ci) => {
  const { code, output, last } = await runOver(passes.replace('test(', 'test.only(') + fails, { CI: ci });
  expect(code).not.toBe(0);
  expect(output).toContain('Unexpected .only modifier');
  expect(last).toMatch(/^\d+ passed, [1-9]\d* failed$/);
});

test('the last line counts what passed and what failed', async () => {
  expect(await runOver(passes + fails)).toMatchObject({ code: 1, last: '1 passed, 1 failed' });
  expect(await runOver(passes)).toMatchObject({ code: 0, last: '1 passed, 0 failed' });
});

test('a group of tests whose preparation failed is a failure, though none of its tests was run', async () => {
  const group = `describe('group', () => { beforeAll(() => { throw new Error('no room'); }); ${passes} });`;
  expect(await runOver(group)).toMatchObject({ code: 1, last: '0 passed, 1 failed' });
});

test('a file that does not load is a failure', async () => {
  expect(await runOver(`${passes}no such word`)).toMatchObject({ code: 1, last: '0 passed, 1 failed' });
});

test('the table of times has the slowest files first, and one line for all the quick ones of a project', () => {
  const file = { passed: 2, failed: 0, failures: [] };
  const table = formatTimes([
    { ...file, path: 'src/a.test.ts', project: 'unit', took: 900 },
    { ...file, path: 'src/b.test.ts', project: 'unit', took: 1_100 },
    { ...file, path: 'test/lab/lab.test.ts', project: 'lab', took: 61_000, failed: 1 },
    { ...file, path: 'test/lab/main-job.test.ts', project: 'lab', took: 189_000 },
  ]);
  expect(table.split('\n').map((line) => line.trimEnd().replaceAll(/ {2,}/g, ' | '))).toEqual([
    'FILE | PROJECT | TESTS | TOOK',
    'test/lab/main-job.test.ts | lab | 2 | 3 min 09 s',
    'test/lab/lab.test.ts | lab | 3 | 1 min 01 s',
    '2 more | unit | 4 | 2.0 s',
  ]);
});

test('a run ends with what failed, each with its file and the first line of its error', async () => {
  const times = join(root, 'times');
  await runOver(`describe('group', () => { ${fails} });${passes}`, { ISTHMUS_TEST_TIMES: times });
  const rows = (await readFile(times, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as FileTime);
  expect(formatFailures(rows)).toBe('FAIL src/some.test.ts > group > fails: expected 1 to be 2 // Object.is equality');
  expect(formatFailures([])).toBeUndefined();
});
