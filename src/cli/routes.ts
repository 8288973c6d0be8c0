import { Command } from '@commander-js/extra-typings';
import { Connections, operatorSite, type Session } from '#cluster/session.ts';
import { formatRoutes, planRoutes, type RouteStep, type SiteRoute } from '#network/routes/plan-routes.ts';
import { explainRoute, observeGateway, observeWanted, siteGateway } from '#network/routes/site-gateway.ts';
import { formatCidr } from '#unit/ip.ts';
import { formatJson } from './json.ts';
import { openSession } from './open-session.ts';
import { fileOption, outputOption } from './options.ts';
import { whileTelling } from './reporter.ts';
import { formatTable } from './table.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

export function routesCommand(tools: CliTools) {
  const routes = new Command('routes')
    .summary("routes that the site's gateway needs")
    .description(
      "Shows the routes that the site's gateway needs, whether it has them (if network.site.gateway.ssh is set), and the difference. The exit code is 1 if there is a difference.",
    )
    .addOption(fileOption())
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  isthmus routes\n  isthmus routes apply     # over SSH')
    .action(async ({ file, output }) => {
      const session = await openSession(tools, file);
      const seen = await whileTelling(tools.err, 'asking the cluster and the gateway', () => observeRoutes(session));
      tools.out(output === 'json' ? formatJson(plain(seen)) : formatSeen(seen));
      if ((seen.steps ?? []).length > 0) throw new CommandFailed(exitCodes.failed);
    });
  routes.addCommand(
    new Command('apply')
      .summary('set the routes on the gateway, over SSH')
      .description(
        "Adds missing routes on the site's gateway, and removes routes into the pod range that no node needs.",
      )
      .addOption(fileOption())
      .addHelpText('after', '\nExample:\n  isthmus routes apply -f cluster.yaml')
      .action(async ({ file }, command) => {
        // The parent knows --file as well, and takes it when it is written before `apply`.
        const given = command.getOptionValueSource('file') === 'cli' ? file : String(routes.opts().file);
        const session = await openSession(tools, given);
        const gateway = siteGateway(operatorSite(session));
        if (gateway === undefined)
          throw new CommandFailed(
            exitCodes.usage,
            'cannot log in to the gateway: set network.site.gateway: { address, ssh } in cluster.yaml, or run the commands that isthmus routes prints on the gateway',
          );
        const { steps = [] } = await observeRoutes(session);
        await withKube(session, async (connections) => gateway.set(await connections.kube()));
        tools.out(steps.length === 0 ? 'nothing to do: the gateway has all routes\n' : formatRoutes(steps));
      }),
  );
  return routes;
}

interface RoutesSeen {
  readonly wanted: readonly SiteRoute[];
  /** `undefined`: the gateway was not asked. */
  readonly seen: readonly SiteRoute[] | undefined;
  readonly steps: readonly RouteStep[] | undefined;
}

async function observeRoutes(session: Session): Promise<RoutesSeen> {
  const wanted = await withKube(session, async (connections) => observeWanted(await connections.kube()));
  const site = operatorSite(session);
  if (site.gateway === undefined) return { wanted, seen: undefined, steps: undefined };
  const seen = await observeGateway(site);
  return { wanted, seen, steps: planRoutes(wanted, seen, session.config.network.site.pods) };
}

async function withKube<T>(session: Session, use: (connections: Connections) => Promise<T>): Promise<T> {
  const connections = new Connections(session);
  try {
    return await use(connections);
  } finally {
    await connections.close();
  }
}

function formatSeen({ wanted, seen, steps }: RoutesSeen): string {
  const knows = (route: SiteRoute): string => {
    if (seen === undefined) return 'not asked';
    const known = seen.some(
      ({ destination, via }) => formatCidr(destination) === formatCidr(route.destination) && via === route.via,
    );
    return known ? 'yes' : 'no';
  };
  const table = formatTable(
    ['PODS', 'MACHINE', 'ON GATEWAY'],
    wanted.map((route) => [formatCidr(route.destination), route.via, knows(route)]),
  );
  if (steps === undefined) {
    const commands = formatRoutes(wanted.map((route) => ({ do: 'add', route, why: 'gateway-lacks-it' })));
    return `${table}\nThe gateway was not asked: cluster.yaml has no network.site.gateway.ssh. On a Linux gateway:\n${commands}`;
  }
  return steps.length === 0
    ? `${table}\nno difference\n`
    : `${table}\nthe gateway\n${steps.map((step) => `  ${explainRoute(step)}\n`).join('')}`;
}

function plain({ wanted, seen, steps }: RoutesSeen): object {
  const text = ({ destination, via }: SiteRoute): object => ({ destination: formatCidr(destination), via });
  return {
    wanted: wanted.map(text),
    seen: seen?.map(text) ?? null,
    difference: steps?.map((step) => ({ ...step, route: text(step.route) })) ?? null,
  };
}
