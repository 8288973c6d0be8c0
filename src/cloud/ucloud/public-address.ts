import type { Ms } from '#unit/clock.ts';
import type { PublicAddresses } from '../public-address.ts';
import { listLag, markedOnly } from './list-pages.ts';
import { oneAtATime } from './make-once.ts';
import { allocateEip, bindEip, listEips, releaseEip, resizeEip } from './public-addresses.ts';
import { rememberRemoved } from './removed.ts';
import { deadlineIn } from './wire/deadline.ts';
import type { Wire } from './wire/transport.ts';

/** EIPs. @unit poll: pause between two looks at what was asked for */
export function ucloudPublicAddresses(wire: Wire, region: string, poll: Ms): PublicAddresses {
  const removed = rememberRemoved(listLag);
  const at = { wire, poll, removed };
  const alone = oneAtATime();
  return {
    allocate: (wish, { within }) =>
      alone(`${wish.mark} ${wish.owner}`, () => allocateEip(at, region, wish, deadlineIn(within))),
    list: (mark, opts) => markedOnly(at, mark, opts, listEips),
    bind: (address, balancer, { within }) => bindEip(at, address, balancer, deadlineIn(within)),
    resize: (address, bandwidth, { within }) => resizeEip(wire, address, bandwidth, deadlineIn(within)),
    release: (address, mark, { within }) => removed.note(address, releaseEip(at, address, mark, deadlineIn(within))),
  };
}
