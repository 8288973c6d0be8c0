import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lock, tryLock } from './lock.ts';

const folder = await mkdtemp(join(tmpdir(), 'lock-'));
afterAll(() => rm(folder, { recursive: true }));

test('a lock that is held is refused at once to who tries, and given to who waits', async () => {
  const path = join(folder, 'lock');
  const first = await tryLock(path);
  expect(first).toBeDefined();
  expect(await tryLock(path)).toBeUndefined();

  const waited: string[] = [];
  const next = lock(path, () => waited.push('told to wait'));
  await expect.poll(() => waited, { timeout: 10_000 }).toEqual(['told to wait']);
  await first?.();
  const unlock = await next;
  expect(await tryLock(path)).toBeUndefined();
  await unlock();
  await (await tryLock(path))?.();
});

test('a lock in a folder that is not there is an error that names the file', async () => {
  await expect(tryLock(join(folder, 'nowhere/lock'))).rejects.toThrow(/nowhere\/lock ended with 66/);
});
