import { Command } from '@commander-js/extra-typings';
import { markOf, type Place, places } from '../fabric/names.ts';
import { enterMachine, enterNetwork } from '../machine/enter.ts';
import { readSettings } from '../server/settings.ts';
import { findMachine, initOf } from './find-machine.ts';
import { deskOf } from './office.ts';
import { nameOption } from './options.ts';
import { become, ownArguments } from './run.ts';

export function execCommand() {
  return new Command('exec')
    .description('run a command in the lab, and end with its exit code')
    .argument('<where>', 'office, internet, vpc, wires (networks, with the files of this computer), or a machine')
    .argument('<command...>', 'the command with its options')
    .addOption(nameOption())
    .passThroughOptions()
    .addHelpText(
      'after',
      `
Examples:
  isthmus lab exec office -- isthmus up           the office has cluster.yaml, the cloud keys, isthmus and kubectl at hand
  isthmus lab exec office -- ping -c 1 192.168.50.11
  isthmus lab exec internet -- curl http://198.18.0.2/       a client of the cloud's public addresses (EIPs)
  isthmus lab exec base-1 ls -la /etc/kubernetes
  isthmus lab exec vpc -- tcpdump -ni line0`,
    )
    .action(async (where, given, { name }) => {
      const command = ownArguments(given);
      const settings = await readSettings(name);
      if (!places.includes(where as Place)) await become(inMachine(name, where, command));
      await become(enterNetwork(markOf(name, where), command), where === 'office' ? deskOf(settings) : {});
    });
}

function inMachine(lab: string, where: string, command: readonly string[]): readonly string[] {
  return enterMachine(initOf(findMachine(lab, where)), command, {
    term: process.stdout.isTTY ? 'xterm-256color' : 'dumb',
  });
}
