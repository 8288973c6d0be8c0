import { sleep } from '#unit/clock.ts';
import { parseIp } from '#unit/ip.ts';
import { fail, ok } from '#unit/result.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import type { PublicAddress, PublicAddressWish } from '../public-address.ts';
import { chooseOldest } from './balancers.ts';
import { findListed, type ListsAt, listPages, pagesOf } from './list-pages.ts';
import { looksAtDoubt, makeOnce } from './make-once.ts';
import { doneIfGone, foreign } from './outcomes.ts';
import { chargeNames, ownerRemark, parseEip } from './parse-balancer.ts';
import { tagOf } from './parse-machine.ts';
import type { Deadline } from './wire/deadline.ts';
import { accepted, eips, eipsMade } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';
import type { Wire } from './wire/transport.ts';

/** @source UCloud API reference, BindEIP: the list of types names none for an NLB; `ulb` is that of load balancers */
const boundType = 'ulb';

/** Public addresses that the filter lets through. An address whose IP is not told yet is not among them. */
export async function listEips(
  at: ListsAt,
  filter: Params,
  deadline: Deadline,
): Promise<CloudResult<readonly PublicAddress[]>> {
  const listed = await listPages(
    at,
    {
      action: 'DescribeEIP',
      params: filter,
      shape: pagesOf(eips, ({ EIPSet }) => EIPSet),
      idOf: ({ EIPId }) => EIPId,
    },
    deadline,
  );
  return listed.ok ? ok(listed.value.flatMap((eip) => parseEip(eip) ?? [])) : listed;
}

export async function allocateEip(
  at: ListsAt,
  region: string,
  wish: PublicAddressWish,
  deadline: Deadline,
): Promise<CloudResult<PublicAddress>> {
  const action = 'AllocateEIP';
  const findOwned = async (): Promise<CloudResult<PublicAddress | undefined>> => {
    const listed = await listEips(at, {}, deadline);
    return listed.ok ? ok(chooseOldest(listed.value, wish)) : listed;
  };
  const { mark, owner, bandwidth, pays } = wish;
  const params = {
    OperatorName: wish.operator ?? usualOperator(region),
    Bandwidth: typeof pays === 'object' ? 0 : bandwidth,
    Name: wish.name,
    Tag: tagOf(mark),
    Remark: ownerRemark(owner),
    // Left out it is a month, paid in advance.
    ChargeType: chargeNames[wish.charge],
    ...(wish.charge !== 'hour' && { Quantity: wish.quantity }),
    ...(typeof pays === 'object'
      ? { PayMode: 'ShareBandwidth', ShareBandwidthId: pays.shared }
      : { PayMode: pays === 'traffic' ? 'Traffic' : 'Bandwidth' }),
  };
  return makeOnce(
    {
      look: findOwned,
      ask: (share) => at.wire.call({ action, effect: 'once', params, shape: eipsMade }, share),
      sight: ({ EIPSet: [made] }) => {
        const ip = parseIp(made?.EIPAddr[0]?.IP ?? '');
        if (made !== undefined && ip !== undefined)
          return ok({ id: made.EIPId, ip, mark, owner, bandwidth, createdAt: 0, boundTo: undefined });
        const message = 'accepted, but no address was told: it is looked for before another one is asked for';
        return fail({ kind: 'unknown', raw: { action, code: 'none-told', message } });
      },
      poll: at.poll,
    },
    deadline,
  );
}

/** @source UCloud product manual of UK8S, annotation eip-operator-name */
function usualOperator(region: string): string {
  return ['cn-bj2', 'cn-sh2', 'cn-gd', 'cn-wlcb'].includes(region) ? 'Bgp' : 'International';
}

/** An address that is bound already is refused by the cloud: to what, a look tells, and one on its way there shows it a little later. */
export async function bindEip(
  at: ListsAt,
  address: string,
  balancer: string,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const action = 'BindEIP';
  const params = { EIPId: address, ResourceType: boundType, ResourceId: balancer };
  const answer = await at.wire.call({ action, effect: 'repeatable', params, shape: accepted }, deadline);
  if (answer.ok) return ok();
  const isTaken = answer.failure.kind === 'inUse';
  for (let looks = 0; looks < looksAtDoubt; looks++) {
    const seen = await findEip(at, address, deadline);
    // By whom it is used nobody has seen, so nobody may say that it is used.
    if (!seen.ok) return isTaken || seen.failure.kind === 'gone' ? seen : answer;
    const { boundTo } = seen.value;
    if (boundTo === balancer) return ok();
    if (boundTo !== undefined) {
      const message = `${address} is bound to ${boundTo}`;
      return fail({ kind: 'inUse', raw: { action, code: answer.failure.raw.code, message } });
    }
    if (!isTaken || deadline.left() <= at.poll) break;
    await sleep(at.poll);
  }
  if (!isTaken) return answer;
  const message = `${address} is refused as bound, but is not shown as bound: it is on its way to something or from it`;
  return fail({ kind: 'state', raw: { action, code: answer.failure.raw.code, message } });
}

export async function resizeEip(
  wire: Wire,
  address: string,
  bandwidth: number,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const action = 'ModifyEIPBandwidth';
  const params = { EIPId: address, Bandwidth: bandwidth };
  const answer = await wire.call({ action, effect: 'repeatable', params, shape: accepted }, deadline);
  return answer.ok ? ok() : answer;
}

/** Only an address that is not bound can be released, and both binding and unbinding take their time: it is tried until it works. */
export async function releaseEip(
  at: ListsAt,
  address: string,
  mark: string,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const action = 'ReleaseEIP';
  for (;;) {
    const seen = await findEip(at, address, deadline);
    if (!seen.ok) return doneIfGone(seen);
    if (seen.value.mark !== mark) return fail(foreign(action, address, mark));
    const { boundTo } = seen.value;
    const params = { EIPId: address };
    const answer =
      boundTo === undefined
        ? await at.wire.call({ action, effect: 'repeatable', params, shape: accepted }, deadline)
        : await unbind(at.wire, address, boundTo, deadline);
    if (!answer.ok && answer.failure.kind === 'gone') return ok();
    if (answer.ok && boundTo === undefined) return ok();
    const isOnItsWay = answer.ok || answer.failure.kind === 'inUse' || answer.failure.kind === 'state';
    if (!isOnItsWay || deadline.left() <= at.poll) return answer.ok ? fail(stillBound(address)) : answer;
    await sleep(at.poll);
  }
}

async function unbind(wire: Wire, address: string, boundTo: string, deadline: Deadline): Promise<CloudResult<unknown>> {
  const params = { EIPId: address, ResourceType: boundType, ResourceId: boundTo };
  // What it was bound to may be gone: the next look tells.
  return doneIfGone(await wire.call({ action: 'UnBindEIP', effect: 'repeatable', params, shape: accepted }, deadline));
}

function stillBound(address: string): CloudFailure {
  const message = `${address} is still being unbound`;
  return { kind: 'inUse', raw: { action: 'UnBindEIP', code: 'deadline', message } };
}

async function findEip(at: ListsAt, id: string, deadline: Deadline): Promise<CloudResult<PublicAddress>> {
  const isIt = (one: PublicAddress): boolean => one.id === id;
  const seen = await findListed((filter) => listEips(at, filter, deadline), 'EIPIds.0', id, isIt);
  if (!seen.ok) return seen;
  if (seen.value !== undefined) return ok(seen.value);
  const message = `no public address ${id} in this region and project`;
  return fail({ kind: 'gone', raw: { action: 'DescribeEIP', code: 'absent', message } });
}
