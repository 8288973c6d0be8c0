import { type Ms, seconds } from '#unit/clock.ts';
import { ok } from '#unit/result.ts';
import type { Balancers, Marked } from '../balancer.ts';
import { createBalancer, findBalancer, listBalancers, removeBalancer } from './balancers.ts';
import { addBackEnds, changeListener, closeListener, dropBackEnds, openListener } from './listeners.ts';
import { oneAtATime } from './make-once.ts';
import { allocateEip, bindEip, listEips, releaseEip, resizeEip } from './public-addresses.ts';
import { deadlineIn } from './wire/deadline.ts';
import type { Wire } from './wire/transport.ts';

/** NLBs and EIPs. @unit poll: pause between two looks at what was asked for */
export function ucloudBalancers(wire: Wire, region: string, poll: Ms): Balancers {
  const at = { wire, poll };
  const alone = oneAtATime();
  return {
    // UCloud product manual of NLB, "quotas".
    most: { listeners: 5, backEnds: 300 },
    // No list tells how late it may be; machines of the regression scenarios appear within 10 s.
    lag: seconds(15),
    create: (wish, { within }) =>
      alone(`balancer ${wish.mark} ${wish.owner}`, () => createBalancer(at, wish, deadlineIn(within))),
    async list(mark, { within, leisurely = false }) {
      const listed = await listBalancers(
        { wire: wire.as(leisurely ? 'audits' : 'changes'), poll },
        {},
        deadlineIn(within),
      );
      return listed.ok ? ok(listed.value.filter(carries(mark)).toSorted(byId)) : listed;
    },
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
    allocate: (wish, { within }) =>
      alone(`address ${wish.mark} ${wish.owner}`, () => allocateEip(at, region, wish, deadlineIn(within))),
    async addresses(mark, { within, leisurely = false }) {
      const listed = await listEips({ wire: wire.as(leisurely ? 'audits' : 'changes'), poll }, {}, deadlineIn(within));
      return listed.ok ? ok(listed.value.filter(carries(mark)).toSorted(byId)) : listed;
    },
    bind: (address, balancer, { within }) => bindEip(at, address, balancer, deadlineIn(within)),
    resize: (address, bandwidth, { within }) => resizeEip(wire, address, bandwidth, deadlineIn(within)),
    release: (address, mark, { within }) => releaseEip(at, address, mark, deadlineIn(within)),
  };
}

function carries(mark: string | undefined): (one: Marked) => boolean {
  return (one) => mark === undefined || one.mark === mark;
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}
