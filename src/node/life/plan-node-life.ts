import type { MachineLook } from '#cloud/look-at-machine.ts';
import type { Ms } from '#unit/clock.ts';
import type { NodeReason } from './reasons.ts';

/**
 * What this process knows of the machine of a cloud node. Times are of this process: what it has not seen itself did not happen, so a new
 * leader begins to count anew.
 */
export type MachineLife =
  | { readonly at: 'known' }
  /** The cloud has said so many times, a good while apart, that it does not know the machine, and nothing else in between. */
  | {
      readonly at: 'missing';
      readonly notFounds: number;
      /** When the last one that counts was asked for. */
      readonly counted: Ms;
      /** Why the last answer does not count; `undefined` when it does. */
      readonly unclear: string | undefined;
    };

export interface LifePolicy {
  /** So many not-founds are believed. */
  readonly notFounds: number;
  /** Between two that count. */
  readonly apart: Ms;
  /** The lists of a cloud may not have the machine of a Node that is younger: what they say of it counts for nothing. */
  readonly young: Ms;
  /** How long an answer that came to nothing keeps the cloud from being asked again. */
  readonly unclearFor: Ms;
  /** The share of all cloud nodes, one at least, that may be missing or deleted at once. */
  readonly share: number;
}

/** As the issue has it: three times, 60 s apart, and never more than a tenth. */
export const usualPolicy: LifePolicy = {
  notFounds: 3,
  apart: 60_000 as Ms,
  young: 120_000 as Ms,
  unclearFor: 15_000 as Ms,
  share: 0.1,
};

/** A node of the cloud. */
export interface NodeSeen {
  /** Its kubelet reports that it is ready: whoever works is there, whatever the cloud says. */
  readonly answers: boolean;
  readonly isControlPlane: boolean;
  readonly life: MachineLife;
}

/** The other nodes of the cloud. */
export interface FleetSeen {
  /** All of them, this one and those that were deleted a moment ago included. */
  readonly nodes: number;
  /** Others whose machines are missing now. */
  readonly missing: number;
  /** Those that were deleted within the time that it takes to confirm one. */
  readonly deleted: number;
}

export type LifeStep =
  | { readonly do: 'delete' | 'hold'; readonly why: NodeReason; readonly says: string }
  /** Nothing stands against the node. */
  | { readonly do: 'leave' };

/** What was asked of the cloud, and when. */
export interface Asked {
  readonly at: Ms;
  /** How old the Node was. */
  readonly age: Ms;
}

/** What is known after one more answer. `off` and the like are a machine that exists; another one under its id is no proof that it is gone. */
export function lifeAfter(
  life: MachineLife,
  look: MachineLook,
  { at, age }: Asked,
  { apart, young }: LifePolicy,
): MachineLife {
  switch (look.says) {
    case 'on':
    case 'off':
    case 'changing':
    case 'not-ours':
      return { at: 'known' };
    case 'unclear':
      return life.at === 'known' ? life : { ...life, unclear: look.why };
    case 'gone':
      if (age < young) return life;
      if (life.at === 'known') return { at: 'missing', notFounds: 1, counted: at, unclear: undefined };
      if (at - life.counted < apart) return { ...life, unclear: undefined };
      return { ...life, notFounds: life.notFounds + 1, counted: at, unclear: undefined };
  }
}

/**
 * How long until the cloud is to be asked again about a node that does not answer. A machine that is missing is asked for again when the
 * answer counts, whatever else changes of its Node meanwhile.
 * @unit asked: when it was asked last; `undefined` when it never was
 */
export function planNextLook(
  life: MachineLife,
  asked: { readonly at: Ms; readonly isClear: boolean } | undefined,
  now: Ms,
  policy: LifePolicy,
): Ms {
  if (asked === undefined) return 0 as Ms;
  const due = !asked.isClear
    ? asked.at + policy.unclearFor
    : life.at === 'known'
      ? asked.at + policy.apart
      : life.counted + policy.apart;
  return Math.max(0, due - now) as Ms;
}

/**
 * What to do about a node. Only a machine that the cloud has not known for long enough, by its own id, and that is silent itself, loses its
 * Node: pods of a Node that is deleted are deleted with it. Whatever is in doubt changes nothing.
 */
export function planNodeLife(
  { answers, isControlPlane, life }: NodeSeen,
  fleet: FleetSeen,
  policy: LifePolicy,
): LifeStep {
  if (answers || life.at === 'known') return { do: 'leave' };
  if (isControlPlane) return { do: 'hold', why: 'ControlPlaneMissing', says: controlPlane };
  if (life.unclear !== undefined)
    return { do: 'hold', why: 'AnswerUnclear', says: `whether the machine is gone is not known: ${life.unclear}` };
  if (life.notFounds < policy.notFounds)
    return {
      do: 'hold',
      why: 'ConfirmingMissing',
      says: `the cloud does not know the machine, and is asked again: ${life.notFounds} of ${policy.notFounds} times so far`,
    };
  const most = Math.max(1, Math.floor(fleet.nodes * policy.share));
  if (fleet.missing + fleet.deleted + 1 > most)
    return { do: 'hold', why: 'TooManyMissing', says: tooMany(fleet, most) };
  return {
    do: 'delete',
    why: 'DeletingNode',
    says: `the cloud has said ${life.notFounds} times that it does not know the machine, so the Node is deleted`,
  };
}

const controlPlane =
  'the cloud does not know the machine of this control plane node: its Node stays, because a person must decide what happens to the data of the cluster';

function tooMany({ nodes, missing, deleted }: FleetSeen, most: number): string {
  const gone = deleted === 0 ? '' : ` and ${deleted} deleted a moment ago`;
  return `the cloud does not know the machine, nor those of ${missing} other nodes${gone}, of ${nodes} in all: no more than ${most} at once are deleted, so check the keys, region and project of the controller; kubectl delete node removes a Node whose machine is gone for good`;
}
