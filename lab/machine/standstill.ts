import { readFileSync } from 'node:fs';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { type Cgroups, observeMembers } from './cgroup.ts';
import { observeMark, type ProcessMark, signal } from './process-mark.ts';

/**
 * Holds all processes of some machines while `work` is done: nothing on their disks changes meanwhile, as if their power had been
 * cut at one moment. They go on afterwards, however `work` ends. Stopped and not frozen by control group: a stopped process
 * can still be killed, so a lab whose `save` was killed can be taken down, or its machines switched off and on.
 * @shape groups: names of the machines' control groups
 */
export async function atStandstill<T>(cgroups: Cgroups, groups: readonly string[], work: () => Promise<T>): Promise<T> {
  const held = new Map<number, ProcessMark>();
  try {
    await waitFor('the processes of the machines to stand still', () => stopAll(cgroups, groups, held), {
      within: seconds(20),
      every: ms(20),
    });
    return await work();
  } finally {
    for (const mark of held.values()) signal(mark, 'SIGCONT');
  }
}

/** @shape true when a whole look has found nobody that runs: a process may have started another one until it was stopped */
async function stopAll(
  cgroups: Cgroups,
  groups: readonly string[],
  held: Map<number, ProcessMark>,
): Promise<true | undefined> {
  const members = (await Promise.all(groups.map((group) => observeMembers(cgroups, group)))).flat();
  let moving = 0;
  for (const mark of members.map(observeMark)) {
    if (mark === undefined) continue;
    if (held.get(mark.pid)?.start !== mark.start) {
      held.set(mark.pid, mark);
      signal(mark, 'SIGSTOP');
    }
    if (!isStopped(mark.pid)) moving++;
  }
  return moving === 0 ? true : undefined;
}

function isStopped(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // T: stopped; Z, X: ended, and writes nothing any more.
    return /^[TZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return true;
  }
}
