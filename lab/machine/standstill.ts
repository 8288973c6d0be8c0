import { ms, seconds, waitFor } from '#unit/clock.ts';
import { type Cgroups, observeMembers } from './cgroup.ts';
import { observeMark, type ProcessMark, signal, statOf } from './process-mark.ts';

/**
 * Holds all processes of some machines while `work` is done: nothing on their disks changes meanwhile, as if their power had been
 * cut at one moment. They go on afterwards, however `work` ends. Stopped and not frozen by control group: a stopped process
 * can still be killed, so a lab whose `save` was killed can be taken down, or its machines switched off and on.
 * @shape groups: names of the machines' control groups; last: those that stop after all others and go on before them, with what
 *         is done in between
 */
export async function atStandstill<T>(
  cgroups: Cgroups,
  groups: readonly string[],
  work: () => Promise<T>,
  last?: Last,
): Promise<T> {
  const held = new Map<number, ProcessMark>();
  const hold = (isSpared: (process: ProcessMark) => boolean): Promise<true> =>
    waitFor('the processes of the machines to stand still', () => stopAll({ cgroups, groups, held, isSpared }), {
      within: seconds(20),
      every: ms(20),
    });
  const goOn = (marks: readonly ProcessMark[]): void => {
    for (const mark of marks) signal(mark, 'SIGCONT');
  };
  try {
    if (last === undefined) return await hold(() => false).then(work);
    await hold(last.isLast);
    await last.before();
    try {
      return await hold(() => false).then(work);
    } finally {
      goOn([...held.values()].filter(last.isLast));
      await last.after();
    }
  } finally {
    goOn([...held.values()]);
  }
}

/** Both must not fail: what they do for others is no reason to give up the work. */
interface Last {
  readonly isLast: (process: ProcessMark) => boolean;
  readonly before: () => Promise<void>;
  readonly after: () => Promise<void>;
}

interface Holding {
  readonly cgroups: Cgroups;
  readonly groups: readonly string[];
  readonly held: Map<number, ProcessMark>;
  readonly isSpared: (process: ProcessMark) => boolean;
}

/** @shape true when a whole look has found nobody that runs: a process may have started another one until it was stopped */
async function stopAll({ cgroups, groups, held, isSpared }: Holding): Promise<true | undefined> {
  const members = (await Promise.all(groups.map((group) => observeMembers(cgroups, group)))).flat();
  let moving = 0;
  for (const mark of members.map(observeMark)) {
    if (mark === undefined || isSpared(mark)) continue;
    if (held.get(mark.pid)?.start !== mark.start) {
      held.set(mark.pid, mark);
      signal(mark, 'SIGSTOP');
    }
    const [state = ''] = statOf(mark.pid);
    // T: stopped; Z, X, nothing: ended, and writes nothing any more.
    if ('TZX'.includes(state)) continue;
    moving++;
    if (state === 'D') letChildrenGo(mark, held);
  }
  return moving === 0 ? true : undefined;
}

/**
 * After vfork a process waits in the kernel until its child runs a program of its own, and does not stop before: with the child
 * held, both would wait for ever. The child goes on until the next look, which holds it again.
 */
function letChildrenGo(parent: ProcessMark, held: Map<number, ProcessMark>): void {
  for (const child of held.values()) {
    if (Number(statOf(child.pid)[1]) !== parent.pid) continue;
    signal(child, 'SIGCONT');
    held.delete(child.pid);
  }
}
