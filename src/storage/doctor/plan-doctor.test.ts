import { expect, test } from 'vitest';
import type { PersistentVolumeObject } from '#kube/resources.ts';
import { gibi } from '#unit/bytes.ts';
import { parseIp } from '#unit/ip.ts';
import {
  type DiskSeen,
  disksToAsk,
  explainFix,
  type FixableFinding,
  findFolder,
  findLeft,
  findOrphan,
  isFixable,
  planDoctor,
  planNames,
  type VolumeFinding,
} from './plan-doctor.ts';
import { planKeepFolder, planKeepLeft, planKeepOrphan } from './plan-keep.ts';

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
const volume = (spec: Spec | undefined, more: Partial<PersistentVolumeObject> = {}): PersistentVolumeObject => ({
  ...more,
  metadata: { name: 'pv-1', ...more.metadata },
  ...(spec !== undefined && { spec }),
});

const blind =
  'it does not say where it can be used, so pods may be sent to machines of the site, which cannot attach it';
const others = {
  nodes,
  disks: new Map<string, DiskSeen>([
    ['bsr-1', { is: 'there', zone: 'cn-bj2-04' }],
    ['bsr-gone', { is: 'gone' }],
    ['bsr-unclear', { is: 'unclear', why: 'DescribeUDisk: unavailable' }],
  ]),
  region: 'cn-bj2',
};
const ground = { 'isthmus.dev/ground': 'cloud' };

