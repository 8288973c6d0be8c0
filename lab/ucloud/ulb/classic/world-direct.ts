import { cidr, ipOf } from '#unit/ip.ts';
import type { UnetState } from '../../unet/state.ts';
import type { Placed } from '../../vpc/state.ts';
import type { WorldNetwork } from '../../vpc/world.ts';
import { probeRange } from '../probe-source.ts';
import type { WorldProbe } from '../world.ts';
import { portOfTarget } from './port-of-target.ts';
import type { BackendRecord, ClassicBalancerRecord, VServerRecord } from './state.ts';
import type { WorldDirectBalancer, WorldDirectListener } from './world.ts';

/** What the VPC has to do for a classic load balancer, so that packets go as the records say. */
export function worldDirect(
  balancer: ClassicBalancerRecord,
  state: Placed & UnetState,
  region: string,
): WorldDirectBalancer {
  const listeners = balancer.listeners.map((listener) => worldListener(listener, state, region));
  return { id: balancer.id, addresses: ownedAddresses(balancer, state), listeners };
}

/** The addresses that its targets own, and answer from: its own, or every EIP. */
export function ownedAddresses({ id, ip }: ClassicBalancerRecord, { eips }: UnetState): readonly string[] {
  if (ip !== undefined) return [ip];
  return eips.filter((eip) => eip.at === 'used' && eip.resource === id).map((eip) => eip.ip);
}

/** Which ports answer for which addresses. */
export function lentIn(state: Placed & UnetState): WorldNetwork['lent'] {
  return state.classicBalancers.flatMap((balancer) => {
    const ips = ownedAddresses(balancer, state);
    const ports = balancer.listeners.flatMap(({ targets }) =>
      targets.flatMap((target) => portOfTarget(target, state)?.id ?? []),
    );
    return ips.length === 0 ? [] : [...new Set(ports)].map((port) => ({ port, ips }));
  });
}

function worldListener(listener: VServerRecord, state: Placed, region: string): WorldDirectListener {
  const { id, protocol, port, method, stickiness, targets } = listener;
  return {
    id,
    protocol,
    port,
    scheduler: schedulers[method],
    stickiness,
    targets: targets.flatMap((target) => {
      const at = portOfTarget(target, state)?.id;
      if (at === undefined) return [];
      const takesPackets = target.enabled && target.health.isHealthy;
      const { ip, weight } = target;
      return [{ id: target.id, ip, port, weight, at, takesPackets, checkedFrom: checkSource(target, region) }];
    }),
  };
}

const schedulers = {
  Roundrobin: 'RoundRobin',
  WeightRoundrobin: 'WeightRoundRobin',
  Source: 'SourceHash',
  ConsistentHash: 'SourceHash',
} as const;

/** A check goes to the balancer's address, and the address that it comes from says to which target. */
export function directProbe(
  target: BackendRecord,
  listener: VServerRecord,
  balancer: ClassicBalancerRecord,
  state: Placed & UnetState,
  region: string,
): WorldProbe | undefined {
  const [ip] = ownedAddresses(balancer, state);
  if (ip === undefined) return undefined;
  const { type, request, response } = listener.check;
  const kind = type === 'Customize' || (type === 'Port' && listener.protocol === 'UDP') ? 'UDP' : type;
  const port = kind === 'Ping' ? 0 : listener.port;
  return { type: kind, port, request, response, within: 2, ip, from: checkSource(target, region) };
}

/** Above the one address that checks of other kinds come from. */
function checkSource({ number }: BackendRecord, region: string): string {
  return ipOf(cidr(probeRange(region)).first + 256 + number);
}
