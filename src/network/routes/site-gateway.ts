import type { OperatorSite, Outside } from '#capability/capability.ts';
import { type Host, must } from '#host/host.ts';
import { podRanges } from '#kube/api/pod-range.ts';
import type { Kube } from '#kube/kube.ts';
import { listIfServed } from '#kube/list-if-served.ts';
import { nodes } from '#kube/resources.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { formatCidr } from '#unit/ip.ts';
import { formatRoutes, parseRoutes, planRoutes, type RouteStep, type SiteRoute, wantedRoutes } from './plan-routes.ts';

/** Routes to the pod subnets on the site's gateway, over SSH; `undefined` when cluster.yaml gives no way in. */
export function siteGateway(site: OperatorSite): Outside | undefined {
  if (site.gateway === undefined) return undefined;
  const { pods } = site.cluster.network.site;
  const { address } = site.gateway;
  return {
    what: 'routes on the gateway',
    follows: { side: 'site', why: 'it needs a route to the pod subnet of each machine' },
    difference: async (kube) => {
      const [wanted, seen] = await Promise.all([observeWanted(kube), observeGateway(site)]);
      return planRoutes(wanted, seen, pods).map(explainRoute);
    },
    dryRun: () => [
      `on the gateway ${address}: ip route replace SUBNET via MACHINE, for the pod subnet of each physical machine within ${formatCidr(pods)}`,
    ],
    set: async (kube) => {
      const wanted = await waitForWanted(site, kube);
      await withGateway(site, async (gateway) => apply(gateway, planRoutes(wanted, await look(gateway), pods)));
    },
    clear: () => withGateway(site, async (gateway) => apply(gateway, planRoutes([], await look(gateway), pods))),
  };
}

/** What the gateway must know, by the cluster's own objects. */
export async function observeWanted(kube: Kube): Promise<readonly SiteRoute[]> {
  const [ranges, listed] = await Promise.all([listIfServed(kube, podRanges), kube.list(nodes)]);
  return wantedRoutes(ranges, listed);
}

/** What the gateway knows. */
export function observeGateway(site: OperatorSite): Promise<readonly SiteRoute[]> {
  return withGateway(site, look);
}

/** `lacks 172.16.3.0/24 via 192.168.50.13` */
export function explainRoute(step: RouteStep): string {
  const place = `${formatCidr(step.route.destination)} via ${step.route.via}`;
  switch (step.do) {
    case 'add':
      return `lacks ${place}`;
    case 'replace':
      return `has ${formatCidr(step.route.destination)} via ${step.was} instead of ${step.route.via}`;
    case 'remove':
      return `has ${place}, which no node has`;
  }
}

async function look(gateway: Host): Promise<readonly SiteRoute[]> {
  return parseRoutes(await must(gateway, ['ip', '-4', 'route', 'show'], { within: seconds(10) }));
}

async function apply(gateway: Host, steps: readonly RouteStep[]): Promise<void> {
  if (steps.length > 0) await must(gateway, ['sh', '-e'], { within: seconds(30), stdin: formatRoutes(steps) });
}

/** The controller gives each node its subnet a moment after it came. A machine that has not joined is not waited for. */
function waitForWanted({ cluster, signal }: OperatorSite, kube: Kube): Promise<readonly SiteRoute[]> {
  const ours = new Set(cluster.machines.map(({ name }) => name));
  const look = async (): Promise<readonly SiteRoute[]> => {
    const [ranges, listed] = await Promise.all([listIfServed(kube, podRanges), kube.list(nodes)]);
    const wanted = wantedRoutes(ranges, listed);
    const without = listed.filter((node) => ours.has(node.metadata.name) && wantedRoutes(ranges, [node]).length === 0);
    if (without.length === 0) return wanted;
    const names = without.map(({ metadata }) => metadata.name).join(', ');
    throw new Error(`not yet for ${names}; is the controller running?`);
  };
  return waitFor('a pod subnet for each node of the site', look, { within: minutes(2), signal });
}

async function withGateway<T>({ gateway }: OperatorSite, use: (gateway: Host) => Promise<T>): Promise<T> {
  if (gateway === undefined) throw new Error('network.site.gateway.ssh is not set in cluster.yaml');
  const host = await gateway.open();
  try {
    return await use(host);
  } finally {
    await host.close();
  }
}
