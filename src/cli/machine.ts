import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { Command, Option } from '@commander-js/extra-typings';
import { loadAddonImages } from '#cluster/addon/load-images.ts';
import { addonNames } from '#cluster/bundle/bundle.ts';
import type { Finding } from '#cluster/join/findings.ts';
import { joinMachine } from '#cluster/join/join.ts';
import { observeMachine, type PodAsked } from '#cluster/join/machine-facts.ts';
import { planChecks, portsOf } from '#cluster/join/plan-checks.ts';
import { planRepairs, type Repair } from '#cluster/join/plan-repairs.ts';
import { resetMachine } from '#cluster/join/reset.ts';
import { undoJoinHere } from '#cluster/join/undo-join.ts';
import { explainUnreadable } from '#host/files.ts';
import { type Host, must } from '#host/host.ts';
import { localHost } from '#host/local.ts';
import { type JoinFile, parseJoinFile } from '#machine/join-file.ts';
import { seconds } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { confirmer } from './confirm.ts';
import { formatJson } from './json.ts';
import { outputOption, yesOption } from './options.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

const joinPath = '/etc/isthmus/join.json';

export function machineCommand(tools: CliTools) {
  const machine = new Command('machine')
    .summary('check, join or reset the machine on which it runs')
    .description(
      'Checks, joins or resets the machine on which it runs. isthmus up runs these commands on each machine.',
    );
  machine.addCommand(checkCommand(tools));
  machine.addCommand(joinCommand(tools));
  machine.addCommand(imagesCommand(tools));
  machine.addCommand(resetCommand(tools));
  return machine;
}

function checkCommand(tools: CliTools) {
  return new Command('check')
    .summary('check whether this machine can become a node')
    .description(
      'Reports everything that keeps this machine from becoming a node, or that its owner should know: what, why it matters and how to repair it. Without --fix it changes nothing.',
    )
    .addOption(
      new Option('--role <role>', 'role to check for')
        .choices(['node', 'control-plane'] as const)
        .default('node' as const),
    )
    .option('--bundle <url>', 'also check that this bundle is reachable, and compare clocks')
    .option(
      '--api <address>',
      'also check that this API server is reachable on port 6443, and how large packets to it may be',
    )
    .option(
      '--pod <address...>',
      'also check that these pods of the cluster answer TCP, each as ADDRESS:PORT, such as those of CoreDNS with port 53',
    )
    .option('--fix', 'show the repairs that are safe, ask, make them and check again', false)
    .addOption(yesOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus machine check\n  isthmus machine check --role control-plane\n  isthmus machine check --bundle http://192.168.50.2/bundle --api 10.9.0.12\n  isthmus machine check --pod 10.9.0.31:53 172.16.0.2:53\n  isthmus machine check --fix',
    )
    .action(async ({ role, bundle, api, pod = [], output, fix, yes }) => {
      const pods = pod.map(parsePod);
      const host = localHost(hostname());
      const look = async () => {
        const facts = await observeMachine(host, {
          ports: portsOf(role),
          bundleUrl: bundle?.replace(/\/+$/, ''),
          api: api === undefined ? undefined : { address: api, port: 6443 },
          pods,
        });
        return { facts, findings: planChecks(facts, role) };
      };
      const before = await look();
      const repairs = fix ? planRepairs(before.findings, before.facts) : [];
      const repaired = repairs.length > 0 && (await repair(tools, yes, host, repairs));
      const { facts, findings } = repaired ? await look() : before;
      const fit = !findings.some(({ weight }) => weight === 'fault');
      if (output === 'json') tools.out(formatJson({ fit, findings, facts }));
      else tools.out(`${formatFindings(findings)}${fit ? `this machine can become a ${role}\n` : ''}`);
      if (!fit) throw new CommandFailed(exitCodes.failed);
    });
}

function parsePod(text: string): PodAsked {
  const [, address, port] = /^([\d.]+):(\d+)$/.exec(text) ?? [];
  if (address === undefined || port === undefined)
    throw new CommandFailed(exitCodes.usage, `--pod ${text}: write ADDRESS:PORT, such as 10.9.0.31:53`);
  return { address, port: Number(port) };
}

