import type { PodRangeObject } from '#kube/api/pod-range.ts';
import type { NodeObject } from '#kube/resources.ts';
import { byNumber, type Cidr, formatCidr, type Ip, ipOf, overlaps, parseCidr, parseIp } from '#unit/ip.ts';

/** A route of the site's gateway: packets for a machine's pods go to that machine. */
export interface SiteRoute {
  readonly destination: Cidr;
  readonly via: Ip;
}

export type RouteStep =
  | { readonly do: 'add'; readonly route: SiteRoute; readonly why: 'gateway-lacks-it' }
  | { readonly do: 'replace'; readonly route: SiteRoute; readonly was: Ip; readonly why: 'leads-elsewhere' }
  | { readonly do: 'remove'; readonly route: SiteRoute; readonly why: 'no-node-has-it' };

/**
 * What the site's gateway must know, sorted by destination: one route for each site node that has its subnet.
 * @shape a node without an InternalIP is left out; its route would lead nowhere
 */
export function wantedRoutes(ranges: readonly PodRangeObject[], nodes: readonly NodeObject[]): readonly SiteRoute[] {
  const nodeOf = new Map(nodes.map((node) => [node.metadata.name, node]));
  return ranges
    .flatMap(({ metadata, spec }) => {
      const destination = spec.ground === 'site' && spec.subnet !== undefined ? parseCidr(spec.subnet) : undefined;
      const via = nodeOf.get(metadata.name)?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
      const gateway = via === undefined ? undefined : parseIp(via);
      return destination === undefined || gateway === undefined ? [] : [{ destination, via: gateway }];
    })
    .sort(byDestination);
}

/**
 * The difference between what the gateway must know and what it knows. Routes that do not lie inside `ours`, the site's pod
 * range, are somebody else's: they are neither seen nor touched. So is a route that reaches beyond it.
 */
export function planRoutes(wanted: readonly SiteRoute[], seen: readonly SiteRoute[], ours: Cidr): readonly RouteStep[] {
  const inside = seen.filter(({ destination }) => liesIn(destination, ours));
  const knownAt = Map.groupBy(inside, ({ destination }) => formatCidr(destination));
  const wantedAt = new Set(wanted.map(({ destination }) => formatCidr(destination)));
  const steps = wanted
    .filter(({ destination }) => liesIn(destination, ours))
    .flatMap((route): readonly RouteStep[] => {
      const known = knownAt.get(formatCidr(route.destination)) ?? [];
      if (known.some(({ via }) => via === route.via)) return [];
      const [other] = known;
      if (other === undefined) return [{ do: 'add', route, why: 'gateway-lacks-it' }];
      return [{ do: 'replace', route, was: other.via, why: 'leads-elsewhere' }];
    });
  const stale = inside
    .filter(({ destination }) => !wantedAt.has(formatCidr(destination)))
    .map((route): RouteStep => ({ do: 'remove', route, why: 'no-node-has-it' }));
  return [...steps, ...stale].sort((a, b) => byDestination(a.route, b.route));
}

/**
 * Reads `ip -4 route show`. Lines without a next hop (connected networks, unreachable, blackhole) are no routes to a machine.
 * @shape a destination without a prefix length is one address
 */
export function parseRoutes(output: string): readonly SiteRoute[] {
  return output.split('\n').flatMap((line) => {
    const match = /^(?:unicast )?(\d[\d./]*)\s.*?\bvia (\d[\d.]*)/.exec(line.trim());
    const [, text, next] = match ?? [];
    if (text === undefined || next === undefined) return [];
    const destination = parseCidr(text.includes('/') ? text : `${text}/32`);
    const via = parseIp(next);
    return destination === undefined || via === undefined ? [] : [{ destination, via }];
  });
}

/** The steps as commands of iproute2, one a line; empty text when there is nothing to do. Safe to run twice. */
export function formatRoutes(steps: readonly RouteStep[]): string {
  return steps
    .map(({ do: verb, route: { destination, via } }) => {
      const place = `${formatCidr(destination)} via ${via}`;
      return verb === 'remove' ? `ip route del ${place} 2>/dev/null || true\n` : `ip route replace ${place}\n`;
    })
    .join('');
}

function liesIn(inner: Cidr, outer: Cidr): boolean {
  return inner.bits >= outer.bits && overlaps(inner, outer);
}

function byDestination(a: SiteRoute, b: SiteRoute): number {
  return byNumber(ipOf(a.destination.first), ipOf(b.destination.first)) || a.destination.bits - b.destination.bits;
}
