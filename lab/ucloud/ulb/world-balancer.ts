import { cidr, ipOf } from '#unit/ip.ts';
import { forbiddenRanges } from '../gateway/regions.ts';
import type { UnetState } from '../unet/state.ts';
import { gatewayOf, rangeOf, subnetOf } from '../vpc/lookup.ts';
import type { Placed } from '../vpc/state.ts';
import type { BalancerRecord, ListenerRecord } from './state.ts';
import type { WorldBalancer, WorldListener } from './world.ts';

/** What a balancer of the world has to do, so that packets go as the records say. */
export function worldBalancer(balancer: BalancerRecord, state: Placed & UnetState): WorldBalancer {
  const { id, ip, backIp, listeners } = balancer;
  const range = rangeOf(subnetOf(balancer.subnet, state));
  return {
    id,
    ip,
    backIp,
    prefixLength: range.bits,
    gateway: gatewayOf(range),
    publicIps: state.eips.filter((eip) => eip.at === 'used' && eip.resource === id).map((eip) => eip.ip),
    listeners: listeners.map(worldListener),
  };
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

/** The address that checks come from: one of the region's own public-service range. @source UCloud VPC manual */
export function probeSource(region: string): string {
  const [shared = '', own = shared] = forbiddenRanges(region);
  return ipOf(cidr(own).first + 10);
}
