import { Command } from '@commander-js/extra-typings';
import { observeStatus } from '#cluster/status/status.ts';
import { formatJson } from './json.ts';
import { openSession } from './open-session.ts';
import { fileOption, outputOption } from './options.ts';
import { whileTelling } from './reporter.ts';
import { formatNodes, plainNodes } from './status.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

export function nodeCommand(tools: CliTools) {
  const node = new Command('node')
    .summary('list the nodes of the cluster')
    .description(
      'Lists the nodes of the cluster. Machines are added and removed by isthmus up, as cluster.yaml names them.',
    );
  node.addCommand(
    new Command('list')
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
      }),
  );
  return node;
}
