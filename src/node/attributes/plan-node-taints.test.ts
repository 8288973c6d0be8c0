import { expect, test } from 'vitest';
import type { Taint } from '#kube/resources.ts';
import { planNodeTaints } from './plan-node-taints.ts';

const taint = (key: string): Taint => ({ key, effect: 'NoSchedule' });
const uninitialized = taint('node.cloudprovider.kubernetes.io/uninitialized');
const shutdown = taint('node.cloudprovider.kubernetes.io/shutdown');
const own = taint('example.com/gpu');
const cloud = ['cloud', 'ucloud://cn-bj2-04/uhost-1'] as const;
const site = ['site', 'isthmus-site://base-1'] as const;

test.each<
  [string, readonly [string, string | undefined], readonly Taint[] | undefined, ReturnType<typeof planNodeTaints>]
>([
  ['a cloud node waits for no cloud controller', cloud, [own, uninitialized], [own]],
  ['a cloud node that is off, as another controller says, is left to that', cloud, [own, shutdown], undefined],
  ['a site node waits for no cloud controller', site, [uninitialized], []],
  ['a site node is not off by the word of a cloud', site, [shutdown, own, uninitialized], [own]],
  ['taints of others stay', site, [own], undefined],
  ['no taints', cloud, undefined, undefined],
  ['a Node of which nobody knows where it stands', ['cloud', undefined], [uninitialized], undefined],
  ['a Node whose label and provider id differ', ['cloud', 'isthmus-site://base-1'], [uninitialized], undefined],
])('%s', (_title, [ground, providerID], taints, left) => {
  const spec = { ...(providerID !== undefined && { providerID }), ...(taints && { taints }) };
  expect(planNodeTaints({ metadata: { name: 'n', labels: { 'isthmus.dev/ground': ground } }, spec })).toEqual(left);
});

test('a Node without a spec has no taints', () => {
  expect(planNodeTaints({ metadata: { name: 'n' } })).toBeUndefined();
});
