import { expect, test } from 'vitest';
import { exampleDisk } from '#cloud/disk.example.ts';
import type { CloudDisk } from '#cloud/disk.ts';
import type { FileShare } from '#cloud/file-share.ts';
import type { PersistentVolumeObject } from '#kube/resources.ts';
import { gibi } from '#unit/bytes.ts';
import { hours, type Instant } from '#unit/clock.ts';
import { type CloudOrphan, type CloudOrphansSeen, explainCloudOrphan, planCloudOrphans } from './plan-cloud-orphans.ts';

const now = 1_800_000_000;
const hourAgo = now - 3600;
const disk: CloudDisk = {
  ...exampleDisk,
  id: 'bsr-1',
  owner: 'pvc-d',
  mark: 'shop',
  size: gibi(20),
  createdAt: hourAgo,
};
const share: FileShare = {
  id: 'ufs-1',
  name: 'pvc-s',
  owner: 'pvc-s',
  mark: 'shop',
  kind: 'advanced',
  size: gibi(100),
  used: undefined,
  createdAt: hourAgo,
  mountPoints: { count: 1, most: 5 },
};
const volume = (driver: string, volumeHandle: string): PersistentVolumeObject => ({
  metadata: { name: 'pv' },
  spec: { csi: { driver, volumeHandle } },
});
const ofDisk: CloudOrphan = { what: 'disk', id: 'bsr-1', owner: 'pvc-d', size: gibi(20), zone: disk.zone };
const ofShare: CloudOrphan = { what: 'file share', id: 'ufs-1', owner: 'pvc-s', size: gibi(100), zone: undefined };
const none: readonly string[] = [];

test.each<[string, Partial<CloudOrphansSeen>, readonly CloudOrphan[]]>([
  ['nothing is known of either', {}, [ofDisk, ofShare]],
  [
    'PersistentVolumes name both',
    { volumes: [volume('udisk.csi.ucloud.cn', 'bsr-1'), volume('ufs.isthmus.dev', 'ufs-1')] },
    [],
  ],
  [
    'a PersistentVolume names a directory of the share',
    { volumes: [volume('ufs.isthmus.dev', 'ufs-1/photos')] },
    [ofDisk],
  ],
  [
    'PersistentVolumes of other drivers have the same handles',
    { volumes: [volume('x', 'bsr-1'), volume('x', 'ufs-1')] },
    [ofDisk, ofShare],
  ],
  ['a handle is not one of the driver', { volumes: [volume('ufs.isthmus.dev', 'ufs-1/..')] }, [ofDisk, ofShare]],
  [
    'a PersistentVolume has no CSI source',
    { volumes: [{ metadata: { name: 'pv' }, spec: {} }, { metadata: { name: 'pv' } }] },
    [ofDisk, ofShare],
  ],
  ['their claims are there', { claims: new Set(['pvc-d', 'pvc-s']) }, []],
  [
    'they are younger than an hour',
    { disks: [{ ...disk, createdAt: hourAgo + 1 }], shares: [{ ...share, createdAt: hourAgo + 1 }] },
    [],
  ],
  ['nobody knows how old they are', { disks: [{ ...disk, createdAt: 0 }], shares: [] }, [ofDisk]],
  [
    'nobody knows whom it was for',
    { disks: [], shares: [{ ...share, owner: undefined }] },
    [{ ...ofShare, owner: undefined }],
  ],
  [
    'there are several',
    { disks: [{ ...disk, id: 'bsr-9' }, disk], shares: [{ ...share, id: 'a-share' }] },
    [{ ...ofShare, id: 'a-share' }, ofDisk, { ...ofDisk, id: 'bsr-9' }],
  ],
])('what belongs to the cluster and no PersistentVolume names: %s', (_what, seen, orphans) => {
  const whole = {
    disks: [disk],
    shares: [share],
    volumes: [],
    claims: new Set(none),
    at: (now * 1000) as Instant,
    ...seen,
  };
  expect(planCloudOrphans(whole, { rest: hours(1) })).toEqual(orphans);
});

test('it is told with its size, whom it was made for, and both ways out', () => {
  const rest =
    "belongs to this cluster and no PersistentVolume names it, so nobody can use it and it is billed: isthmus doctor storage --fix makes a PersistentVolume that keeps it; or remove it in the provider's console when nothing on it is needed";
  expect(explainCloudOrphan(ofShare)).toBe(`file share ufs-1 of the cloud (100Gi, made for pvc-s) ${rest}`);
  expect(explainCloudOrphan({ ...ofDisk, owner: undefined })).toBe(`disk bsr-1 of the cloud (20Gi) ${rest}`);
});
