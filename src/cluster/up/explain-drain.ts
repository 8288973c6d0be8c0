import { explainHeld } from '#machine/explain-held.ts';

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
  const held = left.flatMap(({ pod, held: why }) => (why === undefined ? [] : [{ pod, held: why }]));
  const terminating = left.filter(({ held: why }) => why === undefined).map(({ pod }) => `${pod} is terminating`);
  const lines = [...explainHeld(held), ...terminating];
  return `${left.length} of ${of} pods ${left.length === 1 ? 'is' : 'are'} left: ${lines.join('; ')}`;
}
