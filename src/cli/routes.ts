import { Command } from '@commander-js/extra-typings';
import { Connections, operatorSite, type Session } from '#cluster/session.ts';
import { formatRoutes, planRoutes, type RouteStep, type SiteRoute } from '#network/routes/plan-routes.ts';
import { explainRoute, observeGateway, observeWanted, siteGateway } from '#network/routes/site-gateway.ts';
import { formatCidr, formatSpan } from '#unit/ip.ts';
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
        const { routed } = session.config.network.site;
        const gateway = siteGateway(operatorSite(session));
        if (routed === undefined) {
          tools.out('nothing to do: pods of bridged machines need no route\n');
          return;
        }
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
  /** Why machines of the site need no route; `undefined` when all are routed. */
  readonly unneeded: string | undefined;
  readonly wanted: readonly SiteRoute[];
  /** `undefined`: the gateway was not asked. */
  readonly seen: readonly SiteRoute[] | undefined;
  readonly steps: readonly RouteStep[] | undefined;
}

async function observeRoutes(session: Session): Promise<RoutesSeen> {
  const wanted = await withKube(session, async (connections) => observeWanted(await connections.kube()));
  const site = operatorSite(session);
  const { routed } = session.config.network.site;
  const unneeded = explainUnneeded(session.config);
  if (site.gateway === undefined || routed === undefined)
    return { unneeded, wanted, seen: undefined, steps: undefined };
  const seen = await observeGateway(site);
  return { unneeded, wanted, seen, steps: planRoutes(wanted, seen, routed.pods) };
}

/** Nobody must look for a route that does not exist. */
function explainUnneeded({ machines, network }: Session['config']): string | undefined {
  const names = machines.filter(({ podNetwork }) => podNetwork === 'bridged').map(({ name }) => name);
  const { bridged } = network.site;
  if (bridged === undefined || names.length === 0) return undefined;
  return `no route is needed for ${formatSpan(bridged.pods)}: bridged machines (${names.join(', ')}) answer ARP for their pods`;
}

async function withKube<T>(session: Session, use: (connections: Connections) => Promise<T>): Promise<T> {
  const connections = new Connections(session);
  try {
    return await use(connections);
  } finally {
    await connections.close();
  }
}

function formatSeen({ unneeded, wanted, seen, steps }: RoutesSeen): string {
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
  const note = unneeded === undefined ? '' : `${unneeded}\n`;
  if (wanted.length === 0 && seen === undefined) return note || table;
  if (steps === undefined) {
    const commands = formatRoutes(wanted.map((route) => ({ do: 'add', route, why: 'gateway-lacks-it' })));
    return `${table}${note}\nThe gateway was not asked: cluster.yaml has no network.site.gateway.ssh. On a Linux gateway:\n${commands}`;
  }
  return steps.length === 0
    ? `${table}${note}\nno difference\n`
    : `${table}${note}\nthe gateway\n${steps.map((step) => `  ${explainRoute(step)}\n`).join('')}`;
}

function plain({ unneeded, wanted, seen, steps }: RoutesSeen): object {
  const text = ({ destination, via }: SiteRoute): object => ({ destination: formatCidr(destination), via });
  return {
    wanted: wanted.map(text),
    seen: seen?.map(text) ?? null,
    difference: steps?.map((step) => ({ ...step, route: text(step.route) })) ?? null,
    unneeded: unneeded ?? null,
  };
}
