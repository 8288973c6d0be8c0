import { ms, sleep } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import { retryAdvice } from '../retry-advice.ts';
import type { LookAtDisk } from './look-at-disks.ts';
import { findMachine, type MachinesAt } from './machines.ts';
import { refused } from './outcomes.ts';
import { planAttach, planDetach } from './plan-disk.ts';
import { type Deadline, shareOf } from './wire/deadline.ts';
import { accepted } from './wire/shapes.ts';

/** What the verbs on attachments share. */
interface DisksAt extends MachinesAt {
  readonly lookAt: LookAtDisk;
}

/** One disk at one machine. */
interface Pair {
  readonly disk: string;
  readonly machine: string;
}

/** Looks, attaches, and looks again where the answer leaves in doubt what became of it. */
export async function attachDisk(
  at: DisksAt,
  { disk, machine }: Pair,
  across: boolean,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const action = 'AttachUDisk';
  const before = await at.lookAt(disk, deadline);
  if (!before.ok) return before;
  const step = planAttach(before.value, machine);
  if (step.do === 'done') return ok();
  if (step.do === 'refuse') return fail(refused(action, step));
  const params = {
    Zone: before.value.zone,
    UDiskId: disk,
    HostId: machine,
    // Left out it is Yes, and two machines could write.
    MultiAttach: 'No',
    ...(across && { EnableCrossPodAttach: 'Yes' }),
  };
  // An answer that was lost must leave time to look.
  const answer = await at.wire.call({ action, effect: 'once', params, shape: accepted }, shareOf(deadline, 0.7));
  if (answer.ok || retryAdvice(answer.failure) !== 'after-observing') return answer.ok ? ok() : answer;
  const after = await at.lookAt(disk, deadline);
  if (!after.ok) return after.failure.kind === 'gone' ? after : answer;
  const now = planAttach(after.value, machine);
  if (now.do === 'done') return ok();
  if (now.do === 'refuse') return fail(refused(action, now));
  return fail((await whyNot(at, machine, before.value.zone, answer.failure, deadline)) ?? answer.failure);
}

/** What the machine says about an attachment that was refused with a code which nobody knows. */
async function whyNot(
  at: MachinesAt,
  machine: string,
  zone: string,
  { kind, raw }: CloudFailure,
  deadline: Deadline,
): Promise<CloudFailure | undefined> {
  if (kind !== 'unknown') return undefined;
  const seen = await findMachine(at, machine, deadline);
  if (!seen.ok) return seen.failure.kind === 'gone' ? seen.failure : undefined;
  if (seen.value.zone === zone) return undefined;
  const message = `the disk is in ${zone}, ${machine} in ${seen.value.zone}: ${raw.message}`;
  return { kind: 'outOfReach', raw: { ...raw, message } };
}

/** Between two attempts at a disk that its machine still uses: so many looks. Terraform tries for a quarter of an hour. */
const looksApart = 5;

/** Looks, detaches, and does so again while the machine still uses the disk. */
export async function detachDisk(at: DisksAt, { disk, machine }: Pair, deadline: Deadline): Promise<CloudResult<void>> {
  const action = 'DetachUDisk';
  const pause = ms(at.poll * looksApart);
  let refusal: CloudResult<void> | undefined;
  for (;;) {
    const seen = await at.lookAt(disk, deadline);
    if (!seen.ok && seen.failure.kind === 'gone') return ok();
    // That no time was left for another look says less than what the cloud said before.
    if (!seen.ok) return refusal !== undefined && deadline.left() === 0 ? refusal : seen;
    const step = planDetach(seen.value, machine);
    if (step.do === 'done') return ok();
    if (step.do === 'refuse') return fail(refused(action, step));
    // The machine is named each time: the cloud must not take the disk from one that got it meanwhile.
    const params = { Zone: seen.value.zone, UDiskId: disk, HostId: machine };
    const answer = await at.wire.call({ action, effect: 'once', params, shape: accepted }, shareOf(deadline, 0.7));
    if (answer.ok || answer.failure.kind === 'gone') return ok();
    // The last attempt has what is left of the time: that it got no answer in it, or no turn, tells less than the refusals before.
    const isTelling = answer.failure.kind !== 'unknown' && answer.failure.kind !== 'unavailable';
    refusal = isTelling ? answer : (refusal ?? answer);
    const isWorthALook = retryAdvice(answer.failure) === 'after-observing';
    if (!isWorthALook || deadline.left() <= pause) return refusal;
    await sleep(answer.failure.kind === 'inUse' ? pause : at.poll);
  }
}
