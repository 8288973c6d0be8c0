import { type Cidr, contains, type Ip } from '#unit/ip.ts';
import type { SiteRoute } from './plan-routes.ts';

/**
 * Of all ways to machines' pods, those that need no gateway: the machine is directly reachable through our uplink. With them
 * neighbours go on talking while the gateway is down, and their packets don't pass it twice.
 */
export function planNeighbours(
  routes: readonly SiteRoute[],
  uplink: { readonly address: Ip; readonly network: Cidr },
): readonly SiteRoute[] {
  return routes.filter(({ via }) => via !== uplink.address && contains(uplink.network, via));
}
