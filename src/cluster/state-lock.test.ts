import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lockState } from './state-lock.ts';

const root = mkdtempSync(join(tmpdir(), 'isthmus-lock-'));
afterAll(() => rmSync(root, { recursive: true }));
const me = { user: 'ann', host: 'desk', pid: process.pid };

test('a second command refuses and says who holds the cluster; when the first ends, it is free and nothing is left', async () => {
  const folder = join(root, 'held');
  const first = await lockState(folder, 'shop', me);
  await expect(lockState(folder, 'shop', me)).rejects.toThrow(
    new RegExp(
      `another isthmus works on shop: ann on desk, pid ${process.pid}, since \\d{4}-.*wait until it ends, or end that process`,
    ),
  );
  await first.check();
  await first.release();
  expect(await readdir(folder)).toEqual([]);
});

test('what a killed process left is taken over, by exactly one of many', async () => {
  const folder = join(root, 'dead');
  const child = spawn('sleep', ['1000']);
  await lockState(folder, 'shop', { ...me, pid: child.pid ?? 0 });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const ends = await Promise.allSettled(Array.from({ length: 8 }, () => lockState(folder, 'shop', me)));
  expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

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
