import { type Ms, seconds } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';
import type { Addresses, AddressHome } from '../address.ts';
import type { CloudResult } from '../failure.ts';
import { extendAddresses } from './extend.ts';
import { homeParams } from './home.ts';
import { listAddresses } from './list-addresses.ts';
import { doneIfGone } from './outcomes.ts';
import { type Deadline, deadlineIn } from './wire/deadline.ts';
import { accepted } from './wire/shapes.ts';
import type { Wire } from './wire/transport.ts';

/** @unit poll: pause between two looks when the cloud's lists contradict each other */
export function ucloudAddresses(wire: Wire, poll: Ms): Addresses {
  return {
    // UCloud product manual of UK8S: flow tables learn a fresh address within 5 to 15 s.
    settle: seconds(15),
    extend: (home, count, { within }) => extendAddresses(wire.as('addresses'), home, count, deadlineIn(within)),
    release: (home, address, { within }) => releaseAddress(wire, home, address, deadlineIn(within)),
    list: (home, { within, leisurely = false }) =>
      listAddresses(wire.as(leisurely ? 'audits' : 'addresses'), poll, home, deadlineIn(within)),
  };
}

async function releaseAddress(
  wire: Wire,
  home: AddressHome,
  address: Ip,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const params = { ...homeParams(home), Ip: address };
  const call = { action: 'DeleteSecondaryIp', effect: 'repeatable', params, shape: accepted } as const;
  return doneIfGone(await wire.call(call, deadline));
}
