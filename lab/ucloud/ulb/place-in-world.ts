import type { UnetState } from '../unet/state.ts';
import { gatewayOf, rangeOf, subnetOf } from '../vpc/lookup.ts';
import type { Placed } from '../vpc/state.ts';
import type { BalancerHead } from './record.ts';
import type { WorldPlace } from './world-place.ts';

/** Where a balancer has to be in the world. */
export function worldPlace({ id, ip, subnet }: BalancerHead, state: Placed & UnetState): WorldPlace {
  const range = rangeOf(subnetOf(subnet, state));
  const eips = state.eips.filter((eip) => eip.at === 'used' && eip.resource === id);
  return { id, ip, prefixLength: range.bits, gateway: gatewayOf(range), publicIps: eips.map((eip) => eip.ip) };
}
