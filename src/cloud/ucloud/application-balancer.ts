import type { Ms } from '#unit/clock.ts';
import { type ApplicationBalancers, matchKey } from '../application-balancer.ts';
import { alb } from './alb.ts';
import { addBackEnds, dropBackEnds } from './back-ends.ts';
import { listLag } from './balancer.ts';
import { createBalancer, findBalancer, listBalancers, removeBalancer } from './balancers.ts';
import { markedOnly } from './list-pages.ts';
import { closeListener } from './listeners.ts';
import { oneAtATime } from './make-once.ts';
import { rememberRemoved } from './removed.ts';
import { createRule, deleteRule, updateRule } from './rules.ts';
import { changeApplicationListener, openApplicationListener } from './sni.ts';
import { deadlineIn } from './wire/deadline.ts';
import type { Wire } from './wire/transport.ts';

/** ALBs. @unit poll: pause between two looks at what was asked for */
export function ucloudApplicationBalancers(wire: Wire, poll: Ms): ApplicationBalancers {
  const removed = rememberRemoved(listLag);
  const at = { wire, poll, removed };
  const alone = oneAtATime();
  return {
    // UCloud product manual of ALB, "quotas" and "certificates of listeners".
    most: { listeners: 50, backEnds: 300, rules: 100, certificates: 25 },
    can: { hosts: ['exact', 'wildcard', 'regex'], paths: ['exact', 'prefix', 'regex'] },
    lag: listLag,
    create: (wish, { within }) =>
      alone(`balancer ${wish.mark} ${wish.owner}`, () => createBalancer(at, alb, wish, deadlineIn(within))),
    list: (mark, opts) =>
      markedOnly(at, mark, opts, (from, filter, deadline) => listBalancers(from, alb, filter, deadline)),
    find: (id, { within }) => findBalancer(at, alb, id, deadlineIn(within)),
    remove: (id, mark, { within }) => removed.note(id, removeBalancer(at, alb, id, mark, deadlineIn(within))),
    listen: (balancer, wish, { within }) =>
      alone(`listener ${balancer} ${wish.port} ${wish.owner}`, () =>
        openApplicationListener(at, balancer, wish, deadlineIn(within)),
      ),
    change: (balancer, listener, wish, { within }) =>
      changeApplicationListener(at, balancer, listener, wish, deadlineIn(within)),
    unlisten: (balancer, listener, { within }) =>
      removed.note(listener, closeListener(wire, alb, balancer, listener, deadlineIn(within))),
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
      removed.note(rule, deleteRule({ ...at, balancer, listener }, rule, deadlineIn(within))),
  };
}
