import { formatMs, type Ms, ms, seconds, sleep } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import type { CloudMachine } from '../compute.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import { findSurely, type MachinesAt } from './machines.ts';
import { doneIfGone, foreign } from './outcomes.ts';
import { planRemoval, type RemovalStep } from './plan-removal.ts';
import { askPower } from './power.ts';
import { type Deadline, deadlineIn, shareOf } from './wire/deadline.ts';
import { accepted } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';

/** systemd itself gives its services 90 s; a node was drained before, so a shutdown that takes longer than this hangs. */
const longestShutdown = seconds(60);
const action = 'TerminateUHostInstance';

/** Looks, takes the next step and looks again, until the machine is gone or accepted for its end. */
export async function removeMachine(at: MachinesAt, id: string, mark: string, within: Ms): Promise<CloudResult<void>> {
  const deadline = deadlineIn(within);
  const asked: ('stop' | 'off')[] = [];
  let shutdown: Deadline | undefined;
  let last: CloudMachine['state'] | undefined;
  for (;;) {
    const seen = await findSurely(at, id, Number.POSITIVE_INFINITY, deadline);
    if (!seen.ok && last !== undefined && deadline.left() === 0) return fail(tooLong(id, within, last));
    if (!seen.ok) return doneIfGone(seen);
    const { state } = seen.value;
    last = state;
    if (seen.value.mark !== mark) return fail(foreign(action, id, mark));
    if (state === 'running' || state === 'stopping') shutdown ??= shutdownIn(deadline);
    const step = planRemoval({ state, asked, shutdownIsOverdue: shutdown?.left() === 0 });
    const performed = await perform(at, step, seen.value, deadline);
    if (performed.ok && step.do === 'terminate') return ok();
    // What was not taken, or perhaps not, is asked for again unless the next look shows that it worked.
    if (performed.ok && (step.do === 'stop' || step.do === 'off')) asked.push(step.do);
    if (!performed.ok && !onlySaysLookAgain(performed.failure)) return doneIfGone(performed);
    if (deadline.left() <= at.poll) return fail(tooLong(id, within, state));
    await sleep(at.poll);
  }
}

function shutdownIn(deadline: Deadline): Deadline {
  return deadlineIn(ms(Math.min(longestShutdown, deadline.left() / 2)));
}

/** The world is not, or may not be, as it was when we looked. */
function onlySaysLookAgain({ kind }: CloudFailure): boolean {
  return kind === 'state' || kind === 'unknown';
}

async function perform(
  at: MachinesAt,
  step: RemovalStep,
  machine: CloudMachine,
  deadline: Deadline,
): Promise<CloudResult<unknown>> {
  switch (step.do) {
    case 'wait':
      return ok();
    case 'stop':
      return askPower(at, 'StopUHostInstance', machine, shareOf(deadline, 0.5));
    case 'off':
      return askPower(at, 'PoweroffUHostInstance', machine, shareOf(deadline, 0.5));
    case 'terminate':
      return terminate(at, machine, deadline);
  }
}

async function terminate(at: MachinesAt, machine: CloudMachine, deadline: Deadline): Promise<CloudResult<unknown>> {
  const params = terminateParams(machine.zone, machine.id);
  return at.wire.call({ action, effect: 'repeatable', params, shape: accepted }, deadline);
}

export function terminateParams(zone: string, id: string): Params {
  return {
    Zone: zone,
    UHostId: id,
    // Our machines are made with a boot disk and nothing else, and that one always goes with the machine. Whatever is
    // attached besides holds the data of pods, and an EIP was bound by a person: both must outlive the machine.
    ReleaseUDisk: false,
    ReleaseEIP: false,
  };
}

function tooLong(id: string, within: Ms, last: string): CloudFailure {
  const message = `waited ${formatMs(within)} for ${id} to stop and end; last seen: ${last}`;
  return { kind: 'unknown', raw: { action, code: 'deadline', message } };
}
