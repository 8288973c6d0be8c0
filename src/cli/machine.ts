import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { Command, Option } from '@commander-js/extra-typings';
import { joinMachine } from '#cluster/join/join.ts';
import { type JoinFile, parseJoinFile } from '#cluster/join/join-file.ts';
import { observeMachine } from '#cluster/join/machine-facts.ts';
import { planChecks, portsOf } from '#cluster/join/plan-checks.ts';
import { resetMachine } from '#cluster/join/reset.ts';
import { localHost } from '#host/local.ts';
import { confirmer } from './confirm.ts';
import { formatJson } from './json.ts';
import { outputOption, yesOption } from './options.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

const joinPath = '/etc/isthmus/join.json';

export function machineCommand(tools: CliTools) {
  const machine = new Command('machine')
    .summary('what runs on each machine: check, join, reset')
    .description('The machine that this runs on: isthmus up runs these on each machine.');
  machine.addCommand(checkCommand(tools));
  machine.addCommand(joinCommand(tools));
  machine.addCommand(resetCommand(tools));
  return machine;
}

function checkCommand(tools: CliTools) {
  return new Command('check')
    .summary('whether this machine can become a node')
    .description(
      'Looks at this machine and says everything that keeps it from becoming a node, each with its cure. Changes nothing.',
    )
    .addOption(
      new Option('--role <role>', 'what it is to become')
        .choices(['node', 'control-plane'] as const)
        .default('node' as const),
    )
    .option('--bundle <url>', 'also try the way to this bundle, and compare clocks')
    .option('--api <address>', 'also try the way to this API server, port 6443')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus machine check\n  isthmus machine check --role control-plane\n  isthmus machine check --bundle http://192.168.50.2/bundle --api 10.9.0.12',
    )
    .action(async ({ role, bundle, api, output }) => {
      const facts = await observeMachine(localHost(hostname()), {
        ports: portsOf(role),
        bundleUrl: bundle?.replace(/\/+$/, ''),
        api: api === undefined ? undefined : { address: api, port: 6443 },
      });
      const findings = planChecks(facts, role);
      const lines = findings.map(({ weight, what, cure }) => `${weight}: ${what}: ${cure}\n`);
      const fit = !findings.some(({ weight }) => weight === 'fault');
      if (output === 'json') tools.out(formatJson({ fit, findings, facts }));
      else tools.out(`${lines.join('')}${fit ? `this machine can become a ${role}\n` : ''}`);
      if (!fit) throw new CommandFailed(exitCodes.failed);
    });
}

function joinCommand(tools: CliTools) {
  return new Command('join')
    .summary('make this machine a node')
    .description(
      'Makes this machine a node, by what join.json says, or finishes what an earlier run began. Its account is in /var/lib/isthmus/join-result.json afterwards.',
    )
    .option('--file <path>', 'what isthmus up has left for it', joinPath)
    .addHelpText('after', `\nExample:\n  isthmus machine join --file ${joinPath}`)
    .action(async ({ file }) => {
      const join = await readJoinFile(file);
      await joinMachine(join, localHost(join.machine), (line) => tools.out(`${line}\n`));
      tools.out(`${join.machine} has joined ${join.cluster}\n`);
    });
}

async function readJoinFile(file: string): Promise<JoinFile> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (e) {
    const why = (e as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (e as Error).message;
    throw new CommandFailed(exitCodes.usage, `${file}: ${why}; isthmus up writes it for each machine`);
  }
  const parsed = parseJoinFile(text);
  if (parsed.ok) return parsed.value;
  throw new CommandFailed(exitCodes.usage, parsed.failure.map((fault) => `${file}: ${fault}`).join('\n'));
}

function resetCommand(tools: CliTools) {
  return new Command('reset')
    .summary('make this machine a plain machine again')
    .description(
      'Ends the pods of this machine, removes Kubernetes and the pod network from it, and gives containerd its former configuration. Can be repeated.',
    )
    .addOption(yesOption())
    .addHelpText('after', '\nExample:\n  isthmus machine reset --yes')
    .action(async ({ yes }) => {
      const agreed = await confirmer(tools, yes)([`end all pods of ${hostname()} and remove Kubernetes from it`]);
      if (!agreed) throw new CommandFailed(exitCodes.failed, 'nothing was done');
      const trouble = await resetMachine(localHost(hostname()), (line) => tools.out(`${line}\n`));
      if (trouble.length > 0)
        throw new CommandFailed(
          exitCodes.failed,
          `${trouble.join('\n')}\nrun isthmus machine reset again when this is cleared`,
        );
    });
}
