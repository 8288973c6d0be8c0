import { holds } from '#kube/match-node.ts';
import type { PlannerPod, PodTerm } from './planner-pod.ts';

export const hostKey = 'kubernetes.io/hostname';

/** Whether two pods may not share a node: a required anti-affinity of one of them, per node, selects the other. */
export function conflict(one: PlannerPod, other: PlannerPod): boolean {
  return keepsOff(one, other) || keepsOff(other, one);
}

/** Whether a required anti-affinity of one pod over more than a node selects the other. */
export function keepsOffBeyondNode(one: PlannerPod, other: PlannerPod): boolean {
  return antiTermsOf(one).some((term) => term.topologyKey !== hostKey && selects(term, one, other));
}

export function antiTermsOf({ spec }: PlannerPod): readonly PodTerm[] {
  return spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

function keepsOff(one: PlannerPod, other: PlannerPod): boolean {
  return antiTermsOf(one).some((term) => term.topologyKey === hostKey && selects(term, one, other));
}

/**
 * A selector over namespaces is taken to select all of them: pods are then kept apart rather than put where they can't run.
 * @source k8s.io/apimachinery pkg/labels/selector.go: no selector selects nothing, an empty one everything
 */
function selects(
  { labelSelector, namespaces = [], namespaceSelector }: PodTerm,
  by: PlannerPod,
  pod: PlannerPod,
): boolean {
  const own = namespaces.length === 0 && namespaceSelector === undefined;
  const within = own ? [namespaceOf(by)] : namespaces;
  if (namespaceSelector === undefined && !within.includes(namespaceOf(pod))) return false;
  if (labelSelector === undefined) return false;
  const { labels = {} } = pod.metadata;
  return (
    Object.entries(labelSelector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (labelSelector.matchExpressions ?? []).every((one) => holds(one, labels[one.key]))
  );
}

function namespaceOf({ metadata }: PlannerPod): string {
  return metadata.namespace ?? 'default';
}
