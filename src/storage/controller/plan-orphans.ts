import type { CloudDisk } from '#cloud/disk.ts';
import type { Instant, Ms } from '#unit/clock.ts';
import type { Intent } from './intents.ts';

export interface OrphansSeen {
  readonly intents: readonly Intent[];
  /** Owners for whom there is a PersistentVolume. */
  readonly volumes: ReadonlySet<string>;
  /** Owners whose claim there is, so that the provisioner goes on. */
  readonly claims: ReadonlySet<string>;
  /** All disks of the mark. */
  readonly disks: readonly CloudDisk[];
  readonly at: Instant;
}

export type OrphanStep =
  /** The disk belongs to a volume, or there is none: nothing is left of the intent. */
  | { readonly do: 'settle'; readonly owner: string; readonly why: 'has-a-volume' | 'was-never-made' }
  | { readonly do: 'remove'; readonly owner: string; readonly disk: string }
  | { readonly do: 'keep'; readonly owner: string; readonly why: 'young' | 'claimed' | 'in-use' | 'not-ready' }
  /** So many at once are a fault of ours, or of who deleted their claims. */
  | { readonly do: 'hold'; readonly count: number };

/**
 * What becomes of disks that were asked for and that no volume tells of: the provisioner forgets them when it is restarted after their claim
 * was deleted. Only what has an intent is looked at: a disk that was attached once has none, and is nobody's to remove.
 * @unit rest: how long nobody must have asked for it; most: how many may go in one turn
 */
export function planOrphans(
  { intents, volumes, claims, disks, at }: OrphansSeen,
  { rest, most }: { readonly rest: Ms; readonly most: number },
): readonly OrphanStep[] {
  const steps = intents.flatMap(({ owner, at: asked }): readonly OrphanStep[] => {
    if (volumes.has(owner)) return [{ do: 'settle', owner, why: 'has-a-volume' }];
    if (claims.has(owner)) return [{ do: 'keep', owner, why: 'claimed' }];
    if (at - asked < rest) return [{ do: 'keep', owner, why: 'young' }];
    const own = disks.filter((disk) => disk.owner === owner);
    if (own.length === 0) return [{ do: 'settle', owner, why: 'was-never-made' }];
    return own.map(({ id, state, machine }) => {
      if (machine !== undefined) return { do: 'keep', owner, why: 'in-use' };
      return state === 'free' || state === 'failed'
        ? { do: 'remove', owner, disk: id }
        : { do: 'keep', owner, why: 'not-ready' };
    });
  });
  const removed = steps.filter((step) => step.do === 'remove');
  if (removed.length <= most) return steps;
  return [...steps.filter((step) => step.do !== 'remove'), { do: 'hold', count: removed.length }];
}
