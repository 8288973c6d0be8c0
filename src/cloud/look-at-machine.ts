import type { Ms } from '#unit/clock.ts';
import type { Compute } from './compute.ts';
import { explainFailure } from './failure.ts';

/** What the cloud says of the machine of a Node. `not-ours`: there is one with this id, and it isn't that of the Node. */
export type MachineLook =
  | { readonly says: 'off' | 'gone' | 'on' | 'changing' }
  | { readonly says: 'not-ours' | 'unclear'; readonly why: string };

/** The machine that a Node says it is, and the mark of the cluster that it must carry. */
export interface MachineNamed {
  readonly id: string;
  readonly zone: string;
  readonly mark: string;
  /** Ids of the machines of the cluster's other cloud nodes. */
  readonly beside: readonly string[];
}

/**
 * Asks the cloud whether a machine is off. That it does not know the machine is believed only when the list of the cluster's machines lacks it too
 * and has that of another node: the keys of another project know none of them, be it that a cluster of the same name is in it.
 */
export async function lookAtMachine(
  compute: Compute,
  { id, zone, mark, beside }: MachineNamed,
  { within }: { readonly within: Ms },
): Promise<MachineLook> {
  const found = await compute.find(id, { within });
  if (!found.ok) {
    if (found.failure.kind !== 'gone') return { says: 'unclear', why: explainFailure(found.failure) };
    const listed = await compute.list(mark, { within });
    if (!listed.ok) return { says: 'unclear', why: explainFailure(listed.failure) };
    if (listed.value.some((machine) => machine.id === id))
      return { says: 'unclear', why: `the cloud lists ${id} but does not find it` };
    if (beside.length === 0)
      return {
        says: 'unclear',
        why: `the cloud does not know ${id}, and there is no other cloud node to tell whether its keys are right`,
      };
    if (!listed.value.some((machine) => beside.includes(machine.id)))
      return {
        says: 'unclear',
        why: 'the cloud lists no machine of any other node, so its keys may be of another project or region',
      };
    return { says: 'gone' };
  }
  const { state, zone: seenZone, mark: seenMark } = found.value;
  if (seenMark !== mark)
    return { says: 'not-ours', why: `machine ${id} carries the mark "${seenMark ?? ''}" and not that of this cluster` };
  if (seenZone !== zone)
    return { says: 'not-ours', why: `machine ${id} is in zone ${seenZone}, and its Node says ${zone}` };
  switch (state) {
    case 'running':
      return { says: 'on' };
    case 'stopped':
      return { says: 'off' };
    case 'creating':
    case 'starting':
    case 'stopping':
    case 'rebooting':
      return { says: 'changing' };
    case 'failed':
    case 'unreadable':
      return { says: 'unclear', why: `the cloud calls the state of ${id} ${state}` };
  }
}
