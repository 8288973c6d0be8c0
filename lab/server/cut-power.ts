import { ms, seconds, waitFor } from '#unit/clock.ts';
import type { Fabric } from '../fabric/fabric.ts';
import { markOf } from '../fabric/names.ts';
import { type Cgroups, observeMembers } from '../machine/cgroup.ts';
import { isAlive, observeMark, type ProcessMark, signal } from '../machine/process-mark.ts';
import { observeMachines } from './machines.ts';

/**
 * Switches off what an earlier server of this lab left running and pulls its cables, so that every machine starts from a known
 * state. Nothing happens in a lab whose server starts for the first time.
 */
export async function cutPower(
  lab: string,
  fabric: Fabric,
  cgroups: Cgroups,
  note: (entry: Readonly<Record<string, unknown>>) => void,
): Promise<void> {
  for (const { key, init } of observeMachines(lab)) {
    const left = await observeMembers(cgroups, markOf(lab, key));
    const marks = [init, ...left.map(observeMark)].filter((mark): mark is ProcessMark => mark !== undefined);
    note({ machine: key, power: 'cut', processes: marks.length });
    for (const mark of marks) signal(mark, 'SIGKILL');
    await waitFor(`what was left of ${key} to end`, async () => !marks.some(isAlive), {
      within: seconds(20),
      every: ms(20),
    });
    await fabric.unplug(key);
  }
}
