import { type ConfigChange, planConfigChange } from '../config/config-file.ts';
import { entriesOf, withMachine } from '../config/edit-machines.ts';
import { Refused } from '../refused.ts';
import type { Session } from '../session.ts';
import { up } from '../up/up.ts';
import { chooseEntry, type NodeWish } from './choose-entry.ts';
import type { NodeOptions } from './remove-node.ts';

/**
 * Adds one machine: writes it into cluster.yaml where it is not there yet, and does what `up` does about a machine that has not joined. Can be repeated.
 * @unit paste: takes the line for a machine that nobody logs in to
 * @shape `nothing`: it is a node already, and cluster.yaml has it
 * @fails Refused, and nothing was done · as `up`; then cluster.yaml keeps the machine
 */
export async function addNode(
  session: Session,
  wish: NodeWish,
  { file, confirm: ask, leave, paste }: NodeOptions & { readonly paste: ((line: string) => void) | undefined },
): Promise<'done' | 'nothing' | 'declined'> {
  const { name } = wish;
  const { config, report } = session;
  const chosen = chooseEntry(wish, { file: file.name, controlPlane: config.controlPlane, ...entriesOf(file.text) });
  if (!chosen.ok) throw new Refused(chosen.failure);
  const { list, entry, isNew } = chosen.value;
  const change: ConfigChange | undefined = isNew
    ? await planConfigChange(file, withMachine(file.text, list, entry), {
        doing: `with ${name}`,
        byHand: `write ${name} into ${file.name} where it is kept, then run isthmus node add ${name}`,
      })
    : undefined;
  let isSaved = change === undefined;
  const confirm = async (lines: readonly string[]): Promise<boolean> => {
    if (change === undefined || isSaved) return ask(lines);
    if (!(await ask([...change.lines, ...lines]))) return false;
    await change.save();
    isSaved = true;
    report.say(`${file.name} has ${name}`);
    return true;
  };
  const outcome = await up(
    { ...session, config: change?.config ?? config },
    { file: file.name, confirm, leave, only: { machine: name, doing: 'add', paste } },
  );
  if (outcome !== 'converged') return outcome;
  if (isSaved) return 'nothing';
  return (await confirm([])) ? 'done' : 'declined';
}
