import { keepsPod, whenCutAnnotation } from '#kube/api/cut.ts';
import type { Meta } from '#kube/kube.ts';
import { matchesTerms } from '#kube/match-node.ts';
import type { NodeObject, PodObject, Toleration } from '#kube/resources.ts';
import { defaultTolerationSeconds, unreachableTaint } from './plan-eviction.ts';

export interface WhenCut {
  readonly does: 'stay' | 'move';
  /** A half sentence: `its namespace says isthmus.dev/when-cut: move`. */
  readonly why: string;
}

/** A pod, and what its fate depends on beside it. */
export interface CutPod {
  readonly pod: PodObject;
  readonly namespace: { readonly metadata: Pick<Meta, 'annotations'> } | undefined;
  /** Nodes that could take it instead: those of the cloud. */
  readonly elsewhere: readonly NodeObject[];
}

/**
 * Whether a pod stays on a machine that is only cut off, or is started elsewhere: it stays unless its owner asked for the opposite. The pod's own word
 * is followed whatever the pod is. That of the namespace, and a toleration with a time that the owner chose, move only what can start elsewhere
 * and loses nothing by that: else a pod would be deleted and nothing gained.
 */
export function chooseWhenCut({ pod, namespace, elsewhere }: CutPod): WhenCut {
  const own = pod.metadata.annotations?.[whenCutAnnotation];
  if (own === 'stay' || own === 'move') return { does: own, why: `it says ${whenCutAnnotation}: ${own}` };
  const theirs = namespace?.metadata.annotations?.[whenCutAnnotation];
  if (theirs === 'stay') return { does: 'stay', why: `its namespace says ${whenCutAnnotation}: stay` };
  const asks =
    theirs === 'move' ? `its namespace says ${whenCutAnnotation}: move` : ownTime(pod.spec?.tolerations ?? []);
  if (asks === undefined) return { does: 'stay', why: `nothing says ${whenCutAnnotation}: move` };
  const kept = whatKeeps(pod, elsewhere);
  return kept === undefined ? { does: 'move', why: asks } : { does: 'stay', why: `${asks}, but ${kept}` };
}

/** Kubernetes writes 300 s into every pod that says nothing: another number is a wish. */
function ownTime(tolerations: readonly Toleration[]): string | undefined {
  const chosen = tolerations.find(({ key }) => key === unreachableTaint)?.tolerationSeconds;
  if (chosen === undefined || chosen === defaultTolerationSeconds) return undefined;
  return `it tolerates ${unreachableTaint} for ${chosen} seconds by its own wish`;
}

/** Why a pod could not start elsewhere, or would lose something; `undefined` for a stateless one that could. */
function whatKeeps({ metadata, spec }: PodObject, elsewhere: readonly NodeObject[]): string | undefined {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner?.kind !== 'ReplicaSet')
    return owner === undefined ? 'nothing would make it again' : `a ${owner.kind} is not moved by that`;
  const kept = spec?.volumes?.find(keepsPod);
  if (kept !== undefined) return `its volume ${kept.name} stays on the machine`;
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const fits = elsewhere.some(({ metadata: { name, labels = {} } }) => {
    const selected = Object.entries(spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
    return selected && matchesTerms(terms, { name, labels });
  });
  return fits ? undefined : 'no node of the cloud fits its placement';
}
