import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lockState } from './state-lock.ts';
import { allInTurn } from './work-alone.ts';

const root = mkdtempSync(join(tmpdir(), 'isthmus-lock-'));
afterAll(() => rmSync(root, { recursive: true }));
const me = { user: 'ann', host: 'desk', pid: process.pid };

test('a second command refuses and says who holds the cluster; when the first ends, it is free and nothing is left', async () => {
  const folder = join(root, 'held');
  const first = await lockState(folder, 'shop', me);
  await expect(lockState(folder, 'shop', me)).rejects.toThrow(
    new RegExp(
      `another isthmus command is running on shop: ann on desk, pid ${process.pid}, since \\d{4}-.*wait until it ends, or stop that process`,
    ),
  );
  await first.check();
  await first.release();
  expect(await readdir(folder)).toEqual([]);
});

test('what a killed process left is taken over, by exactly one of many, and nothing else is left', async () => {
  const { pid } = await deadPid();
  for (let round = 0; round < 40; round++) {
    const folder = join(root, `dead-${round}`);
    await lockState(folder, 'shop', { ...me, pid });
    const ends = await Promise.allSettled(Array.from({ length: 8 }, () => lockState(folder, 'shop', me)));
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await readdir(folder)).toEqual(['lock']);
  }
});

test('one that was killed while it took over from another that was killed is taken over as well', async () => {
  const folder = join(root, 'dead-twice');
  const { pid } = await deadPid();
  await lockState(folder, 'shop', { ...me, pid });
  const { nonce } = JSON.parse(await readFile(join(folder, 'lock'), 'utf8')) as { nonce: string };
  const claim = { ...me, pid, since: new Date().toISOString(), nonce: 'of-the-second' };
  await writeFile(join(folder, `lock.after-${nonce}`), JSON.stringify(claim));
  const lock = await lockState(folder, 'shop', me);
  await lock.check();
  expect(await readdir(folder)).toEqual(['lock']);
});

/** The id of a process that has ended. */
async function deadPid(): Promise<{ readonly pid: number }> {
  const child = spawn('sleep', ['1000']);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return { pid: child.pid ?? 0 };
}

test('a holder on another computer is never judged dead; the cure names the file', async () => {
  const folder = join(root, 'far');
  await lockState(folder, 'shop', { ...me, host: 'other', pid: 1 });
  await expect(lockState(folder, 'shop', me)).rejects.toThrow(/on other, pid 1, .*remove .*far\/lock$/);
});

test('a lock that somebody removed is noticed before the next step', async () => {
  const folder = join(root, 'removed');
  const lock = await lockState(folder, 'shop', me);
  await rm(join(folder, 'lock'));
  await expect(lock.check()).rejects.toThrow(/was removed or replaced while this ran/);
});

test('what was opened is given back although giving back something else failed', async () => {
  const done: string[] = [];
  const works = [
    () => Promise.reject(new Error('the lease can not be released')),
    async () => void done.push('connections'),
    async () => void done.push('lock'),
  ];
  await expect(allInTurn(works)).rejects.toThrow('the lease can not be released');
  expect(done).toEqual(['connections', 'lock']);
});
