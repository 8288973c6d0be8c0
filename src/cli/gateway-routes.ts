import { openMachine, type Session, type SiteRoutes } from '#cluster/session.ts';
import { type Host, must } from '#host/host.ts';
import { podRanges } from '#kube/api/pod-range.ts';
import type { Kube } from '#kube/kube.ts';
import { listIfServed } from '#kube/list-if-served.ts';
import { nodes } from '#kube/resources.ts';
import {
  formatRoutes,
  parseRoutes,
  planRoutes,
  type RouteStep,
  type SiteRoute,
  wantedRoutes,
} from '#network/routes/plan-routes.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { formatCidr } from '#unit/ip.ts';

/** The site's gateway over SSH; `undefined` when cluster.yaml gives no way in. */
export function gatewayRoutes(session: Session): SiteRoutes | undefined {
  if (session.config.network.site.gateway?.ssh === undefined) return undefined;
  return {
    difference: async (kube) => {
      const [wanted, seen] = await Promise.all([observeWanted(kube), observeGateway(session)]);
      return planFor(session, wanted, seen).map(explainRoute);
    },
    set: async (kube) => {
      const wanted = await waitForWanted(session, kube);
      await withGateway(session, async (gateway) => apply(gateway, planFor(session, wanted, await look(gateway))));
    },
    clear: () => withGateway(session, async (gateway) => apply(gateway, planFor(session, [], await look(gateway)))),
  };
}

/** What the gateway must know, by the cluster's own objects. */
export async function observeWanted(kube: Kube): Promise<readonly SiteRoute[]> {
  const [ranges, listed] = await Promise.all([listIfServed(kube, podRanges), kube.list(nodes)]);
  return wantedRoutes(ranges, listed);
}

/** What the gateway knows. */
export function observeGateway(session: Session): Promise<readonly SiteRoute[]> {
  return withGateway(session, look);
}

export function planFor(
  session: Session,
  wanted: readonly SiteRoute[],
  seen: readonly SiteRoute[],
): readonly RouteStep[] {
  return planRoutes(wanted, seen, session.config.network.site.pods);
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

/** The controller gives each machine its subnet a moment after its node came. */
function waitForWanted(session: Session, kube: Kube): Promise<readonly SiteRoute[]> {
  const expected = session.config.machines.length;
  const look = async (): Promise<readonly SiteRoute[]> => {
    const wanted = await observeWanted(kube);
    if (wanted.length >= expected) return wanted;
    throw new Error(`${wanted.length} of ${expected} have one; is the controller running?`);
  };
  return waitFor('a pod subnet for each machine of the site', look, { within: minutes(2), signal: session.signal });
}

async function withGateway<T>(session: Session, use: (gateway: Host) => Promise<T>): Promise<T> {
  const { gateway } = session.config.network.site;
  if (gateway?.ssh === undefined) throw new Error('network.site.gateway.ssh is not set in cluster.yaml');
  // With a dot, which no machine's name has.
  const host = await openMachine(session, { name: 'gateway.site', address: gateway.address, ssh: gateway.ssh });
  try {
    return await use(host);
  } finally {
    await host.close();
  }
}
