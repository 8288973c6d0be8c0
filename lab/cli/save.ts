import { Command } from '@commander-js/extra-typings';
import { formatMs, ms } from '#unit/clock.ts';
import { saveLab } from '../saved/save-lab.ts';
import { checkSavedName } from '../saved/saved-lab.ts';
import { nameOption, usage } from './options.ts';

export function saveCommand() {
  return new Command('save')
    .description(
      'keep a running lab as it is now, for `lab up --from`; the lab stands still for some seconds, then goes on',
    )
    .argument('<saved>', 'a name for what is kept', usage(checkSavedName))
    .addOption(nameOption())
    .addHelpText(
      'after',
      `
What is kept: the disks of its machines, the cloud's state, the line, and the operator's files, keys among them. Only root can
read it.

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
