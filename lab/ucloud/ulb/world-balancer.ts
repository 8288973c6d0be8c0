import { cidr, ipOf } from '#unit/ip.ts';
import { forbiddenRanges } from '../gateway/regions.ts';
import type { UnetState } from '../unet/state.ts';
import { gatewayOf, rangeOf, subnetOf } from '../vpc/lookup.ts';
import type { Placed } from '../vpc/state.ts';
import type { BalancerHead } from './record.ts';
import type { BalancerRecord, ListenerRecord } from './state.ts';
import type { WorldBalancer, WorldListener } from './world.ts';
import type { WorldPlace } from './world-place.ts';

/** What a balancer of the world has to do, so that packets go as the records say. */
export function worldBalancer(balancer: BalancerRecord, state: Placed & UnetState): WorldBalancer {
  const { backIp, listeners } = balancer;
  return { ...worldPlace(balancer, state), backIp, listeners: listeners.map(worldListener) };
}

export function worldPlace({ id, ip, subnet }: BalancerHead, state: Placed & UnetState): WorldPlace {
  const range = rangeOf(subnetOf(subnet, state));
  const eips = state.eips.filter((eip) => eip.at === 'used' && eip.resource === id);
  return { id, ip, prefixLength: range.bits, gateway: gatewayOf(range), publicIps: eips.map((eip) => eip.ip) };
}

function worldListener(listener: ListenerRecord): WorldListener {
  const { id, protocol, startPort, endPort, scheduler, stickiness, forwardSource, targets } = listener;
  return {
    id,
    protocol,
    startPort,
    endPort,
    scheduler,
    stickiness,
    forwardSource,
    targets: targets
      .filter(({ enabled, health }) => enabled && health.isHealthy)
      .map(({ ip, port, weight }) => ({ ip, port, weight })),
  };
}

/** The address that checks come from. */
export function probeSource(region: string): string {
  return ipOf(cidr(probeRange(region)).first + 10);
}

/** One of the region's own public-service ranges. @source UCloud VPC manual */
export function probeRange(region: string): string {
  const [shared = '', own = shared] = forbiddenRanges(region);
  return own;
}
