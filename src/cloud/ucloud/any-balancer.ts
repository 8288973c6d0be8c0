import type { Ms } from '#unit/clock.ts';
import type { BalancersOf } from '../balancer.ts';
import type { AnyListener, AnyWish, BalancerKind } from './balancer-kind.ts';
import { createBalancer, findBalancer, listBalancers, removeBalancer } from './balancers.ts';
import { type ListsAt, listLag, markedOnly } from './list-pages.ts';
import { closeListener } from './listeners.ts';
import { oneAtATime } from './make-once.ts';
import { type Removed, rememberRemoved } from './removed.ts';
import { deadlineIn } from './wire/deadline.ts';
import type { Wire } from './wire/transport.ts';

/** One product's part of the connection, and what is done alike with balancers of every kind. */
export interface AnyBalancers<W, L> {
  readonly at: ListsAt & { readonly removed: Removed };
  readonly alone: ReturnType<typeof oneAtATime>;
  readonly verbs: Pick<BalancersOf<W, L>, 'lag' | 'create' | 'list' | 'find' | 'remove' | 'unlisten'>;
}

/** @unit poll: pause between two looks at what was asked for */
export function anyBalancers<W extends AnyWish, L extends AnyListener>(
  wire: Wire,
  poll: Ms,
  kind: BalancerKind<W, L>,
): AnyBalancers<W, L> {
  const removed = rememberRemoved(listLag);
  const at = { wire, poll, removed };
  const alone = oneAtATime();
  return {
    at,
    alone,
    verbs: {
      lag: listLag,
      create: (wish, { within }) =>
        alone(`balancer ${wish.mark} ${wish.owner}`, () => createBalancer(at, kind, wish, deadlineIn(within))),
      list: (mark, opts) =>
        markedOnly(at, mark, opts, (from, filter, deadline) => listBalancers(from, kind, filter, deadline)),
      find: (id, { within }) => findBalancer(at, kind, id, deadlineIn(within)),
      remove: (id, mark, { within }) => removed.note(id, removeBalancer(at, kind, id, mark, deadlineIn(within))),
      unlisten: (balancer, listener, { within }) =>
        removed.note(listener, closeListener(wire, kind, balancer, listener, deadlineIn(within))),
    },
  };
}
