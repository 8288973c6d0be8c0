import { fail, ok } from '#unit/result.ts';
import type { CloudMachine } from '../compute.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import { findMachine, type MachinesAt } from './machines.ts';
import { type PowerAction, type PowerVerb, planPower } from './plan-power.ts';
import { type Deadline, shareOf } from './wire/deadline.ts';
import { accepted } from './wire/shapes.ts';

/** Asks for what the verb means in the state that the machine is in; one that is there already is left alone. */
export async function powerMachine(
  at: MachinesAt,
  id: string,
  verb: PowerVerb,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const seen = await findMachine(at, id, deadline);
  if (!seen.ok) return seen;
  const step = planPower(verb, seen.value.state);
  if (step.do === 'hold') return ok();
  if (step.do === 'refuse')
    return fail({ kind: 'state', raw: { action: `power ${verb}`, code: 'state', message: `${id}: ${step.why}` } });
  // A refusal must leave time to look whether an earlier attempt worked.
  const asked = await askPower(at, step.action, seen.value, shareOf(deadline, 0.8));
  return asked.ok ? ok() : onItsWay(at, id, verb, asked.failure, deadline);
}

/** One power call on one machine. */
export async function askPower(
  at: MachinesAt,
  action: PowerAction,
  machine: CloudMachine,
  deadline: Deadline,
): Promise<CloudResult<unknown>> {
  const effect = action === 'RebootUHostInstance' ? 'once' : 'repeatable';
  const params = { Zone: machine.zone, UHostId: machine.id };
  return at.wire.call({ action, effect, params, shape: accepted }, deadline);
}

/** A verb that was sent twice, or whose answer was lost, finds the machine in the wrong state because it worked. */
async function onItsWay(
  at: MachinesAt,
  id: string,
  verb: PowerVerb,
  failure: CloudFailure,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  if (failure.kind !== 'state' && failure.kind !== 'unknown') return fail(failure);
  const seen = await findMachine(at, id, deadline);
  if (!seen.ok) return fail(failure);
  const { state } = seen.value;
  const there = planPower(verb, state).do === 'hold' || (verb === 'off' && state === 'stopping');
  return there ? ok() : fail(failure);
}
