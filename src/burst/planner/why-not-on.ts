import { matchesTerms, tolerates } from '#kube/match-node.ts';
import type { Taint } from '#kube/resources.ts';
import type { PlannerPodSpec } from './planner-pod.ts';

export interface MachineSeen {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
}

/** Which requirement of a pod a machine does not meet, whatever else runs on it, as the end of a sentence; `undefined` when it meets all. */
export function whyNotOn(
  { nodeSelector = {}, affinity, tolerations = [] }: PlannerPodSpec,
  on: MachineSeen,
): string | undefined {
  const other = Object.entries(nodeSelector).find(([key, value]) => on.labels[key] !== value);
  if (other !== undefined) {
    const [key, value] = other;
    const given = on.labels[key];
    return `its nodeSelector requires ${key}=${value}, and the machines have ${given === undefined ? 'no such label' : `${key}=${given}`}`;
  }
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (!matchesTerms(terms, on)) {
    const keys = (terms ?? []).flatMap(({ matchExpressions = [], matchFields = [] }) =>
      [...matchExpressions, ...matchFields].map(({ key }) => key),
    );
    return `its required node affinity (${[...new Set(keys)].join(', ')}) does not match the labels of the machines`;
  }
  const taint = on.taints.find(
    (one) => one.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, one)),
  );
  if (taint === undefined) return undefined;
  return `it does not tolerate the taint ${taint.key}${taint.value ? `=${taint.value}` : ''}:${taint.effect}`;
}
