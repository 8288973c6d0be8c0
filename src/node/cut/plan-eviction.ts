import { tolerates } from '#kube/match-node.ts';
import type { Taint, Toleration } from '#kube/resources.ts';
import type { Ms } from '#unit/clock.ts';

/**
 * Since when this process has known each taint that a pod tolerates for a time only, and until when the pod tolerates it; by the taint. Times are of
 * this process: a new leader begins to count anew, as upstream's does.
 */
export type Patience = ReadonlyMap<string, { readonly since: Ms; readonly until: Ms }>;

/** A pod, and the taints of its node. */
export interface TaintedPod {
  readonly taints: readonly Taint[];
  readonly tolerations: readonly Toleration[];
  /** What the taint of a node that is not heard does to it. */
  readonly unreachable: Unreachable;
}

/**
 * `usual`: what its tolerations say. `stays`: nothing, because its machine is only cut off. `at-once`: its machine is dead, so the five minutes that
 * Kubernetes gives every pod end now; a time that its owner chose is kept.
 */
export type Unreachable = 'usual' | 'stays' | 'at-once';

/** @source kubernetes v1.36.3 pkg/scheduler and pkg/controller/nodelifecycle: set after 50 s of silence */
export const unreachableTaint = 'node.kubernetes.io/unreachable';

/** What the API server writes into pods that say nothing. @source kubernetes plugin/pkg/admission/defaulttolerationseconds */
export const defaultTolerationSeconds = 300;

export type EvictionStep =
  | { readonly do: 'leave' }
  /** Nothing is done until then. */
  | { readonly do: 'wait'; readonly until: Ms }
  | { readonly do: 'evict' };

/**
 * What is known of a pod after one more look. A toleration that became longer while its taint was there changes nothing, and one that became
 * shorter counts from when the taint came.
 * @source kubernetes v1.36.3 pkg/controller/tainteviction/taint_eviction.go processPodOnNode. There a taint that comes or goes while another is
 *         waited for changes no date; here each has its own, as the documentation of tolerations says.
 */
export function patienceAfter(before: Patience, { taints, tolerations, unreachable }: TaintedPod, at: Ms): Patience {
  return new Map(
    noExecute(taints).flatMap((taint) => {
      const span = toleratedFor(taint, tolerations, taint.key === unreachableTaint ? unreachable : 'usual');
      if (span === Number.POSITIVE_INFINITY) return [];
      const known = before.get(nameOf(taint));
      const since = known?.since ?? at;
      const until = Math.min(known?.until ?? Number.POSITIVE_INFINITY, since + span) as Ms;
      return [[nameOf(taint), { since, until }] as const];
    }),
  );
}

/** The first taint that is tolerated no longer evicts the pod. */
export function planEviction(patience: Patience, at: Ms): EvictionStep {
  if (patience.size === 0) return { do: 'leave' };
  const until = Math.min(...Array.from(patience.values(), (one) => one.until)) as Ms;
  return until <= at ? { do: 'evict' } : { do: 'wait', until };
}

/** Only these evict what runs. */
export function noExecute(taints: readonly Taint[]): readonly Taint[] {
  return taints.filter(({ effect }) => effect === 'NoExecute');
}

/** The first toleration that matches counts, as upstream; without one the pod goes at once. @unit milliseconds */
function toleratedFor(taint: Taint, tolerations: readonly Toleration[], unreachable: Unreachable): number {
  if (unreachable === 'stays') return Number.POSITIVE_INFINITY;
  const match = tolerations.find((one) => tolerates(one, taint));
  if (match === undefined) return 0;
  if (match.tolerationSeconds === undefined) return Number.POSITIVE_INFINITY;
  if (unreachable === 'at-once' && match.tolerationSeconds === defaultTolerationSeconds) return 0;
  return Math.max(0, match.tolerationSeconds) * 1000;
}

/** A Node has at most one taint of a key and an effect; another value is another taint. */
function nameOf({ key, value = '' }: Taint): string {
  return `${key}=${value}`;
}
