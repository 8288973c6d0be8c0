import { Command } from '@commander-js/extra-typings';
import { formatMs, ms } from '#unit/clock.ts';
import { saveLab } from '../saved/save-lab.ts';
import { checkSavedName } from '../saved/saved-lab.ts';
import { nameOption, usage } from './options.ts';

export function saveCommand() {
  return new Command('save')
    .description('save a running lab, for `lab up --from`; the lab pauses for some seconds')
    .argument('<saved>', 'name for the saved lab', usage(checkSavedName))
    .addOption(nameOption())
    .addHelpText(
      'after',
      `
Saved are the disks of its machines, the state of cloud and line, and the operator's files with their keys. Only root can read
them.

Examples:
  isthmus lab save ready
  isthmus lab up --name second --from ready`,
    )
    .action(async (saved, { name }) => {
      await saveLab(name, saved, (step, took) => console.log(`${formatMs(ms(took)).padStart(8)}  ${step}`));
      const from = `isthmus lab up ${name === 'lab' ? '--name second ' : ''}--from ${saved}`;
      console.log(`lab "${name}" is saved as "${saved}" and goes on; start another one from it with: ${from}`);
    });
}
