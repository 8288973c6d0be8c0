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
    .summary('make the cluster, or bring it to what the file says')
    .description(
      'Makes the cluster that the file describes, or brings it to what the file says. Shows the steps and their reasons, asks, and goes on until nothing is left. Stopped at any place, it goes on when it is run again.',
    )
    .addOption(fileOption())
    .addOption(yesOption())
    .addOption(verboseOption())
    .option('--dry-run', 'show every call, command and file of what would be done, and do nothing', false)
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus up                        # with ./cluster.yaml, asks before it begins\n  isthmus up -f shop.yaml --yes     # for scripts\n  isthmus up --dry-run              # what it would do, in full',
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
