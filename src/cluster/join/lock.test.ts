import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { onlyOneAtATime } from './lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-lock-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('of many that wait, one works at a time, and a waiter never frees the lock of its successor', async () => {
  const path = join(folder, 'many');
  let working = 0;
  let most = 0;
  const works = Array.from({ length: 6 }, async () => {
    const { release } = await onlyOneAtATime(() => undefined, path);
    working++;
    most = Math.max(most, working);
    await new Promise((resolve) => setTimeout(resolve, 30));
    working--;
    await release();
  });
  await Promise.all(works);
  expect({ working, most }).toEqual({ working: 0, most: 1 });
});

test('an empty lock file that an earlier run left does not block', async () => {
  const path = join(folder, 'empty');
  writeFileSync(path, '');
  const said: string[] = [];
  const { release } = await onlyOneAtATime((line) => said.push(line), path);
  await release();
  expect(said).toEqual([]);
});

test('a command that was killed frees the lock; whoever waits is told that it waits', async () => {
  const path = join(folder, 'killed');
  const holder = spawn(process.execPath, [
    '--input-type=module',
    '-e',
    `import { onlyOneAtATime } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))};
     await onlyOneAtATime(() => {}, ${JSON.stringify(path)}); console.log('held'); setInterval(() => {}, 1000);`,
  ]);
  await once(holder.stdout, 'data');
  const said: string[] = [];
  const next = onlyOneAtATime((line) => said.push(line), path);
  await expect.poll(() => said, { timeout: 10_000 }).toHaveLength(1);
  holder.kill('SIGKILL');
  await (await next).release();
  expect(said).toEqual(['waiting: another isthmus machine command is running on this machine']);
});