/** @shape whether it was agreed to and done */
async function repair(tools: CliTools, yes: boolean, host: Host, repairs: readonly Repair[]): Promise<boolean> {
  if (!(await confirmer(tools, yes)(repairs.map(({ does }) => does)))) return false;
  for (const { argv } of repairs) await must(host, argv, { within: seconds(20) });
  return true;
}

function formatFindings(findings: readonly Finding[]): string {
  return findings
    .map(({ weight, what, why, cure }) => `${weight}: ${what}\n  why: ${why}\n  repair: ${cure}\n`)
    .join('');
}

function joinCommand(tools: CliTools) {
  return new Command('join')
    .summary('make this machine a node')
    .description(
      'Makes this machine a node as its join file says, or finishes what an earlier run began. The result is written to /var/lib/isthmus/join-result.json.',
    )
    .option('--file <path>', 'the join file, written by isthmus up', joinPath)
    .option('--undo', 'when the join fails, make this machine again what it was before', false)
    .addHelpText('after', `\nExample:\n  isthmus machine join --file ${joinPath}`)
    .action(async ({ file, undo }) => {
      const join = await readJoinFile(file);
      const host = localHost(join.machine);
      const say = (line: string): void => tools.out(`${line}\n`);
      try {
        await joinMachine(join, host, say);
      } catch (e) {
        // Of a run that was stopped the next one makes use.
        if (!undo || tools.signal.aborted) throw e;
        throw new CommandFailed(exitCodes.failed, `${messageOf(e)}\n${await undoneOf(host, say)}`);
      }
      tools.out(`${join.machine} has joined ${join.cluster}\n`);
    });
}

/** Undoes a failed join, whose own failure stays what it was. @shape what a person reads of it */
async function undoneOf(host: Host, say: (line: string) => void): Promise<string> {
  const trouble = await undoJoinHere(host, say).catch((e: unknown) => [messageOf(e)]);
  if (trouble.length === 0) return 'this machine is again as it was before the join';
  return `this machine could not be made again what it was before the join: ${trouble.join('; ')}; run isthmus machine reset, or try the join again`;
}

async function readJoinFile(file: string): Promise<JoinFile> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (e) {
    throw new CommandFailed(exitCodes.usage, `${file}: ${explainUnreadable(e)}; isthmus up writes it for each machine`);
  }
  const parsed = parseJoinFile(text);
  if (parsed.ok) return parsed.value;
  throw new CommandFailed(exitCodes.usage, parsed.failure.map((fault) => `${file}: ${fault}`).join('\n'));
}

function imagesCommand(tools: CliTools) {
  return new Command('images')
    .summary('import the images of an addon from the bundle')
    .description(
      'Imports the images of an addon from the bundle into containerd of this machine, unless they are there. The cluster runs this command on the nodes that need it.',
    )
    .addOption(new Option('--addon <name>', 'the addon').choices(addonNames).makeOptionMandatory())
    .requiredOption('--bundle <url>', 'URL of the folder with bundle.json')
    .requiredOption('--digest <digest>', 'digest of bundle.json')
    .addHelpText(
      'after',
      '\nExample:\n  isthmus machine images --addon ingress --bundle http://192.168.50.2/bundle --digest sha256:…',
    )
    .action(async ({ addon, bundle, digest }) => {
      const source = { url: bundle.replace(/\/+$/, ''), digest };
      const { imported, present } = await loadAddonImages(localHost(hostname()), source, addon);
      tools.out(`${imported.map((name) => `${name} imported\n`).join('')}${present} images were there already\n`);
    });
}

function resetCommand(tools: CliTools) {
  return new Command('reset')
    .summary('remove Kubernetes from this machine')
    .description(
      'Stops all pods of this machine, removes Kubernetes and the pod network from it, and restores the former configuration of containerd. Can be repeated.',
    )
    .addOption(yesOption())
    .addHelpText('after', '\nExample:\n  isthmus machine reset --yes')
    .action(async ({ yes }) => {
      const agreed = await confirmer(tools, yes)([`stop all pods of ${hostname()} and remove Kubernetes from it`]);
      if (!agreed) throw new CommandFailed(exitCodes.failed, 'nothing was done');
      const trouble = await resetMachine(localHost(hostname()), (line) => tools.out(`${line}\n`));
      if (trouble.length > 0)
        throw new CommandFailed(
          exitCodes.failed,
          `${trouble.join('\n')}\ncorrect this, then run isthmus machine reset again`,
        );
    });
}
