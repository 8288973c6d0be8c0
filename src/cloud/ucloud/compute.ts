import { ok } from '#unit/result.ts';
import type { CloudMachine, Compute } from '../compute.ts';
import type { CloudResult } from '../failure.ts';
import { createMachine } from './create.ts';
import { dryRun } from './dry-run.ts';
import { listWhole } from './list-whole.ts';
import { findMachine, type MachinesAt } from './machines.ts';
import { powerMachine } from './power.ts';
import { removeMachine } from './removal.ts';
import { deadlineIn } from './wire/deadline.ts';

export function ucloudCompute(at: MachinesAt): Compute {
  // Two wishes for one name in this process must not both find nothing and both create: the later one shares the answer.
  const creating = new Map<string, Promise<CloudResult<CloudMachine>>>();
  return {
    async create(wish, { within }) {
      const key = `${wish.mark} ${wish.name}`;
      const running = creating.get(key);
      if (running !== undefined) return running;
      const begun = createMachine(at, wish, deadlineIn(within)).finally(() => creating.delete(key));
      creating.set(key, begun);
      return begun;
    },
    async list(mark, { within }) {
      const listed = await listWhole(at, deadlineIn(within));
      if (!listed.ok) return listed;
      const machines = listed.value.map(({ machine }) => machine);
      return ok(machines.filter((machine) => mark === undefined || machine.mark === mark).sort(byName));
    },
    find: (id, { within }) => findMachine(at, id, deadlineIn(within)),
    power: (id, verb, { within }) => powerMachine(at, id, verb, deadlineIn(within)),
    dryRun: (act) => dryRun(act, at.zone),
    remove: (id, mark, { within }) => removeMachine(at, id, mark, within),
  };
}

function byName(a: CloudMachine, b: CloudMachine): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}
