import { type Ms, seconds } from '#unit/clock.ts';
import type { Balancers } from '../balancer.ts';
import { addBackEnds, dropBackEnds } from './back-ends.ts';
import { createBalancer, findBalancer, listBalancers, removeBalancer } from './balancers.ts';
import { markedOnly } from './list-pages.ts';
import { changeListener, closeListener, openListener } from './listeners.ts';
import { oneAtATime } from './make-once.ts';
import { nlb } from './nlb.ts';
import { listeningParams } from './parse-balancer.ts';
import { rememberRemoved } from './removed.ts';
import { deadlineIn } from './wire/deadline.ts';
import type { Wire } from './wire/transport.ts';

/** No list tells how late it may be; machines of the regression scenarios appear within 10 s. */
export const listLag = seconds(15);

/** NLBs. @unit poll: pause between two looks at what was asked for */
export function ucloudBalancers(wire: Wire, poll: Ms): Balancers {
  const removed = rememberRemoved(listLag);
  const at = { wire, poll, removed };
  const alone = oneAtATime();
  return {
    // UCloud product manual of NLB, "quotas".
    most: { listeners: 5, backEnds: 300 },
    lag: listLag,
    create: (wish, { within }) =>
      alone(`balancer ${wish.mark} ${wish.owner}`, () => createBalancer(at, nlb, wish, deadlineIn(within))),
    list: (mark, opts) =>
      markedOnly(at, mark, opts, (from, filter, deadline) => listBalancers(from, nlb, filter, deadline)),
    find: (id, { within }) => findBalancer(at, nlb, id, deadlineIn(within)),
    remove: (id, mark, { within }) => removed.note(id, removeBalancer(at, nlb, id, mark, deadlineIn(within))),
    listen: (balancer, wish, { within }) =>
      alone(`listener ${balancer} ${wish.protocol} ${wish.port} ${wish.owner}`, () =>
        openListener(at, nlb, balancer, wish, deadlineIn(within)),
      ),
    change: (balancer, listener, wish, { within }) =>
      changeListener(wire, nlb, balancer, listener, listeningParams(wish), deadlineIn(within)),
    unlisten: (balancer, listener, { within }) =>
      removed.note(listener, closeListener(wire, nlb, balancer, listener, deadlineIn(within))),
    add: (balancer, listener, backEnds, { within }) =>
      addBackEnds({ ...at, kind: nlb, balancer, listener }, backEnds, deadlineIn(within)),
    drop: (balancer, listener, ids, { within }) =>
      dropBackEnds({ ...at, kind: nlb, balancer, listener }, ids, deadlineIn(within)),
  };
}
