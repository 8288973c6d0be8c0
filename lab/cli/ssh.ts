import { Command } from '@commander-js/extra-typings';
import { markOf } from '../fabric/names.ts';
import { enterNetwork } from '../machine/enter.ts';
import { pathsOf, readSettings } from '../server/settings.ts';
import { findMachine } from './find-machine.ts';
import { nameOption } from './options.ts';
import { become } from './run.ts';

export function sshCommand() {
  return new Command('ssh')
    .description("log in to a machine from the office, with the operator's key")
    .argument('<machine>', 'its name or id')
    .argument('[command...]', 'a command to run there, after --')
    .addOption(nameOption())
    .addHelpText('after', '\nExamples:\n  isthmus lab ssh base-1\n  isthmus lab ssh gateway -- ip route')
    .action(async (machine, command, { name }) => {
      await readSettings(name);
      await become(enterNetwork(markOf(name, 'office'), sshTo(name, findMachine(name, machine).address, command)));
    });
}

/** A lab's host keys are new each time: they are kept with the lab, not with those of real machines. */
function sshTo(lab: string, address: string, command: readonly string[]): readonly string[] {
  const { key, knownHosts } = pathsOf(lab);
  const options = [
    'StrictHostKeyChecking=accept-new',
    `UserKnownHostsFile=${knownHosts}`,
    'LogLevel=ERROR',
    'ConnectTimeout=10',
  ];
  return ['ssh', '-F', 'none', '-i', key, ...options.flatMap((o) => ['-o', o]), `root@${address}`, ...command];
}
