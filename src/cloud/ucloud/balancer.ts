import { type Ms, seconds } from '#unit/clock.ts';
import type { Balancers } from '../balancer.ts';
import { createBalancer, findBalancer, listBalancers, removeBalancer } from './balancers.ts';
import { markedOnly } from './list-pages.ts';
import { addBackEnds, changeListener, closeListener, dropBackEnds, openListener } from './listeners.ts';
import { oneAtATime } from './make-once.ts';
import { deadlineIn } from './wire/deadline.ts';
import type { Wire } from './wire/transport.ts';

/** No list tells how late it may be; machines of the regression scenarios appear within 10 s. */
export const listLag = seconds(15);

/** NLBs. @unit poll: pause between two looks at what was asked for */
export function ucloudBalancers(wire: Wire, poll: Ms): Balancers {
  const at = { wire, poll };
  const alone = oneAtATime();
  return {
    // UCloud product manual of NLB, "quotas".
    most: { listeners: 5, backEnds: 300 },
    lag: listLag,
    create: (wish, { within }) =>
      alone(`balancer ${wish.mark} ${wish.owner}`, () => createBalancer(at, wish, deadlineIn(within))),
    list: (mark, opts) => markedOnly(at, mark, opts, listBalancers),
    find: (id, { within }) => findBalancer(at, id, deadlineIn(within)),
    remove: (id, mark, { within }) => removeBalancer(at, id, mark, deadlineIn(within)),
    listen: (balancer, wish, { within }) =>
      alone(`listener ${balancer} ${wish.protocol} ${wish.port} ${wish.owner}`, () =>
        openListener(at, balancer, wish, deadlineIn(within)),
      ),
    change: (balancer, listener, wish, { within }) =>
      changeListener(wire, balancer, listener, wish, deadlineIn(within)),
    unlisten: (balancer, listener, { within }) => closeListener(wire, balancer, listener, deadlineIn(within)),
    add: (balancer, listener, backEnds, { within }) =>
      addBackEnds(wire, balancer, listener, backEnds, deadlineIn(within)),
    drop: (balancer, listener, ids, { within }) => dropBackEnds(at, balancer, listener, ids, deadlineIn(within)),
  };
}
