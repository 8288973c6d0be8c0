import type { OperatorSite, Outside } from '#capability/capability.ts';
import { type Host, must } from '#host/host.ts';
import { podRanges } from '#kube/api/pod-range.ts';
import type { Kube } from '#kube/kube.ts';
import { listIfServed } from '#kube/list-if-served.ts';
import { nodes } from '#kube/resources.ts';
import { formatMs, type Ms, minutes, seconds, waitFor } from '#unit/clock.ts';
import { formatCidr } from '#unit/ip.ts';
import { formatRoutes, parseRoutes, planRoutes, type RouteStep, type SiteRoute, wantedRoutes } from './plan-routes.ts';

/**
 * Routes to the pod subnets on the site's gateway, over SSH; `undefined` when cluster.yaml gives no way in.
 * @unit patience: how long a node may be without its subnet before the routes of the others are set
 */
export function siteGateway(site: OperatorSite, patience: Ms = minutes(2)): Outside | undefined {
  const { routed } = site.cluster.network.site;
  // To bridged machines' pods nobody needs a route: they are neighbours of the gateway itself.
  if (site.gateway === undefined || routed === undefined) return undefined;
  const { pods } = routed;
  const { address } = site.gateway;
  return {
    what: 'routes on the gateway',
    follows: { side: 'site', why: 'it needs a route to the pod subnet of each machine' },
    difference: async (kube) => {
      const [wanted, seen] = await Promise.all([observeWanted(kube), observeGateway(site)]);
      return planRoutes(wanted, seen, pods).map(explainRoute);
    },
    dryRun: () => [
      `on the gateway ${address}: ip route replace SUBNET via MACHINE, for the pod subnet of each routed machine within ${formatCidr(pods)}`,
    ],
    set: async (kube) => {
      const { routes, without } = await waitForWanted(site, kube, patience);
      await withGateway(site, async (gateway) => apply(gateway, planRoutes(routes, await look(gateway), pods)));
      if (without.length > 0)
        throw new Error(
          `${without.join(', ')}: no pod subnet was assigned within ${formatMs(patience)}, so the gateway has no route to it; all other routes are set; isthmus status shows whether the controller runs`,
        );
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
      return `has ${place}, which no node needs`;
  }
}

async function look(gateway: Host): Promise<readonly SiteRoute[]> {
  return parseRoutes(await must(gateway, ['ip', '-4', 'route', 'show'], { within: seconds(10) }));
}

async function apply(gateway: Host, steps: readonly RouteStep[]): Promise<void> {
  if (steps.length > 0) await must(gateway, ['sh', '-e'], { within: seconds(30), stdin: formatRoutes(steps) });
}

/** What the gateway must know, and the nodes of cluster.yaml's machines that have no pod subnet. */
interface Wanted {
  readonly routes: readonly SiteRoute[];
  readonly without: readonly string[];
}

/** The controller gives each node its subnet a moment after it came. A machine that has not joined is not waited for. */
async function waitForWanted({ cluster, signal }: OperatorSite, kube: Kube, within: Ms): Promise<Wanted> {
  const ours = new Set(cluster.machines.filter(({ podNetwork }) => podNetwork !== 'bridged').map(({ name }) => name));
  let wanted: Wanted = { routes: [], without: [] };
  const look = async (): Promise<boolean> => {
    const [ranges, listed] = await Promise.all([listIfServed(kube, podRanges), kube.list(nodes)]);
    const names = listed.map(({ metadata }) => metadata.name).filter((name) => ours.has(name));
    const has = (name: string): boolean =>
      wantedRoutes(
        ranges,
        listed.filter(({ metadata }) => metadata.name === name),
      ).length > 0;
    wanted = { routes: wantedRoutes(ranges, listed), without: names.filter((name) => !has(name)) };
    return wanted.without.length === 0;
  };
  await waitFor('a pod subnet for each node of the site', look, { within, signal }).catch((e: unknown) => {
    signal.throwIfAborted();
    if (wanted.without.length === 0) throw e;
  });
  return wanted;
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
