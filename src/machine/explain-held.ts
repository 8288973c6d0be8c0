/** A pod that may not leave its node now, and why, as the API server says it. */
export interface HeldPod {
  /** `shop/web-1` */
  readonly pod: string;
  readonly held: string;
}

/** One line for each PodDisruptionBudget, `PodDisruptionBudget shop/web (needs 2 healthy pods, has 2) holds back shop/web-1`, then what else holds pods. */
export function explainHeld(pods: readonly HeldPod[]): readonly string[] {
  const byBudget = new Map<string, string[]>();
  const others: string[] = [];
  for (const { pod, held } of pods) {
    const budget = budgetIn(pod, held);
    if (budget === undefined) others.push(`${pod}: ${held}`);
    else byBudget.set(budget, [...(byBudget.get(budget) ?? []), pod]);
  }
  return [...[...byBudget].map(([budget, held]) => `${budget} holds back ${held.join(', ')}`), ...others];
}

/** @source kubernetes pkg/registry/core/pod/storage/eviction.go v1.36.3: the cause of its refusal */
function budgetIn(pod: string, held: string): string | undefined {
  const [, name, needs, has] =
    /The disruption budget (\S+) needs (\d+) healthy pods and has (\d+) currently/.exec(held) ?? [];
  if (name === undefined) return undefined;
  return `PodDisruptionBudget ${pod.split('/')[0]}/${name} (needs ${needs} healthy pods, has ${has})`;
}
