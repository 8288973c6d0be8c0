import type { Ms } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import type { BalancerWish, CloudBalancer } from '../balancer.ts';
import type { CloudResult } from '../failure.ts';
import { byAge, type Marked, type Owned } from '../owned.ts';
import { findListed, listPages } from './list-pages.ts';
import { makeOnce } from './make-once.ts';
import { doneIfGone, foreign } from './outcomes.ts';
import { chargeNames, ownerRemark, parseBalancer } from './parse-balancer.ts';
import { tagOf } from './parse-machine.ts';
import type { Deadline } from './wire/deadline.ts';
import { accepted, balancerMade, networkBalancers } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';
import type { Wire } from './wire/transport.ts';

/** What the verbs on balancers share. */
export interface BalancersAt {
  readonly wire: Wire;
  /** Pause between two looks. */
  readonly poll: Ms;
}

const describe = 'DescribeNetworkLoadBalancers';

export async function listBalancers(
  at: BalancersAt,
  filter: Params,
  deadline: Deadline,
): Promise<CloudResult<readonly CloudBalancer[]>> {
  const listed = await listPages(
    at,
    {
      action: describe,
      params: { ...filter, ShowDetail: true },
      shape: networkBalancers,
      entriesOf: ({ NLBs }) => NLBs.map(parseBalancer),
      idOf: ({ id }) => id,
    },
    deadline,
  );
  return !listed.ok && listed.failure.kind === 'gone' ? ok([]) : listed;
}

export async function findBalancer(
  at: BalancersAt,
  id: string,
  deadline: Deadline,
): Promise<CloudResult<CloudBalancer>> {
  const isIt = (balancer: CloudBalancer): boolean => balancer.id === id;
  const seen = await findListed((filter) => listBalancers(at, filter, deadline), 'NLBIds.0', id, isIt);
  if (!seen.ok) return seen;
  if (seen.value !== undefined) return ok(seen.value);
  const message = `no load balancer ${id} in this region and project`;
  return fail({ kind: 'gone', raw: { action: describe, code: 'absent', message } });
}

/** One balancer for one owner. */
export async function createBalancer(
  at: BalancersAt,
  wish: BalancerWish,
  deadline: Deadline,
): Promise<CloudResult<CloudBalancer>> {
  const action = 'CreateNetworkLoadBalancer';
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
  return makeOnce(
    {
      look: () => findOwned(at, wish, deadline),
      ask: (share) => at.wire.call({ action, effect: 'once', params, shape: balancerMade }, share),
      sight: ({ NLBId }) => firstSight(at, wish, NLBId, deadline),
      poll: at.poll,
    },
    deadline,
  );
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
  return seen.filter((one) => one.mark === mark && one.owner === owner).toSorted(byAge)[0];
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
  if (!seen.ok) return doneIfGone(seen);
  if (seen.value.mark !== mark) return fail(foreign(action, id, mark));
  // An address that a person bound to it must outlive it; ours is released by its own id.
  const params = { NLBId: id, ReleaseEIP: false };
  return doneIfGone(await at.wire.call({ action, effect: 'repeatable', params, shape: accepted }, deadline));
}
