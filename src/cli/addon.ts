import { Argument, Command } from '@commander-js/extra-typings';
import { installAddon, observeAddon, removeAddon } from '#cluster/addon/addon.ts';
import { confirmer } from './confirm.ts';
import { formatJson } from './json.ts';
import { openSession } from './open-session.ts';
import { fileOption, outputOption, verboseOption, yesOption } from './options.ts';
import { whileTelling } from './reporter.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

export function addonCommand(tools: CliTools) {
  const addon = new Command('addon')
    .summary('install, look at or remove what a cluster can have beside what it needs')
    .description('Installs, looks at or removes what a cluster can have beside what it needs.')
    .addHelpText('after', '\nExamples:\n  isthmus addon ingress\n  isthmus addon ingress status');
  addon.addCommand(ingressCommand(tools) as never);
  return addon;
}

function ingressCommand(tools: CliTools) {
  return new Command('ingress')
    .summary('Contour with Envoy on cloud nodes, for Ingress and HTTPProxy')
    .description(
      'Contour with Envoy on cloud nodes, behind a load balancer of the cloud, for Ingress and HTTPProxy. Every action can be repeated. remove keeps what users made for it: Ingress objects, and HTTPProxy objects with their definitions. To have isthmus up keep the addon, write addons: { ingress: {} } in cluster.yaml.',
    )
    .addArgument(
      new Argument('[action]', 'what to do')
        .choices(['install', 'status', 'remove'] as const)
        .default('install' as const),
    )
    .addOption(fileOption())
    .addOption(yesOption())
    .addOption(outputOption())
    .addOption(verboseOption())
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus addon ingress                          # install, or repair\n  isthmus addon ingress status --output json\n  isthmus addon ingress remove --yes',
    )
    .action(async (action, { file, yes, output, verbose }) => {
      const session = await openSession(tools, file, { verbose });
      const tell = (facts: object, text: string): void => {
        tools.out(output === 'json' ? formatJson(facts) : text);
      };
      switch (action) {
        case 'install': {
          const { changed, address } = await installAddon(session, 'ingress');
          const hint = session.config.addons.ingress === undefined ? keepIt(file) : '';
          const did = changed.length === 0 ? 'nothing to do' : `${changed.length} objects applied`;
          return tell({ changed, address }, `${did}: ingress answers at ${address}\n${hint}`);
        }
        case 'status': {
          const seen = await whileTelling(tools.err, 'looking at the cluster', () => observeAddon(session, 'ingress'));
          const { installed, address, problems } = seen;
          const where = address === undefined ? '' : `, answers at ${address}`;
          tell(
            { ...seen, address: address ?? null },
            `installed: ${installed}${where}\n${problems.map((problem) => `  ${problem}\n`).join('')}`,
          );
          if (problems.length > 0) throw new CommandFailed(exitCodes.failed);
          return;
        }
        case 'remove': {
          if (session.config.addons.ingress !== undefined)
            throw new CommandFailed(
              exitCodes.usage,
              `${file} has addons.ingress, so that isthmus up would install it again; remove it from ${file} first`,
            );
          const lines = ['remove Contour, Envoy and their load balancer with its public address'];
          if (!(await confirmer(tools, yes)(lines))) throw new CommandFailed(exitCodes.failed, 'nothing was done');
          const { removed, kept } = await removeAddon(session, 'ingress');
          const did = removed.length === 0 ? 'nothing to do: it is not installed' : `${removed.length} objects removed`;
          return tell({ removed, kept }, `${did}\n${kept.map((line) => `  kept: ${line}\n`).join('')}`);
        }
      }
    });
}

function keepIt(file: string): string {
  return `isthmus up does not keep it current until ${file} says addons: { ingress: {} }\n`;
}
