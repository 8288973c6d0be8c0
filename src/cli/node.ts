import { Command } from '@commander-js/extra-typings';
import { removeNode } from '#cluster/node/remove-node.ts';
import { observeStatus } from '#cluster/status/status.ts';
import { confirmer } from './confirm.ts';
import { formatJson } from './json.ts';
import { openSession, openSessionOf, readConfigFile } from './open-session.ts';
import { fileOption, outputOption, verboseOption, yesOption } from './options.ts';
import { keepingSteps, type StepTaken, whileTelling } from './reporter.ts';
import { formatNodes, plainNodes } from './status.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

export function nodeCommand(tools: CliTools) {
  const node = new Command('node')
    .summary('list the nodes of the cluster, or remove one')
    .description(
      'Lists the nodes of the cluster, or removes one. isthmus up does the same for all machines that are written into cluster.yaml or taken out of it.',
    );
  node.addCommand(listCommand(tools));
  node.addCommand(removeCommand(tools));
  return node;
}

function listCommand(tools: CliTools) {
  return new Command('list')
    .summary('list all nodes with their side and address')
    .description('Lists the nodes of both sides.')
    .addOption(fileOption())
    .addOption(outputOption())
    .addHelpText('after', "\nExamples:\n  isthmus node list\n  isthmus node list --output json | jq -r '.[].name'")
    .action(async ({ file, output }) => {
      const session = await openSession(tools, file);
      const look = () => observeStatus(session);
      const { nodes, api, problems } = await whileTelling(tools.err, 'looking at cloud and cluster', look);
      if (api !== 'answers') throw new CommandFailed(exitCodes.failed, problems.join('\n'));
      tools.out(output === 'json' ? formatJson(plainNodes(nodes)) : formatNodes(nodes));
    });
}

function removeCommand(tools: CliTools) {
  return new Command('remove')
    .summary('remove one machine from the cluster and from cluster.yaml')
    .description(
      'Takes one machine out of cluster.yaml, takes its node out of the load balancers, evicts its pods as far as their PodDisruptionBudgets allow, removes Kubernetes and the pod network from a physical machine, deletes a cloud machine with its disk, and deletes the node. Shows the change of the file and the steps, and asks for confirmation. An interrupted run is continued by the next one, or by isthmus up. The exit code is 1 when the node is removed and something is left on its machine.',
    )
    .argument('<name>', 'the machine, as cluster.yaml or isthmus node list names it')
    .addOption(fileOption())
    .addOption(yesOption())
    .addOption(verboseOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus node remove base-2          # shows what would be done, and asks\n  isthmus node remove web-1 --yes --output json',
    )
    .action(async (name, { file, yes, verbose, output }) => {
      const configFile = await readConfigFile(tools, file);
      const opened = await openSessionOf(tools, configFile, { verbose });
      const steps: StepTaken[] = [];
      const left: string[] = [];
      const session = { ...opened, report: keepingSteps(opened.report, steps) };
      const leave = (line: string): void => {
        left.push(line);
        session.report.say(line);
      };
      const outcome = await removeNode(session, name, { file: configFile, confirm: confirmer(tools, yes), leave });
      if (outcome === 'declined') throw new CommandFailed(exitCodes.failed, 'nothing was done');
      if (output === 'json')
        tools.out(formatJson({ cluster: session.config.name, node: name, outcome: 'removed', steps, left }));
      else tools.out(`${name} is removed from ${session.config.name} and from ${file}\n`);
      if (left.length > 0) throw new CommandFailed(exitCodes.failed);
    });
}
