import { expect, test } from 'vitest';
import { planCapacity } from './plan-capacity.ts';

const ground = { key: 'isthmus.dev/ground', operator: 'In', values: ['cloud'] };

test.each<[string, string | undefined, readonly object[] | undefined]>([
  [
    'disks, where their driver runs',
    'udisk.csi.ucloud.cn',
    [ground, { key: 'topology.udisk.csi.ucloud.cn/zone', operator: 'Exists' }],
  ],
  ['file shares, on all nodes of the cloud', 'ufs.isthmus.dev', [ground]],
  ['disks of machines, whose driver tells itself', 'local.isthmus.dev', undefined],
  ['a driver of somebody else', 'nfs.csi.k8s.io', undefined],
  ['a class without a provisioner', undefined, undefined],
])('where volumes of a class can be made: %s', (_title, provisioner, matchExpressions) => {
  const metadata = { name: 'fast', uid: 'u-1' };
  expect(planCapacity({ metadata, ...(provisioner !== undefined && { provisioner }) })).toEqual(
    matchExpressions && {
      metadata: {
        name: 'isthmus-fast',
        namespace: 'isthmus-system',
        ownerReferences: [{ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', name: 'fast', uid: 'u-1' }],
      },
      storageClassName: 'fast',
      capacity: '1Ei',
      nodeTopology: { matchExpressions },
    },
  );
});

test('a class of which the API server has told no uid yet', () => {
  const { metadata } = planCapacity({ metadata: { name: 'fast' }, provisioner: 'ufs.isthmus.dev' }) ?? {};
  expect(metadata?.ownerReferences).toEqual([
    { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', name: 'fast', uid: '' },
  ]);
});
