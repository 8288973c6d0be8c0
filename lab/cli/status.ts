import { Command } from '@commander-js/extra-typings';
import { formatTable } from '#cli/table.ts';
import { addresses } from '../fabric/addresses.ts';
import { explainLine } from '../fabric/line-rules.ts';
import { openLab } from '../server/client.ts';
import type { LabStatus } from '../server/control.ts';
import { nameOption, outputOption } from './options.ts';

export function statusCommand() {
  return new Command('status')
    .description('show the machines and the line of a lab')
    .addOption(nameOption())
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  isthmus lab status --output json')
    .action(async ({ name, output }) => {
      const status = await (await openLab(name)).status();
      console.log(output === 'json' ? JSON.stringify(status, undefined, 2) : explainStatus(status));
    });
}

function explainStatus(status: LabStatus): string {
  return [
    `lab "${status.name}": cloud API http://${addresses.api}, at ${status.speed} times the real cloud's delays`,
    `line: ${explainLine(status.line)}`,
    `internet: a client at ${addresses.internet.clients[0]}, which reaches the cloud's EIPs: isthmus lab exec internet -- COMMAND`,
    ...(status.start.failed === undefined ? [] : [`not all machines started: ${status.start.failed}`]),
    '',
    formatMachines(status.machines),
  ].join('\n');
}

export function formatMachines(machines: LabStatus['machines']): string {
  return formatTable(
    ['MACHINE', 'KIND', 'ADDRESS', 'POWER', 'SSH', 'ID'],
    machines.map((m) => [m.name, m.kind, m.address, m.power, m.ssh ? 'yes' : 'no', m.key]),
  ).trimEnd();
}
