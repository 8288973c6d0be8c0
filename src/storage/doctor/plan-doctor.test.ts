import { expect, test } from 'vitest';
import type { PersistentVolumeObject } from '#kube/resources.ts';
import { explainFix, planDoctor, type VolumeFinding } from './plan-doctor.ts';

const zoneKey = 'topology.udisk.csi.ucloud.cn/zone';
const nodes = [
  { name: 'base-1', labels: { 'isthmus.dev/ground': 'site', 'kubernetes.io/hostname': 'base-1' } },
  { name: 'web-1', labels: { 'isthmus.dev/ground': 'cloud', [zoneKey]: 'cn-bj2-04' } },
];
type Spec = NonNullable<PersistentVolumeObject['spec']>;
const disk: Spec = {
  csi: { driver: 'udisk.csi.ucloud.cn', volumeHandle: 'bsr-1' },
  claimRef: { namespace: 'shop', name: 'data' },
};
const isIn = (key: string, value: string): Spec => ({
  nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'In', values: [value] }] }] } },
});
const local: Spec = { csi: { driver: 'local.isthmus.dev', volumeHandle: 'v-1' } };
const volume = (spec: Spec, more: Partial<PersistentVolumeObject> = {}): PersistentVolumeObject => ({
  ...more,
  metadata: { name: 'pv-1', ...more.metadata },
  spec,
});

const blind =
  'it does not say where it can be used, so pods may be sent to machines of the site, which cannot attach it';
const ground = { key: 'isthmus.dev/ground', operator: 'In', values: ['cloud'] };

test.each<[string, PersistentVolumeObject, Omit<VolumeFinding, 'volume'> | undefined]>([
  ['a disk that says its zone', volume({ ...disk, ...isIn(zoneKey, 'cn-bj2-04') }), undefined],
  ['a disk of a machine that is there', volume({ ...local, ...isIn('kubernetes.io/hostname', 'base-1') }), undefined],
  ['a volume of another driver', volume({ csi: { driver: 'nfs.csi.k8s.io', volumeHandle: 'x' } }), undefined],
  ['an old disk that its claim has left', volume(disk, { status: { phase: 'Released' } }), undefined],
  [
    'an old disk that says nothing',
    volume(disk),
    { claim: 'shop/data', fault: 'no-topology', says: blind, fix: { terms: [{ matchExpressions: [ground] }] } },
  ],
  [
    'an old disk whose labels say its zone',
    volume(disk, {
      metadata: {
        name: 'pv-1',
        labels: {
          'failure-domain.beta.kubernetes.io/zone': 'cn-bj2-04',
          'failure-domain.beta.kubernetes.io/region': 'cn-bj2',
        },
      },
    }),
    {
      claim: 'shop/data',
      fault: 'no-topology',
      says: blind,
      fix: {
        terms: [
          {
            matchExpressions: [
              ground,
              { key: zoneKey, operator: 'In', values: ['cn-bj2-04'] },
              { key: 'topology.udisk.csi.ucloud.cn/region', operator: 'In', values: ['cn-bj2'] },
            ],
          },
        ],
      },
    },
  ],
  [
    'a disk of a machine that has left',
    volume({ ...local, ...isIn('kubernetes.io/hostname', 'base-9') }),
    {
      claim: undefined,
      fault: 'machine-gone',
      says: 'it is on machine base-9, which is not in the cluster: join the machine again, or restore the data into a new claim',
      fix: undefined,
    },
  ],
  [
    'a zone without nodes',
    volume({ ...disk, ...isIn(zoneKey, 'cn-bj2-09') }),
    {
      claim: 'shop/data',
      fault: 'no-node',
      says: 'it is in zone cn-bj2-09 of the cloud, and no node says that it is there: add a node there, or look whether the driver runs on those that are',
      fix: undefined,
    },
  ],
  [
    'a disk of the driver from before CSI',
    volume({ flexVolume: { driver: 'ucloud/udisk' } }),
    {
      claim: undefined,
      fault: 'old-driver',
      says: 'it is of ucloud/udisk, a driver from before CSI that nothing serves any more: make a PersistentVolume of udisk.csi.ucloud.cn for the same disk',
      fix: undefined,
    },
  ],
])('%s', (_title, seen, finding) => {
  expect(planDoctor({ volumes: [seen], nodes })).toEqual(finding === undefined ? [] : [{ volume: 'pv-1', ...finding }]);
});

test('volumes are told in the order of their names, and what would be written in one line', () => {
  const told = planDoctor({
    volumes: ['pv-2', 'pv-1'].map((name) => volume(disk, { metadata: { name } })),
    nodes,
  });
  expect(told.map(explainFix)).toEqual(
    ['pv-1', 'pv-2'].map(
      (name) =>
        `set the node affinity of PersistentVolume ${name} of shop/data to isthmus.dev/ground=cloud; it cannot be changed afterwards`,
    ),
  );
});
