import { Command } from '@commander-js/extra-typings';
import type { NodeStatus } from '#cluster/status/plan-status.ts';
import { type ClusterStatus, observeStatus } from '#cluster/status/status.ts';
import { formatJson } from './json.ts';
import { openSession } from './open-session.ts';
import { fileOption, outputOption } from './options.ts';
import { whileTelling } from './reporter.ts';
import { formatTable } from './table.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

export function statusCommand(tools: CliTools) {
  return new Command('status')
    .summary('show the nodes and problems of both sides')
    .description(
      'Shows the nodes of both sides, their pod networks and all problems. The exit code is 0 only if there is no problem.',
    )
    .addOption(fileOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus status\n  isthmus status --output json | jq .problems\n  until isthmus status; do sleep 5; done',
    )
    .action(async ({ file, output }) => {
      const session = await openSession(tools, file);
      const status = await whileTelling(tools.err, 'looking at cloud and cluster', () => observeStatus(session));
      const well = status.problems.length === 0;
      tools.out(output === 'json' ? formatJson({ ...plain(status), well }) : formatStatus(status));
      if (!well) throw new CommandFailed(exitCodes.failed);
    });
}

/** The findings of capabilities, and what the cloud did not say, are among the problems. */
function plain(seen: ClusterStatus): object {
  const { findings: _, cloudFault: __, nodes, ...status } = seen;
  return { ...status, nodes: plainNodes(nodes) };
}

function formatStatus(status: ClusterStatus): string {
  const sides = (['cloud', 'site', 'unknown'] as const).flatMap((ground) => {
    const nodes = status.nodes.filter((node) => node.ground === ground);
    return nodes.length === 0 ? [] : [`${ground}\n${indent(formatNodes(nodes))}`];
  });
  const problems =
    status.problems.length === 0
      ? 'all is well\n'
      : `${status.problems.length} problem${status.problems.length === 1 ? '' : 's'}\n${indent(`${status.problems.join('\n')}\n`)}`;
  return [`cluster ${status.cluster}\n`, ...sides, problems].join('\n');
}

export function formatNodes(nodes: readonly NodeStatus[]): string {
  const headings = Object.keys(nodes[0]?.columns ?? {});
  return formatTable(
    ['NODE', 'ROLE', 'ADDRESS', 'READY', ...headings, 'VERSION'],
    nodes.map((node) => [
      node.name,
      node.role,
      node.address ?? '-',
      node.ready ? 'yes' : 'no',
      ...headings.map((heading) => node.columns[heading] ?? '-'),
      node.version ?? '-',
    ]),
  );
}

/** For programs: what the capabilities tell stands among the node's own fields. */
export function plainNodes(nodes: readonly NodeStatus[]): readonly object[] {
  return nodes.map((seen) => {
    const { columns: _, fields, ...node } = seen;
    return { ...node, ...fields };
  });
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}