test.each<[string, PersistentVolumeObject, Omit<VolumeFinding, 'what' | 'volume'> | undefined]>([
  ['a disk that says its zone', volume({ ...disk, ...isIn(zoneKey, 'cn-bj2-04') }), undefined],
  ['a disk of a machine that is there', volume({ ...local, ...isIn('kubernetes.io/hostname', 'base-1') }), undefined],
  ['a volume of another driver', volume({ csi: { driver: 'nfs.csi.k8s.io', volumeHandle: 'x' } }), undefined],
  ['an old disk that its claim has left', volume(disk, { status: { phase: 'Released' } }), undefined],
  [
    'an old disk whose claim has left and that could not be removed',
    volume(disk, { status: { phase: 'Failed' } }),
    undefined,
  ],
  ['an old disk in use', volume({ ...disk, ...isIn(zoneKey, 'cn-bj2-04') }, { status: { phase: 'Bound' } }), undefined],
  ['a disk of a machine that says nothing of it', volume(local), undefined],
  ['a disk of a machine that demands nothing', volume({ ...local, nodeAffinity: {} }), undefined],
  ['a volume that says nothing at all', volume(undefined), undefined],
  [
    'an old disk that says nothing, of a zone that the cloud knows',
    volume(disk),
    {
      claim: 'shop/data',
      fault: 'no-topology',
      says: blind,
      fix: {
        do: 'place',
        labels: { ...ground, 'topology.udisk.csi.ucloud.cn/region': 'cn-bj2', [zoneKey]: 'cn-bj2-04' },
      },
    },
  ],
  [
    'an old disk that the cloud does not know',
    volume({ csi: { driver: 'udisk.csi.ucloud.cn', volumeHandle: 'bsr-gone' } }),
    {
      claim: undefined,
      fault: 'no-disk',
      says: 'the cloud does not know its disk bsr-gone: look in which project it is, or remove the PersistentVolume',
      fix: undefined,
    },
  ],
  [
    'an old disk whose zone the cloud does not tell',
    volume({ csi: { driver: 'udisk.csi.ucloud.cn', volumeHandle: 'bsr-unclear' } }),
    {
      claim: undefined,
      fault: 'no-topology',
      says: `${blind}; its zone is not known, because DescribeUDisk: unavailable`,
      fix: undefined,
    },
  ],
  [
    'an old disk that the cloud was not asked about',
    volume({ csi: { driver: 'udisk.csi.ucloud.cn', volumeHandle: 'bsr-new' } }),
    {
      claim: undefined,
      fault: 'no-topology',
      says: `${blind}; its zone is not known, because the cloud was not asked`,
      fix: undefined,
    },
  ],
  [
    'a file share, which has no zone',
    volume({ csi: { driver: 'ufs.isthmus.dev', volumeHandle: 'ufs-1' } }),
    { claim: undefined, fault: 'no-topology', says: blind, fix: { do: 'place', labels: ground } },
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
  expect(planDoctor({ ...others, volumes: [seen] })).toEqual(
    finding === undefined ? [] : [{ what: 'PersistentVolume', volume: 'pv-1', ...finding }],
  );
});

test('only disks that do not say where they are have to be asked about', () => {
  const share: Spec = { csi: { driver: 'ufs.isthmus.dev', volumeHandle: 'ufs-1' } };
  const told = volume({ csi: { driver: 'udisk.csi.ucloud.cn', volumeHandle: 'bsr-2' }, ...isIn(zoneKey, 'cn-bj2-04') });
  const all = [volume(disk), told, volume(share), volume(local), volume(undefined), volume({})];
  expect(disksToAsk(all)).toEqual(['bsr-1']);
});

test('volumes are told in the order of their names, and what would be written in one line', () => {
  const named = (name: string, spec: Spec): PersistentVolumeObject => volume(spec, { metadata: { name } });
  const told = planDoctor({
    ...others,
    volumes: [
      named('pv-3', { csi: { driver: 'ufs.isthmus.dev', volumeHandle: 'ufs-1' } }),
      named('pv-2', { csi: { driver: 'udisk.csi.ucloud.cn', volumeHandle: 'bsr-gone' } }),
      named('pv-1', disk),
    ],
  });
  expect(told.map((one) => one.volume)).toEqual(['pv-1', 'pv-2', 'pv-3']);
  expect(told.filter(isFixable).map(explainFix)).toEqual([
    `set the node affinity of PersistentVolume pv-1 of shop/data to isthmus.dev/ground=cloud and topology.udisk.csi.ucloud.cn/region=cn-bj2 and ${zoneKey}=cn-bj2-04; it cannot be changed afterwards`,
    'set the node affinity of PersistentVolume pv-3 to isthmus.dev/ground=cloud; it cannot be changed afterwards',
  ]);
});

const place = { region: 'cn-bj2', server: parseIp('10.9.0.7') };
const share = { what: 'file share', id: 'ufs-1', owner: 'pvc-s', size: gibi(100), zone: undefined } as const;
const nobody = 'so nobody can use it and it is billed';

test('a file share of the cluster that no PersistentVolume names is found, and can be kept', () => {
  const finding = findOrphan(share, place);
  const volume = planKeepOrphan(share, place);
  expect(finding).toEqual({
    what: 'file share',
    volume: 'ufs-1',
    claim: undefined,
    fault: 'orphan',
    says: `no PersistentVolume names it (100Gi, made for pvc-s), ${nobody}: keep it, or remove it in the provider's console when nothing on it is needed`,
    fix: { do: 'keep', volume },
  });
  expect(explainFix(finding as FixableFinding)).toBe(
    'make PersistentVolume pvc-s for file share ufs-1, with reclaim policy Retain',
  );
});

test('a directory of a file share is kept, or told when no machine of the cluster reaches it', () => {
  const left = { share: 'ufs-1', folder: 'pvc-f', size: gibi(2) };
  const finding = findFolder(left, place.server);
  const says = `no PersistentVolume names it (2Gi), so nobody can use it`;
  const common = { what: 'directory', volume: 'ufs-1/pvc-f', claim: undefined, fault: 'orphan' };
  expect(finding).toEqual({ ...common, says, fix: { do: 'keep', volume: planKeepFolder(left, place.server) } });
  expect(explainFix(finding as FixableFinding)).toBe(
    'make PersistentVolume pvc-f for directory ufs-1/pvc-f, with reclaim policy Retain',
  );
  expect(findFolder(left, undefined)).toEqual({
    ...common,
    says: `${says}: add a mount point of the file share in the cluster’s VPC and look again`,
    fix: undefined,
  });
});

test('what one claim was given twice can all be kept, each under a name of its own', () => {
  const twin = { ...share, id: 'ufs-2' };
  const left = (node: string) =>
    findLeft({ handle: { node, pool: 'disk', id: 'pvc-d' }, size: gibi(2), as: 'ext4', claim: undefined });
  const away = findOrphan({ ...share, id: 'ufs-3' }, { ...place, server: undefined });
  const found = [findOrphan(share, place), findOrphan(twin, place), away, left('base-1'), left('base-2')];
  const named = planNames(found, ['pvc-d']);
  expect(named.filter(isFixable).map((finding) => explainFix(finding).split(',')[0])).toEqual([
    'make PersistentVolume pvc-s for file share ufs-1',
    'make PersistentVolume ufs-2 for file share ufs-2',
    'make PersistentVolume base-1-disk-pvc-d for local volume base-1/disk/pvc-d',
    'make PersistentVolume base-2-disk-pvc-d for local volume base-2/disk/pvc-d',
  ]);
  // Nothing but the name is another.
  const renamed = (name: string) => ({ fix: { volume: { metadata: { name } } } });
  expect(named).toMatchObject([{}, renamed('ufs-2'), away, renamed('base-1-disk-pvc-d'), {}]);
  expect(planNames(found.slice(0, 1), [])).toEqual(found.slice(0, 1));
});

test('one that no machine of the cluster reaches is told, and not mended', () => {
  expect(findOrphan({ ...share, owner: undefined }, { ...place, server: undefined })).toEqual({
    what: 'file share',
    volume: 'ufs-1',
    claim: undefined,
    fault: 'orphan',
    says: `no PersistentVolume names it (100Gi), ${nobody}: add a mount point in the cluster’s VPC and look again, or remove it in the provider's console when nothing on it is needed`,
    fix: undefined,
  });
});

test.each([
  [{ namespace: 'shop', name: 'data' }, 'shop/data', ' of shop/data'],
  [undefined, undefined, ''],
])('a volume that was left on a machine is found, and can be kept: of claim %o', (claim, told, of) => {
  const left = {
    handle: { node: 'base-1', pool: '3f2a9c01d7', id: 'pvc-1' },
    size: gibi(2),
    as: 'ext4',
    claim,
  } as const;
  const finding = findLeft(left);
  expect(finding).toEqual({
    what: 'local volume',
    volume: 'base-1/3f2a9c01d7/pvc-1',
    claim: told,
    fault: 'orphan',
    says: 'no PersistentVolume names it (2Gi), so nobody can use it and its room on base-1 is taken',
    fix: { do: 'keep', volume: planKeepLeft(left) },
  });
  expect(explainFix(finding as FixableFinding)).toBe(
    `make PersistentVolume pvc-1 for local volume base-1/3f2a9c01d7/pvc-1${of}, with reclaim policy Retain`,
  );
});
