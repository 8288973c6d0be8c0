import { type Cidr, cidr, ipOf } from '#unit/ip.ts';
import { Refusal } from '../gateway/refusal.ts';
import { addressesOf, allBalancers } from '../ulb/lookup.ts';
import type { Placed, SubnetRecord, VpcRecord, VpcState } from './state.ts';

/** @fails Refusal 8039 */
export function vpcOf(id: string, state: VpcState): VpcRecord {
  const vpc = state.vpcs.find((one) => one.id === id);
  if (vpc === undefined) throw new Refusal(8039, `VPC ${id} does not exist`);
  return vpc;
}

/** @fails Refusal 8039 */
export function subnetOf(id: string, state: VpcState): SubnetRecord {
  const subnet = state.subnets.find((one) => one.id === id);
  if (subnet === undefined) throw new Refusal(8039, `subnet ${id} does not exist`);
  return subnet;
}

export function rangeOf(subnet: SubnetRecord): Cidr {
  return cidr(subnet.cidr);
}

/** The second of the three unusable addresses; the first names the network, the third is the last of the range. */
export function gatewayOf(range: Cidr): string {
  return ipOf(range.first + 1);
}

/** Every address of a subnet that somebody has: of machines until some time after their end, of interfaces, secondary ones, of balancers and of mount points. */
export function takenIn(subnet: string, state: Placed): Set<string> {
  const balancers = allBalancers(state).flatMap((balancer) =>
    addressesOf(balancer).map((ip) => ({ subnet: balancer.subnet, ip })),
  );
  const mountPoints = state.shares.flatMap((share) => share.mountPoints);
  const all = [...state.machines, ...state.interfaces, ...state.addresses, ...balancers, ...mountPoints];
  return new Set(all.filter((one) => one.subnet === subnet).map(({ ip }) => ip));
}
