import type { SourceWish } from '#host/source-routes.ts';
import type { PodRangeSpec } from '#kube/api/pod-range.ts';
import { cidr, ip } from '#unit/ip.ts';

/** What the node's kernel has to know of its interfaces beside the uplink. Addresses in every state: a pod may have each of them. */
export function sourceWishes({ interfaces = [], addresses = [] }: Partial<PodRangeSpec> = {}): readonly SourceWish[] {
  return interfaces.map(({ home, mac, address, network, gateway }) => ({
    mac,
    address: ip(address),
    network: cidr(network),
    gateway: ip(gateway),
    addresses: addresses.filter((entry) => entry.home === home).map((entry) => ip(entry.ip)),
  }));
}

/** The range as the node can serve it: addresses of an interface that it does not have yet go to no pod. */
export function servableSpec(spec: PodRangeSpec, ready: ReadonlySet<string>): PodRangeSpec {
  if (spec.addresses === undefined) return spec;
  const addresses = spec.addresses.map((entry) => {
    const isAway = entry.state === 'usable' && entry.home !== undefined && !ready.has(entry.home);
    return isAway ? { ...entry, state: 'settling' as const } : entry;
  });
  return { ...spec, addresses };
}
