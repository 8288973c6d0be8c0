import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const project = join(import.meta.dirname, '../../..');
const run = (script: string) =>
  promisify(execFile)('sh', ['-c', script, join(project, 'bin/isthmus')], { timeout: 25_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (e: { code: number; stdout: string; stderr: string }) => e,
  );

test('a disk that is full makes the exit code say so', async () => {
  const { code, stderr } = await run('"$0" version > /dev/full');
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/output could not be written: ENOSPC/) });
});

test('a reader that has seen enough is no failure', async () => {
  expect(await run('"$0" help up | head -1')).toMatchObject({ code: 0, stderr: '' });
});

test('a checkout says the version that its package.json says', async () => {
  const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string };
  expect((await run('"$0" --version')).stdout).toBe(`isthmus ${version}\n`);
});

test('an unknown kind of fault is a wrong command line', async () => {
  const { code, stderr } = await run('"$0" lab cloud fault plant --action DescribeVPC --kind nope');
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/kind: write one of throttle/) });
});
