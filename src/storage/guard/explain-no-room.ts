import { parseQuantity } from '#kube/quantity.ts';
import type { StorageCapacityObject, StorageClassObject } from '#kube/resources.ts';
import { few } from '#unit/few.ts';
import { localDriver, nodeKey } from '../local/driver.ts';
import { aboutBytes } from '../local/plan-room.ts';

const mebibyte = 2 ** 20;

/**
 * That no machine of the site has the room that a claim asks for: what each has, and what would work. The scheduler knows it too, says it of the pod,
 * and names neither.
 * @param asked as the claim has it: `900Gi`
 * @param capacities what the machines have told the scheduler, of all classes
 * @shape `undefined` where a machine has the room, or none has told of its room yet
 */
export function explainNoRoom(
  asked: string,
  { metadata: { name }, provisioner, parameters }: StorageClassObject,
  capacities: readonly StorageCapacityObject[],
): string | undefined {
  const size = parseQuantity(asked);
  if (provisioner !== localDriver || size === undefined) return undefined;
  const rooms = capacities
    .filter(({ storageClassName }) => storageClassName === name)
    .map(roomOf)
    .toSorted((a, b) => b.largest - a.largest || a.machine.localeCompare(b.machine));
  const [most] = rooms;
  if (most === undefined || most.largest >= size) return undefined;
  const has = few(rooms.map(({ machine, largest }) => `${machine} ${aboutBytes(largest)}`));
  const whole = Math.floor(most.largest / mebibyte);
  const less = whole === 0 ? '' : `ask for at most ${whole}Mi (spec.resources.requests.storage), `;
  const given = parameters?.['from'] === 'disks' ? 'disks' : 'directories';
  return `no machine has room for a volume of ${asked} of class ${name}; the largest that each could make: ${has}: ${less}delete volumes that nobody needs, or give more in cluster.yaml, machines[].storage.${given}`;
}

function roomOf({ nodeTopology, maximumVolumeSize, capacity }: StorageCapacityObject): {
  readonly machine: string;
  readonly largest: number;
} {
  return {
    machine: nodeTopology?.matchLabels?.[nodeKey] ?? 'another',
    largest: parseQuantity(maximumVolumeSize ?? capacity ?? '') ?? 0,
  };
}
