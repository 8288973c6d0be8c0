import { Command } from '@commander-js/extra-typings';
import { down } from '#cluster/down/down.ts';
import { confirmer } from './confirm.ts';
import { formatJson } from './json.ts';
import { openSession } from './open-session.ts';
import { fileOption, outputOption, verboseOption, yesOption } from './options.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

export function downCommand(tools: CliTools) {
  return new Command('down')
    .summary('remove the cluster')
    .description(
      "Deletes the cloud machines that carry this cluster's mark, removes Kubernetes from its physical machines, and deletes its local keys. Nothing else is touched. Shows what would be removed, and asks for confirmation.",
    )
    .addOption(fileOption())
    .addOption(yesOption())
    .addOption(verboseOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus down                # shows what would be removed, and asks\n  isthmus down --yes          # for scripts',
    )
    .action(async ({ file, yes, verbose, output }) => {
      const session = await openSession(tools, file, { verbose });
      const outcome = await down(session, { confirm: confirmer(tools, yes) });
      if (outcome === 'declined') throw new CommandFailed(exitCodes.failed, 'nothing was done');
      if (output === 'json') tools.out(formatJson({ cluster: session.config.name, outcome }));
      else
        tools.out(
          outcome === 'nothing'
            ? `nothing to do: nothing of ${session.config.name} is left\n`
            : `${session.config.name} is gone\n`,
        );
    });
}
