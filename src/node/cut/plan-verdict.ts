import { type Ms, seconds } from '#unit/clock.ts';
import type { CutReason } from './reasons.ts';

/** What a neighbour has told of a machine that the API server does not hear. */
export interface Look {
  /** The neighbour; or the controller, on the other side of the line. */
  readonly by: string;
  readonly sees: boolean;
  /** How long ago this process learnt of it, by its own clock: those of machines may differ. */
  readonly age: Ms;
}

/** A node, and what stands beside it. */
export interface SilentSeen {
  readonly ground: 'site' | 'cloud';
  readonly isSilent: boolean;
  /** Of its neighbours of the site. */
  readonly looks: readonly Look[];
  /** How many neighbours are to look at it. */
  readonly witnesses: number;
  /** How long ago the first of them has told; 0 while none has. */
  readonly toldFor: Ms;
  /** Whether the machine answers the controller over the line; `undefined` while nobody has tried. A no proves nothing. */
  readonly answersController: boolean | undefined;
  /** All machines of the site, and how many of them are silent, this one included. */
  readonly site: { readonly machines: number; readonly silent: number };
  /** How long nobody could tell; 0 when somebody could a moment ago. */
  readonly untoldFor: Ms;
}

export type Verdict =
  /** Its kubelet is heard, or the cloud answers for its machine: Kubernetes' own rules hold. */
  | { readonly is: 'usual' }
  | { readonly is: 'cut' | 'dead'; readonly why: CutReason; readonly says: string }
  /** `judging`: nothing is done to those who are to stay. Then Kubernetes' own rules hold. */
  | { readonly is: 'untold'; readonly judging: boolean; readonly why: CutReason; readonly says: string };

/**
 * Whether a silent machine of the site is dead or only cut off. Whoever sees it outweighs all who do not; where nobody on the site is heard, nobody
 * can say that a machine is dead; and when half of the site is silent, a line or a switch is likelier than so many deaths. One that does not see it is
 * not believed before the others have had their time: it may be cut off from it alone.
 */
export function planVerdict(seen: SilentSeen): Verdict {
  const { ground, isSilent, answersController, site, untoldFor } = seen;
  if (ground === 'cloud' || !isSilent) return { is: 'usual' };
  const looks = seen.looks.filter(({ age }) => age <= lookHolds);
  const who = looks.filter(({ sees }) => sees).map(({ by }) => by);
  if (who.length > 0)
    return {
      is: 'cut',
      why: 'SeenByNeighbours',
      says: `${list(who)} of the site can reach it, so it is cut off and not dead`,
    };
  if (answersController === true)
    return {
      is: 'cut',
      why: 'SeenFromCloud',
      says: 'the machine answers over the line, so it is not dead: look at its kubelet',
    };
  if (site.silent >= site.machines)
    return {
      is: 'cut',
      why: 'LineCut',
      says:
        site.machines === 1
          ? 'the only machine of the site is not heard and nobody beside it can say more: the line is taken for cut'
          : `none of the ${site.machines} machines of the site is heard: the line is cut`,
    };
  if (site.silent > 1 && site.silent * 2 >= site.machines)
    return {
      is: 'cut',
      why: 'MostSilent',
      says: `${site.silent} of ${site.machines} machines of the site are not heard: that is taken for a cut within the site, not for so many deaths`,
    };
  const isHalfTold = looks.length < seen.witnesses && seen.toldFor < othersTake;
  if (looks.length > 0 && !isHalfTold)
    return {
      is: 'dead',
      why: 'MachineDead',
      says: `it answers none of its neighbours that are heard (${list(looks.map(({ by }) => by))}): its pods are started elsewhere`,
    };
  return {
    is: 'untold',
    judging: looks.length > 0 || untoldFor < judgingTakes,
    why: 'NobodyLooked',
    says: 'no neighbour has said whether it can reach it: its pods go when their tolerations end',
  };
}

/** Neighbours tell anew every 15 seconds, so this is two that were lost. */
export const lookHolds = seconds(45);

/** Neighbours learn of a silent machine at the same moment, and a look takes 6 s. */
const othersTake = seconds(10);

/** Machines of one cut fall silent up to 15 s apart, by heartbeat and by look of kube-controller-manager; a neighbour's look takes 6 s more. */
export const judgingTakes = seconds(30);

/** Sorted: a stable sentence is told once. */
function list(names: readonly string[]): string {
  return names.toSorted().join(', ');
}
