import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { minutes, ms, waitFor } from '#unit/clock.ts';

const lockPath = '/run/isthmus/join.lock';

/**
 * Waits until no other join or reset works on this machine: an operator whose connection broke starts a second one while
 * the first still runs.
 * @fails WaitedTooLong after 10 minutes
 */
export async function onlyOneAtATime(say: (line: string) => void): Promise<{ release: () => Promise<void> }> {
  await mkdir('/run/isthmus', { recursive: true });
  let told = false;
  await waitFor(
    'another isthmus machine command on this machine to end',
    async () => {
      if (await take()) return true;
      if (!told) say('waiting: another isthmus machine command works on this machine');
      told = true;
      return false;
    },
    { within: minutes(10), every: ms(500) },
  );
  return { release: () => rm(lockPath, { force: true }) };
}

async function take(): Promise<boolean> {
  try {
    const file = await open(lockPath, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'EEXIST') throw e;
  }
  const holder = Number(await readFile(lockPath, 'utf8').catch(() => ''));
  if (holder > 0 && !isAlive(holder)) await rm(lockPath, { force: true });
  return false;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return (e as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
