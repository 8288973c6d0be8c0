/** Pods that have to leave a node, as one look of a drain finds them. */
export interface DrainSeen {
  /** How many there were at most, those that have left among them. */
  readonly of: number;
  readonly left: readonly {
    /** `shop/web-1` */
    readonly pod: string;
    /** Why it may not leave now; `undefined` when it is terminating. */
    readonly held: string | undefined;
  }[];
}

/** `2 of 5 pods are left: PodDisruptionBudget shop/web (needs 2 healthy pods, has 2) holds back shop/web-1; shop/x is terminating` */
export function explainDrain({ of, left }: DrainSeen): string {
  const byBudget = new Map<string, string[]>();
  const others: string[] = [];
  for (const { pod, held } of left) {
    const budget = held === undefined ? undefined : budgetIn(pod, held);
    if (budget !== undefined) byBudget.set(budget, [...(byBudget.get(budget) ?? []), pod]);
    else others.push(held === undefined ? `${pod} is terminating` : `${pod}: ${held}`);
  }
  const budgets = [...byBudget].map(([budget, pods]) => `${budget} holds back ${pods.join(', ')}`);
  return `${left.length} of ${of} pods ${left.length === 1 ? 'is' : 'are'} left: ${[...budgets, ...others].join('; ')}`;
}

/** @source kubernetes pkg/registry/core/pod/storage/eviction.go v1.36.3: the cause of its refusal */
function budgetIn(pod: string, held: string): string | undefined {
  const [, name, needs, has] =
    /The disruption budget (\S+) needs (\d+) healthy pods and has (\d+) currently/.exec(held) ?? [];
  if (name === undefined) return undefined;
  return `PodDisruptionBudget ${pod.split('/')[0]}/${name} (needs ${needs} healthy pods, has ${has})`;
}
