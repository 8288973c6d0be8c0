import { fail, ok } from '#unit/result.ts';
import type { BackEnd, CloudBackEnd } from '../balancer.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import { doneIfGone } from './outcomes.ts';
import type { InListener } from './rules.ts';
import type { Deadline } from './wire/deadline.ts';
import { accepted, directBackEndMade } from './wire/shapes.ts';

/** One call for each; one that is refused keeps none of the others. */
export async function addDirectBackEnds(
  { wire, balancer, listener }: InListener,
  backEnds: readonly BackEnd[],
  deadline: Deadline,
): Promise<CloudResult<readonly CloudBackEnd[]>> {
  const added: CloudBackEnd[] = [];
  let refused: CloudFailure | undefined;
  for (const one of backEnds) {
    if (one.machine === undefined) return fail(machinesOnly(one.address));
    const params = {
      ULBId: balancer,
      VServerId: listener,
      ResourceType: 'UHost',
      ResourceId: one.machine,
      Port: one.port,
    };
    const call = { action: 'AllocateBackend', effect: 'once', params, shape: directBackEndMade } as const;
    const answer = await wire.call(call, deadline);
    // Its own check says later whether it is well.
    if (answer.ok) added.push({ ...one, id: answer.value, healthy: undefined });
    else if (answer.failure.kind === 'gone' || answer.failure.kind === 'inUse') refused ??= answer.failure;
    else return answer;
  }
  return refused === undefined ? ok(added) : fail(refused);
}

export async function dropDirectBackEnds(
  { wire, balancer }: InListener,
  ids: readonly string[],
  deadline: Deadline,
): Promise<CloudResult<void>> {
  for (const id of ids) {
    const params = { ULBId: balancer, BackendId: id };
    const call = { action: 'ReleaseBackend', effect: 'repeatable', params, shape: accepted } as const;
    const answer = doneIfGone(await wire.call(call, deadline));
    if (!answer.ok) return answer;
  }
  return ok();
}

/** @source UCloud API reference, AllocateBackend: an address that is no machine's is refused where packets are forwarded */
function machinesOnly(address: string): CloudFailure {
  const message = `${address} can't be a back end: a classic load balancer forwards packets to machines alone`;
  return { kind: 'invalid', raw: { action: 'AllocateBackend', code: 'type', message } };
}
