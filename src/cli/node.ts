import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { addNode } from '#cluster/node/add-node.ts';
import { removeNode } from '#cluster/node/remove-node.ts';
import { growGroup, LeftScaled } from '#cluster/node/scale-group.ts';
import { observeStatus } from '#cluster/status/status.ts';
import { mostMachines } from '#kube/api/node-group.ts';
import { confirmer } from './confirm.ts';
import { formatJson } from './json.ts';
import { openSession, openSessionOf, readConfigFile } from './open-session.ts';
import { fileOption, outputOption, verboseOption, yesOption } from './options.ts';
import { keepingSteps, type StepTaken, whileTelling } from './reporter.ts';
import { formatNodes, plainNodes } from './status.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

export function nodeCommand(tools: CliTools) {
  const node = new Command('node')
    .summary('list the nodes of the cluster, add one or remove one')
    .description(
      'Lists the nodes of the cluster, adds one or removes one. isthmus up does the same for all machines that are written into cluster.yaml or taken out of it.',
    );
  node.addCommand(listCommand(tools));
  node.addCommand(addCommand(tools));
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

function addCommand(tools: CliTools) {
  return new Command('add')
    .summary('add one machine to cluster.yaml and to the cluster, or machines to a node group')
    .description(
      'With --group, raises the number of machines of a node group and waits until the new ones are Ready. Otherwise writes one machine into cluster.yaml, unless it is there, and makes it a node: a physical machine over SSH, or by a line that is pasted on it; a cloud machine is created. A physical machine is checked before anything is changed on it. Shows the change of the file and the steps, and asks for confirmation. A join that fails names its step, and leaves a physical machine as it was; run the same command again when the cause is corrected.',
    )
    .argument('[name]', 'the machine, as cluster.yaml names it or is to name it')
    .option('--group <group>', 'the node group that is to have more machines; they are named by their controller')
    .addOption(
      new Option('--count <n>', 'how many more machines the group is to have (default: 1)').argParser(parseCount),
    )
    .option('--address <address>', 'the address of a physical machine that cluster.yaml does not have yet')
    .option('--like <name>', 'a cloud machine of cluster.yaml that the new cloud machine is to be like')
    .option('--ssh-user <user>', 'the user to log in as')
    .addOption(new Option('--ssh-port <port>', "the port of the machine's SSH server").argParser(Number))
    .option('--ssh-key <path>', 'the private key to log in with')
    .option('--ssh-agent', 'log in with the keys of the SSH agent')
    .addOption(
      new Option('--ssh-jump <host>', 'the host to go through: [user@]host[:port], or none').argParser(parseJump),
    )
    .option(
      '--print',
      'do not log in: print one line to paste into the root shell of the machine, and wait for it to join',
      false,
    )
    .addOption(fileOption())
    .addOption(yesOption())
    .addOption(verboseOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus node add base-3 --address 192.168.50.13\n  isthmus node add base-3 --address 192.168.50.13 --ssh-user admin --ssh-jump ops@203.0.113.7\n  isthmus node add base-3 --address 192.168.50.13 --print     # a line to paste on the machine\n  isthmus node add web-3 --like web-1 --yes --output json\n  isthmus node add --group burst --count 2',
    )
    .action(async (name, options) => {
      const { file, yes, verbose, output, address, like, print, group, count } = options;
      if (group !== undefined) {
        const other = name === undefined ? optionOfOneMachine(options) : 'the name';
        if (other !== undefined)
          throw new CommandFailed(
            exitCodes.usage,
            `--group adds machines of a node group, which have no values of their own; leave out ${other}`,
          );
        return addToGroup(tools, options, { group, count: count ?? 1 });
      }
      if (count !== undefined)
        throw new CommandFailed(exitCodes.usage, '--count is for machines of a node group; name it with --group');
      if (name === undefined)
        throw new CommandFailed(
          exitCodes.usage,
          'name the machine, such as isthmus node add base-3, or a node group with --group',
        );
      if (print && output === 'json')
        throw new CommandFailed(
          exitCodes.usage,
          '--print shows a line to paste, which --output json has no place for; leave out one of the two',
        );
      const { session, configFile, steps, left, leave } = await openChange(tools, file, verbose);
      const wish = { name, address, like, ssh: sshOf(options), paste: print };
      const show = (line: string): void => {
        tools.err(
          `paste this into the root shell of ${name}; it is good for this machine, once, and for 15 minutes:\n`,
        );
        tools.out(`${line}\n`);
      };
      const confirm = confirmer(tools, yes);
      const outcome = await addNode(session, wish, {
        file: configFile,
        confirm,
        leave,
        paste: print ? show : undefined,
      });
      if (outcome === 'declined') throw new CommandFailed(exitCodes.failed, 'nothing was done');
      const cluster = session.config.name;
      if (output === 'json')
        tools.out(formatJson({ cluster, node: name, outcome: outcome === 'done' ? 'added' : 'nothing', steps, left }));
      else
        tools.out(
          outcome === 'done' ? `${name} is a node of ${cluster}\n` : `nothing to do: ${name} is a node of ${cluster}\n`,
        );
    });
}

/** An option that says something of one machine, as people write it. */
function optionOfOneMachine(options: Readonly<Record<string, unknown>>): string | undefined {
  const key = ['address', 'like', 'print', 'sshUser', 'sshPort', 'sshKey', 'sshAgent', 'sshJump'].find(
    (one) => options[one] !== undefined && options[one] !== false,
  );
  return key && `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^[1-9]\d*$/.test(text) || count > mostMachines)
    throw new InvalidArgumentError(`write a whole number from 1 to ${mostMachines}`);
  return count;
}

async function addToGroup(
  tools: CliTools,
  { file, yes, verbose, output }: { file: string; yes: boolean; verbose: boolean; output: string | undefined },
  wish: { readonly group: string; readonly count: number },
): Promise<void> {
  const { session, steps, left } = await openChange(tools, file, verbose);
  const nodes = await tellingWhatStays(tools, () => growGroup(session, wish, confirmer(tools, yes)));
  if (nodes === 'declined') throw new CommandFailed(exitCodes.failed, 'nothing was done');
  const { group } = wish;
  const cluster = session.config.name;
  if (output === 'json') tools.out(formatJson({ cluster, group, nodes, outcome: 'added', steps, left }));
  else tools.out(explainGrown(nodes, group, cluster));
}

/** None came where machines were about to leave, and now stay. */
function explainGrown(nodes: readonly string[], group: string, cluster: string): string {
  if (nodes.length === 0) return `node group ${group} of ${cluster} keeps machines that were about to leave\n`;
  return `${nodes.join(', ')} of node group ${group} ${nodes.length === 1 ? 'is a node' : 'are nodes'} of ${cluster}\n`;
}

/** Whoever stops it does not stop the controller: what goes on is told with what takes it back. */
async function tellingWhatStays<T>({ signal }: CliTools, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    if (!(e instanceof LeftScaled)) throw e;
    throw signal.aborted ? new CommandFailed(exitCodes.stopped, `stopped. ${e.message}`) : e;
  }
}

/** `[user@]host[:port]`, as `ssh -J` takes it. */
function parseJump(text: string): Readonly<Record<string, unknown>> | 'none' {
  if (text === 'none') return text;
  const [, user, address, port] = /^(?:([^@]+)@)?([^@:]+)(?::(\d+))?$/.exec(text) ?? [];
  if (address === undefined) throw new InvalidArgumentError('write [user@]host[:port], such as ops@203.0.113.7:2222');
  return { address, ...(user !== undefined && { user }), ...(port !== undefined && { port: Number(port) }) };
}

/** As `ssh` of an entry of cluster.yaml; its faults are found there. */
function sshOf({
  sshUser: user,
  sshPort: port,
  sshKey: key,
  sshAgent: agent,
  sshJump: jump,
}: {
  readonly sshUser?: string | undefined;
  readonly sshPort?: number | undefined;
  readonly sshKey?: string | undefined;
  readonly sshAgent?: true | undefined;
  readonly sshJump?: Readonly<Record<string, unknown>> | 'none' | undefined;
}): Readonly<Record<string, unknown>> | undefined {
  const given = { user, port, key: key === undefined ? undefined : resolve(key), agent, jump };
  const ssh = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return Object.keys(ssh).length === 0 ? undefined : ssh;
}

/** What a command needs that changes cluster.yaml and one machine. */
async function openChange(tools: CliTools, file: string, verbose: boolean) {
  const configFile = await readConfigFile(tools, file);
  const opened = await openSessionOf(tools, configFile, { verbose });
  const steps: StepTaken[] = [];
  const left: string[] = [];
  const session = { ...opened, report: keepingSteps(opened.report, steps) };
  const leave = (line: string): void => {
    left.push(line);
    session.report.say(line);
  };
  return { session, configFile, steps, left, leave };
}

function removeCommand(tools: CliTools) {
  return new Command('remove')
    .summary('remove one machine from the cluster and from cluster.yaml')
    .description(
      'Takes one machine out of cluster.yaml, takes its node out of the load balancers, evicts its pods as far as their PodDisruptionBudgets allow, removes Kubernetes and the pod network from a physical machine, deletes a cloud machine with its disk, and deletes the node. Shows the change of the file and the steps, and asks for confirmation. An interrupted run is continued by the next one, or by isthmus up. A machine of a node group is removed by the controller, and the group has one machine less. The exit code is 1 when the node is removed and something is left on its machine.',
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
      const { session, configFile, steps, left, leave } = await openChange(tools, file, verbose);
      const removed = await tellingWhatStays(tools, () =>
        removeNode(session, name, { file: configFile, confirm: confirmer(tools, yes), leave }),
      );
      if (removed === 'declined') throw new CommandFailed(exitCodes.failed, 'nothing was done');
      const from = removed.from === 'group' ? `node group ${removed.group}` : file;
      const group = removed.from === 'group' ? { group: removed.group } : {};
      if (output === 'json')
        tools.out(formatJson({ cluster: session.config.name, node: name, ...group, outcome: 'removed', steps, left }));
      else tools.out(`${name} is removed from ${session.config.name} and from ${from}\n`);
      if (left.length > 0) throw new CommandFailed(exitCodes.failed);
    });
}
