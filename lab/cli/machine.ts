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
  const machine = new Command('machine').description('switch machines on and off, and read their consoles');
  machine.addCommand(listCommand());
  machine.addCommand(powerCommand('start', 'switch a machine on; its disk is kept'));
  machine.addCommand(powerCommand('stop', 'shut a machine down; cut its power if that takes too long'));
  machine.addCommand(powerCommand('off', 'cut the power of a machine'));
  machine.addCommand(powerCommand('reboot', 'restart a machine'));
  machine.addCommand(consoleCommand());
  return machine.addHelpText(
    'after',
    '\nExamples:\n  isthmus lab machine off base-1\n  isthmus lab machine console web-1',
  );
}

function listCommand() {
  return new Command('list')
    .description('list all machines')
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
    .description('print the console output of a machine, of all boots')
    .argument('<machine>', 'its name or id')
    .addOption(nameOption())
    .action(async (asked, { name }) => {
      await readSettings(name);
      const log = join(pathsOf(name).machines, findMachine(name, asked).key, 'console.log');
      if (existsSync(log)) await pipeline(createReadStream(log), process.stdout, { end: false });
    });
}
