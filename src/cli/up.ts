import { Command } from '@commander-js/extra-typings';
import { dryRunUp } from '#cluster/up/dry-run.ts';
import { up } from '#cluster/up/up.ts';
import { confirmer } from './confirm.ts';
import { formatJson } from './json.ts';
import { openSession } from './open-session.ts';
import { fileOption, outputOption, verboseOption, yesOption } from './options.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

export function upCommand(tools: CliTools) {
  return new Command('up')
    .summary('create the cluster, or change it to match the file')
    .description(
      'Creates the cluster that the file describes, or changes it to match the file. Shows the steps with their reasons, asks for confirmation, and continues until nothing is left to do. An interrupted run is continued by the next one.',
    )
    .addOption(fileOption())
    .addOption(yesOption())
    .addOption(verboseOption())
    .option('--dry-run', 'show every call, command and file, and change nothing', false)
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus up                        # with ./cluster.yaml, asks for confirmation\n  isthmus up -f shop.yaml --yes     # for scripts\n  isthmus up --dry-run              # what it would do, in full',
    )
    .action(async ({ file, yes, verbose, output, dryRun }) => {
      const session = await openSession(tools, file, { verbose });
      if (dryRun) {
        const { steps, leftOut } = await dryRunUp(session, file);
        const { name } = session.config;
        if (output === 'json') tools.out(formatJson({ cluster: name, outcome: 'dry-run', steps, leftOut }));
        else if (steps.length === 0 && leftOut.length === 0) tools.out(`nothing to do: ${name} is as ${file} says\n`);
        else {
          const lines = [...steps, ...leftOut.map((why) => `cannot be done now: ${why}`)];
          tools.out(`${lines.join('\n')}\nnothing was done: this was a dry run\n`);
        }
        if (leftOut.length > 0) throw new CommandFailed(exitCodes.failed);
        return;
      }
      const outcome = await up(session, { file, confirm: confirmer(tools, yes) });
      if (outcome === 'declined') throw new CommandFailed(exitCodes.failed, 'nothing was done');
      const kubeconfig = session.state.kubeconfigPath;
      if (output === 'json') tools.out(formatJson({ cluster: session.config.name, outcome, kubeconfig }));
      else if (outcome === 'converged') tools.out(`nothing to do: ${session.config.name} is as ${file} says\n`);
      else tools.out(`${session.config.name} is up; export KUBECONFIG=${kubeconfig}\n`);
    });
}
