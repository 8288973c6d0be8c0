import { type Place, places } from '../fabric/names.ts';
import type { ProcessMark } from '../machine/process-mark.ts';
import { observeMachines } from '../server/machines.ts';

type Found = ReturnType<typeof observeMachines>[number];

/**
 * The machine of this id or name. Works without the lab's server.
 * @fails Error that names the machines there are, or the ids of those that share the name, or what to do with a network
 */
export function findMachine(lab: string, asked: string): Found {
  if (places.includes(asked as Place))
    throw new Error(
      `"${asked}" is a network and not a machine; run a command in it with \`isthmus lab exec ${asked} -- COMMAND\``,
    );
  const machines = observeMachines(lab);
  const byId = machines.find(({ key }) => key === asked);
  const byName = machines.filter(({ name }) => name === asked);
  if (byId !== undefined) return byId;
  if (byName.length > 1)
    throw new Error(
      `${byName.length} machines are called "${asked}"; say which by its id: ${byName.map((m) => m.key).join(', ')}`,
    );
  if (byName[0] === undefined)
    throw new Error(
      `lab "${lab}" has no machine "${asked}"; there is ${machines
        .map((m) => m.name)
        .sort()
        .join(', ')}`,
    );
  return byName[0];
}

/** @fails Error with the cure when the machine is off */
export function initOf(machine: Found): ProcessMark {
  if (machine.init !== undefined) return machine.init;
  throw new Error(`${machine.name} is off; switch it on with \`isthmus lab machine start ${machine.name}\``);
}
