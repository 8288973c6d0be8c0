import type { Place } from '../place.ts';
import { volumeFacts } from './facts.ts';

/** A claim, and what is written on it. */
export interface ClaimSeen {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Where its volume can be used: as the volume itself says, or, before there is one, its StorageClass. */
  readonly place: Place | undefined;
  /** The machine that has the volume is not in the cluster. */
  readonly isGone: boolean;
}

/** What to write on the claim, as a merge patch of its metadata; `undefined` when it says what is so. */
export function planClaimFacts({ labels, annotations, place, isGone }: ClaimSeen): FactsPatch | undefined {
  const patch = {
    labels: differences(labels, { [volumeFacts.ground]: place?.ground }),
    annotations: differences(annotations, {
      [volumeFacts.zone]: place?.zone,
      [volumeFacts.machine]: place?.machine,
      [volumeFacts.machineState]: isGone ? 'gone' : undefined,
    }),
  };
  return Object.keys({ ...patch.labels, ...patch.annotations }).length === 0 ? undefined : patch;
}

export interface FactsPatch {
  /** `null` removes. */
  readonly labels: Readonly<Record<string, string | null>>;
  readonly annotations: Readonly<Record<string, string | null>>;
}

function differences(
  seen: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | null>> {
  const changed = Object.entries(wanted).filter(([key, value]) => seen[key] !== value);
  return Object.fromEntries(changed.map(([key, value]) => [key, value ?? null]));
}
