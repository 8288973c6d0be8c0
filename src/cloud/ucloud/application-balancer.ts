import type { Ms } from '#unit/clock.ts';
import { type ApplicationBalancers, matchKey } from '../application-balancer.ts';
import { alb } from './alb.ts';
import { anyBalancers } from './any-balancer.ts';
import { addBackEnds, dropBackEnds } from './back-ends.ts';
import { createRule, deleteRule, updateRule } from './rules.ts';
import { changeApplicationListener, openApplicationListener } from './sni.ts';
import { deadlineIn } from './wire/deadline.ts';
import type { Wire } from './wire/transport.ts';

/** ALBs. @unit poll: pause between two looks at what was asked for */
export function ucloudApplicationBalancers(wire: Wire, poll: Ms): ApplicationBalancers {
  const { at, alone, verbs } = anyBalancers(wire, poll, alb);
  return {
    ...verbs,
    // UCloud product manual of ALB, "quotas" and "certificates of listeners".
    most: { listeners: 50, backEnds: 300, rules: 100, certificates: 25 },
    can: { hosts: ['exact', 'wildcard', 'regex'], paths: ['exact', 'prefix', 'regex'] },
    listen: (balancer, wish, { within }) =>
      alone(`listener ${balancer} ${wish.port} ${wish.owner}`, () =>
        openApplicationListener(at, balancer, wish, deadlineIn(within)),
      ),
    change: (balancer, listener, wish, { within }) =>
      changeApplicationListener(at, balancer, listener, wish, deadlineIn(within)),
    add: (balancer, listener, backEnds, { within }) =>
      addBackEnds({ ...at, kind: alb, balancer, listener }, backEnds, deadlineIn(within)),
    drop: (balancer, listener, ids, { within }) =>
      dropBackEnds({ ...at, kind: alb, balancer, listener }, ids, deadlineIn(within)),
    route: (balancer, listener, wish, { within }) =>
      alone(`rule ${balancer} ${listener} ${matchKey(wish.match)}`, () =>
        createRule({ ...at, balancer, listener }, wish, deadlineIn(within)),
      ),
    reroute: (balancer, listener, rule, wish, { within }) =>
      updateRule({ ...at, balancer, listener }, rule, wish, deadlineIn(within)),
    unroute: (balancer, listener, rule, { within }) =>
      at.removed.note(rule, deleteRule({ ...at, balancer, listener }, rule, deadlineIn(within))),
  };
}
