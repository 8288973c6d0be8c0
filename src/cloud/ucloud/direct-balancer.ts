import type { Ms } from '#unit/clock.ts';
import { fail } from '#unit/result.ts';
import type { Balancers, Listening } from '../balancer.ts';
import type { CloudResult } from '../failure.ts';
import { anyBalancers } from './any-balancer.ts';
import { clb } from './clb.ts';
import { addDirectBackEnds, dropDirectBackEnds } from './direct-back-ends.ts';
import { changeListener, openListener } from './listeners.ts';
import { directParams } from './parse-direct.ts';
import { deadlineIn } from './wire/deadline.ts';
import type { Wire } from './wire/transport.ts';

/** CLBs that forward packets. @unit poll: pause between two looks at what was asked for */
export function ucloudDirectBalancers(wire: Wire, poll: Ms): Balancers {
  const { at, alone, verbs } = anyBalancers(wire, poll, clb);
  return {
    ...verbs,
    // UCloud product manual of CLB, "quotas".
    most: { listeners: 50, backEnds: 50 },
    listen: async (balancer, wish, { within }) =>
      unsaid('CreateVServer', wish) ??
      alone(`listener ${balancer} ${wish.protocol} ${wish.port} ${wish.owner}`, () =>
        openListener(at, clb, balancer, wish, deadlineIn(within)),
      ),
    change: async (balancer, listener, wish, { within }) =>
      unsaid('UpdateVServerAttribute', wish) ??
      changeListener(wire, clb, balancer, listener, directParams(wish), deadlineIn(within)),
    add: (balancer, listener, backEnds, { within }) =>
      addDirectBackEnds({ ...at, balancer, listener }, backEnds, deadlineIn(within)),
    drop: (balancer, listener, ids, { within }) =>
      dropDirectBackEnds({ ...at, balancer, listener }, ids, deadlineIn(within)),
  };
}

/** What packets that are forwarded as they are cannot be asked for. */
function unsaid(action: string, { proxyProtocol, checkPort, port }: Listening): CloudResult<never> | undefined {
  if (!proxyProtocol && checkPort === port) return undefined;
  const message = proxyProtocol
    ? 'PROXY protocol needs a balancer that takes connections: packets are forwarded as they are'
    : `port ${port} is checked on itself, not on ${checkPort}`;
  return fail({ kind: 'invalid', raw: { action, code: 'packets', message } });
}
