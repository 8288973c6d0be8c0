import { expect, test } from 'vitest';
import { type DrainSeen, explainDrain } from './explain-drain.ts';

const refused = (budget: string, needs: number, has: number): string =>
  `creating pods/x/eviction: Cannot evict pod as it would violate the pod's disruption budget. The disruption budget ${budget} needs ${needs} healthy pods and has ${has} currently (429 TooManyRequests)`;
const pod = (namespace: string, name: string, held?: string): DrainSeen['left'][number] => ({
  pod: `${namespace}/${name}`,
  held,
});

test.each<[string, DrainSeen, string]>([
  ['one pod that leaves', { of: 1, left: [pod('shop', 'x')] }, '1 of 1 pods is left: shop/x is terminating'],
  [
    'pods of two budgets, and one that leaves',
    {
      of: 7,
      left: [
        pod('shop', 'web-1', refused('web', 2, 2)),
        pod('shop', 'x'),
        pod('cart', 'web-1', refused('web', 11, 10)),
        pod('shop', 'web-2', refused('web', 2, 2)),
      ],
    },
    '4 of 7 pods are left: PodDisruptionBudget shop/web (needs 2 healthy pods, has 2) holds back shop/web-1, shop/web-2; PodDisruptionBudget cart/web (needs 11 healthy pods, has 10) holds back cart/web-1; shop/x is terminating',
  ],
  [
    'what is refused for another reason, in the words of the API server',
    { of: 2, left: [pod('shop', 'x', 'creating pods/x/eviction: too many requests (429 TooManyRequests)')] },
    '1 of 2 pods is left: shop/x: creating pods/x/eviction: too many requests (429 TooManyRequests)',
  ],
])('a drain tells how far it is and what holds pods back: %s', (_title, seen, line) => {
  expect(explainDrain(seen)).toBe(line);
});
