import { Command } from '@commander-js/extra-typings';
import { formatTable } from '#cli/table.ts';
import { listSaved, readSaved, removeSaved, savedPaths, sizeOfSaved, usersOf } from '../saved/saved-lab.ts';
import { outputOption } from './options.ts';

export function savedCommand() {
  const saved = new Command('saved').description('labs that were saved with `lab save`');
  saved.addCommand(listCommand());
  saved.addCommand(removeCommand());
  return saved.addHelpText('after', '\nExamples:\n  isthmus lab saved list\n  isthmus lab saved remove ready');
}

function listCommand() {
  return new Command('list')
    .description('list the saved labs of this computer with their folders and sizes')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  isthmus lab saved list --output json')
    .action(async ({ output }) => {
      const rows = await Promise.all(listSaved().map(describe));
      if (output === 'json') {
        console.log(JSON.stringify(rows, undefined, 2));
        return;
      }
      if (rows.length === 0) {
        console.log('no lab is saved; save a running one with `isthmus lab save`');
        return;
      }
      const cells = rows.map((row) => [
        row.name,
        row.savedAt.slice(0, 16).replace('T', ' '),
        row.kubernetes,
        row.isthmus,
        String(row.machines.length),
        `${Math.ceil(row.bytes / 2 ** 20)}Mi`,
        row.usedBy.join(', '),
        row.folder,
      ]);
      const header = ['NAME', 'SAVED', 'KUBERNETES', 'ISTHMUS', 'MACHINES', 'SIZE', 'USED BY', 'FOLDER'];
      console.log(formatTable(header, cells).trimEnd());
    });
}

async function describe(name: string) {
  const { ready: _, ...card } = await readSaved(name);
  const [bytes, usedBy] = await Promise.all([sizeOfSaved(name), usersOf(name)]);
  return { name, ...card, bytes, usedBy, folder: savedPaths(name).folder };
}

function removeCommand() {
  return new Command('remove')
    .description('remove a saved lab; refused while a lab that was started from it exists')
    .argument('<saved>', 'name of the saved lab')
    .addHelpText('after', '\nExample:\n  isthmus lab saved remove ready')
    .action(async (name) => {
      await removeSaved(name);
      console.log(`saved lab "${name}" is removed`);
    });
}
