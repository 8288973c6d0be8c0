import type { MachineLook } from '#cloud/look-at-machine.ts';
import type { Ms } from '#unit/clock.ts';
import type { FenceReason } from './reasons.ts';

/** A node of the cloud that does not answer, or that has our taint. Times are of this process: what it has not seen itself did not happen. */
export interface SilentNode {
  /** Its kubelet reports, be it that the node is not ready: nobody but the kubelet says so. */
  readonly answers: boolean;
  readonly isControlPlane: boolean;
  /** It has the taint by us. */
  readonly isFenced: boolean;
  /** It has the taint by somebody else. */
  readonly isTaintedByOthers: boolean;
  /** How long it has been silent; nothing is known of the time before this process. */
  readonly silentFor: Ms;
  /** How long the cloud has said without a break that the machine is off or gone; `undefined` when this look is the first such. */
  readonly offFor: Ms | undefined;
  /** The same for `on`. */
  readonly onFor: Ms | undefined;
  readonly look: MachineLook;
}

/** All nodes of the cloud. */
export interface FleetSeen {
  readonly nodes: number;
  /** Those with our taint, and those that we switched off and that have none yet; without the node in question. */
  readonly outOfService: number;
}

export interface FencePolicy {
  /** Between the look that saw the machine off first, and the one after which it is fenced. */
  readonly confirmAfter: Ms;
  /** `undefined`: machines are never switched off. */
  readonly powerOffAfter: Ms | undefined;
}

export type FenceStep =
  | { readonly do: 'fence' | 'unfence' | 'power-off' | 'hold'; readonly why: FenceReason; readonly says: string }
  /** Nothing stands against the node, and nothing of ours is on it. */
  | { readonly do: 'leave' };

/**
 * What to do about a node that does not answer. Only the word of the cloud that the machine is off lets its disks go elsewhere: one that is cut off
 * and alive would go on writing. Whatever is in doubt changes nothing.
 */
export function planFence(node: SilentNode, fleet: FleetSeen, policy: FencePolicy): FenceStep {
  if (node.isFenced) return planFenced(node);
  // Whoever set it knows more than we do.
  if (node.answers || node.isTaintedByOthers) return { do: 'leave' };
  const { look } = node;
  switch (look.says) {
    case 'off':
    case 'gone':
      return planOff(node, look.says, fleet, policy);
    case 'on':
      return planOn(node, fleet, policy);
    case 'changing':
      return { do: 'hold', why: 'MachineChanges', says: 'the machine is being started, stopped or restarted' };
    case 'not-ours':
      return { do: 'hold', why: 'NotOurs', says: look.why };
    case 'unclear':
      return { do: 'hold', why: 'CloudUnclear', says: `whether the machine is off is not known: ${look.why}` };
  }
}

/**
 * The taint stays only while the cloud goes on saying that the machine is off: on a living node it would have disks detached that are in use. What it
 * was set for takes seconds; afterwards it does no more than a node that does not answer does anyway.
 */
function planFenced({ answers, look }: SilentNode): FenceStep {
  if (answers) return { do: 'unfence', why: 'MachineBack', says: 'its kubelet answers again' };
  switch (look.says) {
    case 'on':
    case 'changing':
      return { do: 'unfence', why: 'MachineBack', says: 'the machine has been switched on again' };
    case 'gone':
      return { do: 'hold', why: 'MachineGone', says: gone };
    case 'off':
      return { do: 'hold', why: 'MachineOff', says: off };
    case 'not-ours':
    case 'unclear':
      return { do: 'unfence', why: 'CloudUnclear', says: `whether the machine is still off is not known: ${look.why}` };
  }
}

function planOff(
  { offFor }: SilentNode,
  says: 'off' | 'gone',
  fleet: FleetSeen,
  { confirmAfter }: FencePolicy,
): FenceStep {
  if (offFor === undefined || offFor < confirmAfter)
    return { do: 'hold', why: 'Confirming', says: 'the cloud says that the machine is off, and is asked again' };
  if (isStorm(fleet)) return tooMany(fleet);
  return says === 'off'
    ? { do: 'fence', why: 'MachineOff', says: off }
    : { do: 'fence', why: 'MachineGone', says: gone };
}

function planOn(node: SilentNode, fleet: FleetSeen, { confirmAfter, powerOffAfter }: FencePolicy): FenceStep {
  const { onFor, silentFor, isControlPlane } = node;
  const runs: FenceStep = {
    do: 'hold',
    why: 'MachineRuns',
    says: 'the machine runs, as the cloud says, but its kubelet does not answer: it may still write, so its disks stay attached to it; repair it, or switch it off, and its pods start elsewhere',
  };
  // It keeps the cluster's data: a person decides.
  if (powerOffAfter === undefined || isControlPlane || silentFor < powerOffAfter) return runs;
  if (onFor === undefined || onFor < confirmAfter) return runs;
  if (isStorm(fleet)) return tooMany(fleet);
  return {
    do: 'power-off',
    why: 'PoweringOff',
    says: 'its kubelet has been silent for too long, so the machine is switched off',
  };
}

/** One may always go; of many at most a quarter. */
function isStorm({ nodes, outOfService }: FleetSeen): boolean {
  return outOfService + 1 > Math.max(1, Math.floor(nodes / 4));
}

function tooMany({ nodes, outOfService }: FleetSeen): FenceStep {
  return {
    do: 'hold',
    why: 'TooManySilent',
    says: `the machine is off or silent, and ${outOfService} of ${nodes} nodes of the cloud are out of service already: a person must decide`,
  };
}

const off =
  'the cloud says that the machine is switched off: its pods start elsewhere, and their disks are attached there';
const gone =
  'the cloud does not know the machine any more: its pods start elsewhere, and their disks are attached there; remove it from cluster.yaml and run isthmus up';
