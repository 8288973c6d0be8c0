import { ok } from '#unit/result.ts';
import type { CloudMachine, Compute } from '../compute.ts';
import { createMachine } from './create.ts';
import { dryRun } from './dry-run.ts';
import { withMost } from './interfaces.ts';
import { listWhole } from './list-whole.ts';
import { findMachine, type MachinesAt } from './machines.ts';
import { oneAtATime } from './make-once.ts';
import { powerMachine } from './power.ts';
import { removeMachine } from './removal.ts';
import { deadlineIn } from './wire/deadline.ts';

export function ucloudCompute(at: MachinesAt): Compute {
  const alone = oneAtATime();
  return {
    create: (wish, { within }) => alone(`${wish.mark} ${wish.name}`, () => createMachine(at, wish, deadlineIn(within))),
    async list(mark, { within }) {
      const listed = await listWhole(at, deadlineIn(within));
      if (!listed.ok) return listed;
      const machines = listed.value.map(({ machine }) => machine);
      return ok(machines.filter((machine) => mark === undefined || machine.mark === mark).sort(byName));
    },
    async find(id, { within }) {
      const deadline = deadlineIn(within);
      const found = await findMachine(at, id, deadline);
      return found.ok ? ok(await withMost(at, found.value, deadline)) : found;
    },
    power: (id, verb, { within }) => powerMachine(at, id, verb, deadlineIn(within)),
    dryRun: (act) => dryRun(act, at.zone),
    remove: (id, mark, { within }) => removeMachine(at, id, mark, within),
  };
}

function byName(a: CloudMachine, b: CloudMachine): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}
