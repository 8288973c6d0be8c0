import { expect, test } from 'vitest';
import type { PodObject } from '#kube/resources.ts';
import { explainLost } from './explain-lost.ts';

const pod = (name: string, owners: readonly object[] | undefined, phase = 'Running') =>
  ({ metadata: { name, namespace: 'shop', ownerReferences: owners }, status: { phase } }) as PodObject;
const owner = (kind: string, controller: boolean) => ({ apiVersion: 'apps/v1', kind, name: 'x', uid: '1', controller });

test('pods that nobody makes again are told before they are evicted', () => {
  const stay = [
    pod('web', [owner('ReplicaSet', true)]),
    pod('agent', [owner('DaemonSet', true)]),
    pod('done', undefined, 'Succeeded'),
  ];
  expect(explainLost(stay)).toEqual([]);
  expect(explainLost([])).toEqual([]);
  const words = 'lose for good, because no controller makes them again:';
  expect(explainLost([...stay, pod('a', undefined)])).toEqual([`${words} shop/a`]);
  const many = ['a', 'b', 'c', 'd'].map((name) => pod(name, name === 'a' ? [] : [owner('Gift', false)]));
  expect(explainLost(many)).toEqual([`${words} shop/a, shop/b, shop/c and 1 more`]);
});
