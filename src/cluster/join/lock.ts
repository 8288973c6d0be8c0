import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tryLock } from '#host/lock.ts';
import { minutes, ms, waitFor } from '#unit/clock.ts';

const lockFolder = '/run/isthmus';
/** A reset that removed its own lock would let the next command in beside it. */
export const lockName = 'machine.lock';

/**
 * Waits until no other join or reset works on this machine: an operator whose connection broke starts a second one while
 * the first still runs. The kernel frees the lock with its process, so nothing that is left behind blocks.
 * @fails WaitedTooLong after 10 minutes
 */
export async function onlyOneAtATime(
  say: (line: string) => void,
  path = join(lockFolder, lockName),
): Promise<{ release: () => Promise<void> }> {
  await mkdir(dirname(path), { recursive: true });
  let told = false;
  const release = await waitFor(
    'another isthmus machine command on this machine to end',
    async () => {
      const unlock = await tryLock(path);
      if (unlock === undefined && !told) say('waiting: another isthmus machine command is running on this machine');
      told = true;
      return unlock ?? false;
    },
    { within: minutes(10), every: ms(500) },
  );
  return { release };
}
