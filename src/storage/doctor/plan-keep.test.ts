import { expect, test } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { parseIp } from '#unit/ip.ts';
import type { LeftVolume } from '../local/plan-left.ts';
import type { CloudOrphan } from '../orphans/plan-cloud-orphans.ts';
import { planKeepFolder, planKeepLeft, planKeepOrphan } from './plan-keep.ts';

const server = parseIp('10.9.0.7');
const place = { region: 'cn-bj2', server };
const disk: CloudOrphan = { what: 'disk', id: 'bsr-1', owner: 'pvc-d', size: gibi(20), zone: 'cn-bj2-04' };
const share: CloudOrphan = { what: 'file share', id: 'ufs-1', owner: 'pvc-s', size: gibi(100), zone: undefined };
const isIn = (labels: Readonly<Record<string, string>>) => ({
  required: {
    nodeSelectorTerms: [
      {
        matchExpressions: Object.entries(labels).map(([key, value]) => ({ key, operator: 'In', values: [value] })),
      },
    ],
  },
});
const cloud = { 'isthmus.dev/ground': 'cloud' };
const region = { ...cloud, 'topology.udisk.csi.ucloud.cn/region': 'cn-bj2' };
const keeps = { persistentVolumeReclaimPolicy: 'Retain', storageClassName: '' };

test('a disk of the cloud gets a PersistentVolume that keeps it and never has it formatted', () => {
  expect(planKeepOrphan(disk, place)).toEqual({
    metadata: { name: 'pvc-d', annotations: { 'pv.kubernetes.io/provisioned-by': 'udisk.csi.ucloud.cn' } },
    spec: {
      ...keeps,
      capacity: { storage: '20Gi' },
      accessModes: ['ReadWriteOnce'],
      csi: { driver: 'udisk.csi.ucloud.cn', volumeHandle: 'bsr-1', volumeAttributes: { 'isthmus.dev/owner': 'pvc-d' } },
      nodeAffinity: isIn({ ...region, 'topology.udisk.csi.ucloud.cn/zone': 'cn-bj2-04' }),
    },
  });
});

test.each([
  ['nobody knows', undefined],
  ['has letters that no name has', 'Uid-1'],
  ['begins with a dash', '-uid'],
  ['ends with one', 'uid-'],
])('one whose owner %s is named by its id', (_what, owner) => {
  expect(planKeepOrphan({ ...disk, owner, zone: undefined }, place)).toMatchObject({
    metadata: { name: 'bsr-1' },
    spec: { csi: { volumeHandle: 'bsr-1' }, nodeAffinity: isIn(region) },
  });
  expect(planKeepOrphan({ ...disk, owner: undefined }, place)).not.toHaveProperty('spec.csi.volumeAttributes');
});

test('a file share gets one with the address of its mount point, or none when no machine reaches it', () => {
  expect(planKeepOrphan(share, place)).toEqual({
    metadata: { name: 'pvc-s', annotations: { 'pv.kubernetes.io/provisioned-by': 'ufs.isthmus.dev' } },
    spec: {
      ...keeps,
      capacity: { storage: '100Gi' },
      accessModes: ['ReadWriteMany'],
      csi: { driver: 'ufs.isthmus.dev', volumeHandle: 'ufs-1', volumeAttributes: { server: '10.9.0.7' } },
      nodeAffinity: isIn(cloud),
    },
  });
  expect(planKeepOrphan(share, { ...place, server: undefined })).toBeUndefined();
  expect(planKeepOrphan({ ...disk, owner: 'a' }, { ...place, server: undefined })?.metadata.name).toBe('a');
});

test('a directory of one gets one under its own name, or that of the share', () => {
  const directory = { share: 'ufs-1', folder: 'pvc-f', size: gibi(2) };
  expect(planKeepFolder(directory, server)).toEqual({
    metadata: { name: 'pvc-f', annotations: { 'pv.kubernetes.io/provisioned-by': 'ufs.isthmus.dev' } },
    spec: {
      ...keeps,
      capacity: { storage: '2Gi' },
      accessModes: ['ReadWriteMany'],
      csi: { driver: 'ufs.isthmus.dev', volumeHandle: 'ufs-1/pvc-f', volumeAttributes: { server: '10.9.0.7' } },
      nodeAffinity: isIn(cloud),
    },
  });
  expect(planKeepFolder({ ...directory, folder: 'Uid_1' }, server)).toMatchObject({
    metadata: { name: 'ufs-1' },
    spec: { csi: { volumeHandle: 'ufs-1/Uid_1' } },
  });
  expect(planKeepFolder(directory, undefined)).toBeUndefined();
});

const left: LeftVolume = {
  handle: { node: 'base-1', pool: '3f2a9c01d7', id: 'pvc-1-2' },
  size: gibi(2),
  as: 'xfs',
  claim: { namespace: 'shop', name: 'data' },
};
const ofMachine = {
  ...keeps,
  capacity: { storage: '2Gi' },
  accessModes: ['ReadWriteOnce'],
  nodeAffinity: isIn({ 'topology.local.isthmus.dev/node': 'base-1' }),
};

test('a volume of a machine gets one that its claim has released', () => {
  expect(planKeepLeft(left)).toEqual({
    metadata: { name: 'pvc-1-2', annotations: { 'pv.kubernetes.io/provisioned-by': 'local.isthmus.dev' } },
    spec: {
      ...ofMachine,
      csi: { driver: 'local.isthmus.dev', volumeHandle: 'base-1/3f2a9c01d7/pvc-1-2', fsType: 'xfs' },
      volumeMode: 'Filesystem',
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'shop', name: 'data', uid: '1-2' },
    },
  });
});

test.each<[string, Partial<LeftVolume>, string]>([
  ['no claim is known', { claim: undefined }, 'base-1/3f2a9c01d7/pvc-1-2'],
  ['its name tells no claim', { handle: { node: 'base-1', pool: 'disk', id: 'v-0a' } }, 'base-1/disk/v-0a'],
  [
    'its name only ends like that of a claim',
    { handle: { node: 'base-1', pool: 'disk', id: 'copy-of-pvc-1-2' } },
    'base-1/disk/copy-of-pvc-1-2',
  ],
])('one of a block volume of which %s is free', (_what, more, volumeHandle) => {
  expect(planKeepLeft({ ...left, as: 'block', ...more })).toMatchObject({
    spec: { ...ofMachine, csi: { driver: 'local.isthmus.dev', volumeHandle }, volumeMode: 'Block' },
  });
  expect(planKeepLeft({ ...left, as: 'block', ...more }).spec).not.toHaveProperty('claimRef');
  expect(planKeepLeft({ ...left, as: 'block', ...more })).not.toHaveProperty('spec.csi.fsType');
});
