import { fail, ok } from '#unit/result.ts';
import type { BalancerWish, SeenBalancer } from '../balancer.ts';
import type { CloudResult } from '../failure.ts';
import { byAge, type Marked, type Owned } from '../owned.ts';
import type { AnyListener, AnyWish, BalancerKind } from './balancer-kind.ts';
import { findListed, type ListsAt, listPages } from './list-pages.ts';
import { makeOnce } from './make-once.ts';
import { doneIfGone, foreign } from './outcomes.ts';
import { chargeNames, ownerRemark } from './parse-balancer.ts';
import { tagOf } from './parse-machine.ts';
import type { Deadline } from './wire/deadline.ts';
import { accepted } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';

export async function listBalancers<L extends AnyListener>(
  at: ListsAt,
  { balancers }: BalancerKind<never, L>,
  filter: Params,
  deadline: Deadline,
): Promise<CloudResult<readonly SeenBalancer<L>[]>> {
  const listed = await listPages(at, { ...balancers, params: { ...balancers.params, ...filter } }, deadline);
  return !listed.ok && listed.failure.kind === 'gone' ? ok([]) : listed;
}

export async function findBalancer<L extends AnyListener>(
  at: ListsAt,
  kind: BalancerKind<never, L>,
  id: string,
  deadline: Deadline,
): Promise<CloudResult<SeenBalancer<L>>> {
  const isIt = (balancer: SeenBalancer<L>): boolean => balancer.id === id;
  const seen = await findListed((filter) => listBalancers(at, kind, filter, deadline), kind.idFilter, id, isIt);
  if (!seen.ok) return seen;
  if (seen.value !== undefined) return ok(seen.value);
  const message = `no load balancer ${id} in this region and project`;
  return fail({ kind: 'gone', raw: { action: kind.balancers.action, code: 'absent', message } });
}

/** One balancer for one owner. */
export async function createBalancer<L extends AnyListener>(
  at: ListsAt,
  kind: BalancerKind<never, L>,
  wish: BalancerWish,
  deadline: Deadline,
): Promise<CloudResult<SeenBalancer<L>>> {
  const { actions, made: shape } = kind;
  const params = {
    ...kind.createParams(wish),
    VPCId: wish.vpc,
    SubnetId: wish.subnet,
    Tag: tagOf(wish.mark),
    Remark: ownerRemark(wish.owner),
    // Left out it is a month, paid in advance.
    ChargeType: chargeNames[wish.charge],
  };
  return makeOnce(
    {
      look: () => findOwned(at, kind, wish, deadline),
      ask: (share) => at.wire.call({ action: actions.create, effect: 'once', params, shape }, share),
      sight: (id) => firstSight(at, kind, wish, id, deadline),
      poll: at.poll,
    },
    deadline,
  );
}

/** What is said of a balancer that is paid for a number of months. */
export function paidParams({ name, charge, quantity }: BalancerWish): Params {
  return { Name: name, ...(charge !== 'hour' && { Quantity: quantity }) };
}

/**
 * The oldest of several with one owner: every process that looks adopts the same one. With all that is in them, the list of hundreds of
 * balancers is a megabyte, and it is asked for before each create.
 */
async function findOwned<L extends AnyListener>(
  at: ListsAt,
  kind: BalancerKind<never, L>,
  { mark, owner }: Owned,
  deadline: Deadline,
): Promise<CloudResult<SeenBalancer<L> | undefined>> {
  const listed = await listBalancers(at, kind, kind.bare, deadline);
  if (!listed.ok) return listed;
  const oldest = chooseOldest(listed.value, { mark, owner });
  return oldest === undefined ? ok(undefined) : findBalancer(at, kind, oldest.id, deadline);
}

export function chooseOldest<T extends Marked & { readonly id: string; readonly createdAt: number }>(
  seen: readonly T[],
  { mark, owner }: Owned,
): T | undefined {
  return seen.filter((one) => one.mark === mark && one.owner === owner).toSorted(byAge)[0];
}

/** The balancer as the cloud shows it, or, while its list lags behind, as it was accepted. */
async function firstSight<L extends AnyListener>(
  at: ListsAt,
  kind: BalancerKind<never, L>,
  wish: BalancerWish,
  id: string,
  deadline: Deadline,
): Promise<CloudResult<SeenBalancer<L>>> {
  const listed = await listBalancers(at, kind, { [kind.idFilter]: id }, deadline);
  const seen = listed.ok ? listed.value.find((balancer) => balancer.id === id) : undefined;
  const { name, mark, owner, vpc, subnet, charge } = wish;
  return ok(seen ?? { id, name, mark, owner, vpc, subnet, charge, createdAt: 0, address: undefined, listeners: [] });
}

/** Public addresses that are bound to it stay: one that a person bound must outlive it, and ours is released by its own id. */
export async function removeBalancer<W extends AnyWish, L extends AnyListener>(
  at: ListsAt,
  kind: BalancerKind<W, L>,
  id: string,
  mark: string,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const { actions, idParam, extra } = kind;
  const seen = await findBalancer(at, kind, id, deadline);
  if (!seen.ok) return doneIfGone(seen);
  if (seen.value.mark !== mark) return fail(foreign(actions.remove, id, mark));
  const params = { [idParam]: id, ...extra.remove };
  return doneIfGone(
    await at.wire.call({ action: actions.remove, effect: 'repeatable', params, shape: accepted }, deadline),
  );
}
