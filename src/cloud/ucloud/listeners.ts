import { fail, ok } from '#unit/result.ts';
import type { CloudResult } from '../failure.ts';
import type { Owned } from '../owned.ts';
import type { AnyListener, AnyWish, BalancerKind } from './balancer-kind.ts';
import { type ListsAt, listPages } from './list-pages.ts';
import { makeOnce } from './make-once.ts';
import { doneIfGone } from './outcomes.ts';
import { listenerRemark } from './parse-balancer.ts';
import type { Deadline } from './wire/deadline.ts';
import { accepted } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';
import type { Wire } from './wire/transport.ts';

/**
 * Opens one port, and adopts the listener that a lost answer may have left.
 * @unit complete: what else a listener that was made a moment ago needs, before it is told
 */
export async function openListener<W extends AnyWish, L extends AnyListener>(
  at: ListsAt,
  kind: BalancerKind<W, L>,
  balancer: string,
  wish: W & Owned,
  deadline: Deadline,
  complete: (made: L) => CloudResult<L> | Promise<CloudResult<L>> = ok,
): Promise<CloudResult<L>> {
  const params = {
    [kind.idParam]: balancer,
    ...kind.openParams(wish),
  };
  return makeOnce(
    {
      look: () => findOwnOnPort(at, kind, balancer, wish, deadline),
      ask: (share) =>
        at.wire.call({ action: kind.actions.listen, effect: 'once', params, shape: kind.listenerMade }, share),
      sight: (id) => complete(kind.opened(id, wish)),
      poll: at.poll,
    },
    deadline,
  );
}

/** What a listener says of itself where it has a remark. */
export function ownedParams({ mark, owner, protocol, port }: AnyWish & Owned): Params {
  return { Name: `${protocol.toLowerCase()}-${port}`, Remark: listenerRemark(mark, owner) };
}

/** @fails inUse: the port is somebody else's */
async function findOwnOnPort<W extends AnyWish, L extends AnyListener>(
  at: ListsAt,
  kind: BalancerKind<W, L>,
  balancer: string,
  wish: W & Owned,
  deadline: Deadline,
): Promise<CloudResult<L | undefined>> {
  const listed = await listListeners(at, kind, balancer, deadline);
  if (!listed.ok) return listed;
  const { mark, owner, protocol, port } = wish;
  const seen = listed.value.find((one) => kind.hasPort(one, wish));
  if (seen === undefined || (seen.mark === mark && seen.owner === owner)) return ok(seen);
  const message = `${protocol} port ${port} of ${balancer} is in use by the listener ${seen.id}`;
  return fail({ kind: 'inUse', raw: { action: kind.actions.listen, code: 'port', message } });
}

export function listListeners<L extends AnyListener>(
  at: ListsAt,
  { listeners, idParam }: BalancerKind<never, L>,
  balancer: string,
  deadline: Deadline,
): Promise<CloudResult<readonly L[]>> {
  return listPages(at, { ...listeners, params: { [idParam]: balancer } }, deadline);
}

/** @unit params: how the port is to be answered */
export async function changeListener(
  wire: Wire,
  { actions, idParam, listenerParam }: BalancerKind<never, AnyListener>,
  balancer: string,
  listener: string,
  change: Params,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const params = { [idParam]: balancer, [listenerParam]: listener, ...change };
  const answer = await wire.call({ action: actions.change, effect: 'repeatable', params, shape: accepted }, deadline);
  return answer.ok ? ok() : answer;
}

export async function closeListener(
  wire: Wire,
  { actions, idParam, listenerParam, extra }: BalancerKind<never, AnyListener>,
  balancer: string,
  listener: string,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const params = { [idParam]: balancer, [listenerParam]: listener, ...extra.unlisten };
  return doneIfGone(
    await wire.call({ action: actions.unlisten, effect: 'repeatable', params, shape: accepted }, deadline),
  );
}
