import { type Ms, sleep } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import type { BalancerWish, CloudBalancer, Marked, Owned } from '../balancer.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import { listPages } from './list-pages.ts';
import { chargeNames, ownerRemark, parseBalancer } from './parse-balancer.ts';
import { tagOf } from './parse-machine.ts';
import { type Deadline, shareOf } from './wire/deadline.ts';
import { accepted, balancerMade, networkBalancers } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';
import type { Wire } from './wire/transport.ts';

/** What the verbs on balancers share. */
export interface BalancersAt {
  readonly wire: Wire;
  /** Pause between two looks. */
  readonly poll: Ms;
}

/** So often the cloud is looked at where a lost answer leaves in doubt whether something was made. */
export const looksAtDoubt = 5;
const describe = 'DescribeNetworkLoadBalancers';

export function listBalancers(
  { wire, poll }: BalancersAt,
  filter: Params,
  deadline: Deadline,
): Promise<CloudResult<readonly CloudBalancer[]>> {
  return listPages(
    async (paging) => {
      const params = { ...filter, ShowDetail: true, ...paging };
      const page = await wire.call({ action: describe, effect: 'read', params, shape: networkBalancers }, deadline);
      if (!page.ok) return page.failure.kind === 'gone' ? ok({ total: 0, entries: [] }) : page;
      return ok({ total: page.value.TotalCount, entries: page.value.NLBs.map(parseBalancer) });
    },
    ({ id }) => id,
    poll,
    deadline,
  );
}

/** That a balancer is gone is believed only when the list of all of them lacks it too. */
export async function findBalancer(
  at: BalancersAt,
  id: string,
  deadline: Deadline,
): Promise<CloudResult<CloudBalancer>> {
  for (const filter of [{ 'NLBIds.0': id }, {}]) {
    const listed = await listBalancers(at, filter, deadline);
    if (!listed.ok) return listed;
    const seen = listed.value.find((balancer) => balancer.id === id);
    if (seen !== undefined) return ok(seen);
  }
  const message = `no load balancer ${id} in this region and project`;
  return fail({ kind: 'gone', raw: { action: describe, code: 'absent', message } });
}

/** The request is never sent a second time: after an answer that was lost the balancer is looked for. */
export async function createBalancer(
  at: BalancersAt,
  wish: BalancerWish,
  deadline: Deadline,
): Promise<CloudResult<CloudBalancer>> {
  const action = 'CreateNetworkLoadBalancer';
  const before = await findOwned(at, wish, deadline);
  if (!before.ok) return before;
  if (before.value !== undefined) return ok(before.value);
  const params = {
    VPCId: wish.vpc,
    SubnetId: wish.subnet,
    Name: wish.name,
    Tag: tagOf(wish.mark),
    Remark: ownerRemark(wish.owner),
    // Left out it is a month, paid in advance.
    ChargeType: chargeNames[wish.charge],
    ...(wish.charge !== 'hour' && { Quantity: wish.quantity }),
  };
  const answer = await at.wire.call({ action, effect: 'once', params, shape: balancerMade }, shareOf(deadline, 0.7));
  if (answer.ok) return firstSight(at, wish, answer.value.NLBId, deadline);
  if (answer.failure.kind !== 'unknown') return answer;
  return lookAgain(at, answer.failure, () => findOwned(at, wish, deadline), deadline);
}

/** The oldest of several with one owner: every process that looks adopts the same one. */
async function findOwned(
  at: BalancersAt,
  { mark, owner }: Owned,
  deadline: Deadline,
): Promise<CloudResult<CloudBalancer | undefined>> {
  const listed = await listBalancers(at, {}, deadline);
  return listed.ok ? ok(chooseOldest(listed.value, { mark, owner })) : listed;
}

export function chooseOldest<T extends Marked & { readonly id: string; readonly createdAt: number }>(
  seen: readonly T[],
  { mark, owner }: Owned,
): T | undefined {
  return seen
    .filter((one) => one.mark === mark && one.owner === owner)
    .toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))[0];
}

/** What a lost answer was about may appear in the list some seconds later. */
export async function lookAgain<T>(
  at: BalancersAt,
  failure: CloudFailure,
  look: () => Promise<CloudResult<T | undefined>>,
  deadline: Deadline,
): Promise<CloudResult<T>> {
  for (let looks = 0; looks < looksAtDoubt && deadline.left() > at.poll; looks++) {
    await sleep(at.poll);
    const seen = await look();
    if (seen.ok && seen.value !== undefined) return ok(seen.value);
  }
  return fail(failure);
}

/** The balancer as the cloud shows it, or, while its list lags behind, as it was accepted. */
async function firstSight(
  at: BalancersAt,
  wish: BalancerWish,
  id: string,
  deadline: Deadline,
): Promise<CloudResult<CloudBalancer>> {
  const listed = await listBalancers(at, { 'NLBIds.0': id }, deadline);
  const seen = listed.ok ? listed.value.find((balancer) => balancer.id === id) : undefined;
  const { name, mark, owner, vpc, subnet, charge } = wish;
  return ok(seen ?? { id, name, mark, owner, vpc, subnet, charge, createdAt: 0, address: undefined, listeners: [] });
}

export async function removeBalancer(
  at: BalancersAt,
  id: string,
  mark: string,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const action = 'DeleteNetworkLoadBalancer';
  const seen = await findBalancer(at, id, deadline);
  if (!seen.ok) return seen.failure.kind === 'gone' ? ok() : seen;
  if (seen.value.mark !== mark) return fail(foreign(action, id, mark));
  // An address that a person bound to it must outlive it; ours is released by its own id.
  const params = { NLBId: id, ReleaseEIP: false };
  const answer = await at.wire.call({ action, effect: 'repeatable', params, shape: accepted }, deadline);
  return answer.ok || answer.failure.kind === 'gone' ? ok() : answer;
}

export function foreign(action: string, id: string, mark: string): CloudFailure {
  const message = `${id} does not carry the mark "${mark}"; it belongs to somebody else and was left alone`;
  return { kind: 'denied', raw: { action, code: 'foreign', message } };
}
