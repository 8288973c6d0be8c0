import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { atStandstill } from './standstill.ts';

test('nothing is written while all processes are held, and they go on afterwards although the work failed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'standstill-'));
  const file = join(folder, 'written');
  const writer = spawn('sh', ['-c', `while :; do echo x >> ${file}; done`]);
  const size = async (): Promise<number> => (await readFile(file, 'utf8').catch(() => '')).length;
  try {
    await mkdir(join(folder, 'machine'));
    await writeFile(join(folder, 'machine/cgroup.procs'), `${writer.pid}\n`);
    await waitFor('the first words', async () => (await size()) > 0, { within: seconds(10), every: ms(10) });
    const held = atStandstill({ kind: 'v1', hierarchies: [folder] }, ['machine'], async () => {
      const before = await size();
      await sleep(ms(200));
      expect(await size()).toBe(before);
      throw new Error('no room on the disk');
    });
    await expect(held).rejects.toThrow('no room on the disk');
    const after = await size();
    await waitFor('more words', async () => (await size()) > after, { within: seconds(10), every: ms(10) });
  } finally {
    writer.kill('SIGKILL');
    await rm(folder, { recursive: true });
  }
});
