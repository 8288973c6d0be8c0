import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Command } from '@commander-js/extra-typings';
import { whileTelling } from '#cli/reporter.ts';
import { openLab } from '../server/client.ts';
import { pathsOf, readSettings } from '../server/settings.ts';
import { findMachine } from './find-machine.ts';
import { nameOption, outputOption } from './options.ts';
import { formatMachines } from './status.ts';

export function machineCommand() {
  const machine = new Command('machine').description('the power buttons and consoles of the machines');
  machine.addCommand(listCommand());
  machine.addCommand(powerCommand('start', 'switch on, with the disk it has'));
  machine.addCommand(powerCommand('stop', 'shut down in order; cut the power if that takes too long'));
  machine.addCommand(powerCommand('off', 'cut the power'));
  machine.addCommand(powerCommand('reboot', 'restart in order'));
  machine.addCommand(consoleCommand());
  return machine.addHelpText(
    'after',
    '\nExamples:\n  isthmus lab machine off base-1\n  isthmus lab machine console web-1',
  );
}

function listCommand() {
  return new Command('list')
    .description('all machines')
    .addOption(nameOption())
    .addOption(outputOption())
    .action(async ({ name, output }) => {
      const { machines } = await (await openLab(name)).status();
      console.log(output === 'json' ? JSON.stringify(machines, undefined, 2) : formatMachines(machines));
    });
}

function powerCommand(action: 'start' | 'stop' | 'off' | 'reboot', description: string) {
  return new Command(action)
    .description(description)
    .argument('<machine>', 'its name or id')
    .addOption(nameOption())
    .action(async (asked, { name }) => {
      const lab = await openLab(name);
      const machine = findMachine(name, asked);
      const tell = (text: string) => process.stderr.write(text);
      await whileTelling(tell, `${machine.name}: ${action}`, () => lab.power(machine.key, action));
      const done = { start: 'is on', stop: 'is shut down', off: 'is off', reboot: 'is booting again' }[action];
      console.log(`${machine.name} ${done}`);
    });
}

function consoleCommand() {
  return new Command('console')
    .description('what the machine has printed on its console, all boots')
    .argument('<machine>', 'its name or id')
    .addOption(nameOption())
    .action(async (asked, { name }) => {
      await readSettings(name);
      const log = join(pathsOf(name).machines, findMachine(name, asked).key, 'console.log');
      if (existsSync(log)) await pipeline(createReadStream(log), process.stdout, { end: false });
    });
}
