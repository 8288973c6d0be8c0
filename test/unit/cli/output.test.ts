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

test('an action that the cloud does not have is a wrong command line, and those that it has are named', async () => {
  const { code, stderr } = await run('"$0" lab cloud fault plant --action CreateUhostInstance --kind timeout');
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringMatching(/no action "CreateUhostInstance"; it has .*CreateUHostInstance, /),
  });
});

test('a scenario file that is missing, or wrong, is a wrong command line', async () => {
  const missing = await run('"$0" lab cloud scenario /nowhere/bad-day.yaml');
  expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('/nowhere/bad-day.yaml: ENOENT') });
  const wrong = await run(
    'f=$(mktemp); echo "faults: [{ action: Nothing, kind: broken }]" > $f; "$0" lab cloud scenario $f; c=$?; rm $f; exit $c',
  );
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringMatching(/faults\.0\.kind: write one of/) });
  const torn = await run('f=$(mktemp); echo "faults: [" > $f; "$0" lab cloud scenario $f; c=$?; rm $f; exit $c');
  expect(torn.code).toBe(2);
});
