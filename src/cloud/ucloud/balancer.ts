import type { Ms } from '#unit/clock.ts';
import type { Balancers } from '../balancer.ts';
import { anyBalancers } from './any-balancer.ts';
import { addBackEnds, dropBackEnds } from './back-ends.ts';
import { changeListener, openListener } from './listeners.ts';
import { nlb } from './nlb.ts';
import { listeningParams } from './parse-balancer.ts';
import { deadlineIn } from './wire/deadline.ts';
import type { Wire } from './wire/transport.ts';

/** NLBs. @unit poll: pause between two looks at what was asked for */
export function ucloudBalancers(wire: Wire, poll: Ms): Balancers {
  const { at, alone, verbs } = anyBalancers(wire, poll, nlb);
  return {
    ...verbs,
    // UCloud product manual of NLB, "quotas".
    most: { listeners: 5, backEnds: 300 },
    listen: (balancer, wish, { within }) =>
      alone(`listener ${balancer} ${wish.protocol} ${wish.port} ${wish.owner}`, () =>
        openListener(at, nlb, balancer, wish, deadlineIn(within)),
      ),
    change: (balancer, listener, wish, { within }) =>
      changeListener(wire, nlb, balancer, listener, listeningParams(wish), deadlineIn(within)),
    add: (balancer, listener, backEnds, { within }) =>
      addBackEnds({ ...at, kind: nlb, balancer, listener }, backEnds, deadlineIn(within)),
    drop: (balancer, listener, ids, { within }) =>
      dropBackEnds({ ...at, kind: nlb, balancer, listener }, ids, deadlineIn(within)),
  };
}
