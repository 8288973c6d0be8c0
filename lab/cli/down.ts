import { Command } from '@commander-js/extra-typings';
import { whileTelling } from '#cli/reporter.ts';
import type { RemovalStep } from '../server/plan-removal.ts';
import { removeLab } from '../server/remains.ts';
import { listLabs } from '../server/settings.ts';
import { nameOption } from './options.ts';

export function downCommand() {
  return new Command('down')
    .description('remove a lab completely, also one that was interrupted while it was made')
    .addOption(nameOption())
    .addHelpText('after', '\nExample:\n  isthmus lab down --name second')
    .action(async ({ name }) => {
      const tell = (text: string) => process.stderr.write(text);
      const steps = await whileTelling(tell, `removing lab "${name}"`, () => removeLab(name));
      if (steps.length > 0) console.log(`lab "${name}" is gone: ${explainRemoval(steps)}`);
      else console.log(`there is nothing of a lab "${name}"${others()}`);
    });
}

/** `14 processes, 6 network namespaces, 3 control groups, 2 folders`. */
function explainRemoval(steps: readonly RemovalStep[]): string {
  const count = (kind: RemovalStep['do']): number => steps.filter((step) => step.do === kind).length;
  const processes = steps.flatMap((step) => (step.do === 'kill' ? step.processes : [])).length;
  const counts: [number, string][] = [
    [processes, 'processes'],
    [count('delete-namespace'), 'network namespaces'],
    [count('remove-group'), 'control groups'],
    [count('unmount'), 'mounts'],
    [count('detach-loop'), 'loop devices'],
    [count('remove-folder'), 'folders'],
  ];
  return counts
    .filter(([n]) => n > 0)
    .map(([n, what]) => `${n} ${what}`)
    .join(', ');
}

function others(): string {
  const labs = listLabs();
  return labs.length === 0 ? '' : `; there is ${labs.join(', ')}`;
}
