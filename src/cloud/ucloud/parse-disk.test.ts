import { expect, test } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { type DiskSource, sourceKey } from '../disk.ts';
import { diskName, parseDisk, parseSnapshot, snapshotName } from './parse-disk.ts';
import { disks, snapshots } from './wire/shapes.ts';

const [whole] = disks.parse({
  DataSet: [
    {
      UDiskId: 'bsr-1',
      Name: 'pvc-0001',
      Tag: 'isthmus-shop',
      Zone: 'z-2',
      DiskType: 'CLOUD_RSSD',
      IsBoot: 'False',
      Size: 20,
      Status: 'InUse',
      CreateTime: 1492529621,
      HostId: 'uhost-1',
      UHostId: 'uhost-old',
      ChargeType: 'Dynamic',
      SnapshotCount: 1,
      SnapshotLimit: 3,
      SnapEnable: 1,
      BackupMode: '',
      UKmsMode: 'Yes',
      CmkId: 'cmk-1',
      RdmaClusterId: 'rdma-1',
    },
  ],
}).DataSet;
if (whole === undefined) throw new Error('the shape of a disk reads none');

test('a disk is read with all that the cloud tells', () => {
  expect(parseDisk(whole, 'z-1')).toStrictEqual({
    id: 'bsr-1',
    serial: 'bsr-1',
    mark: 'shop',
    owner: 'pvc-0001',
    source: '',
    zone: 'z-2',
    kind: 'rssd',
    size: gibi(20),
    createdAt: 1492529621,
    state: 'attached',
    machine: 'uhost-1',
    cluster: 'rdma-1',
    snapshots: { count: 1, most: 3, can: true },
    charge: 'hour',
    encryptionKey: 'cmk-1',
  });
});

test('a disk of which the cloud tells next to nothing is read too', () => {
  const [bare] = disks.parse({ DataSet: [{ UDiskId: 'bs-1' }] }).DataSet;
  expect(bare && parseDisk(bare, 'z-1')).toStrictEqual({
    id: 'bs-1',
    serial: 'bs-1',
    mark: undefined,
    owner: undefined,
    source: undefined,
    zone: 'z-1',
    kind: undefined,
    size: 0,
    createdAt: 0,
    state: 'unreadable',
    machine: undefined,
    cluster: undefined,
    snapshots: { count: 0, most: 0, can: false },
    charge: undefined,
    encryptionKey: undefined,
  });
});

test.each([['True'], ['true'], ['TRUE']])('a disk that a machine boots from is none of them: IsBoot %s', (IsBoot) => {
  expect(parseDisk({ ...whole, IsBoot }, 'z-1')).toBeUndefined();
});

test.each<[string, object, object]>([
  ['the older name of its machine', { HostId: undefined }, { machine: 'uhost-old' }],
  ['no service and no word of snapshots', { SnapEnable: 0 }, { snapshots: { count: 1, most: 3, can: false } }],
  [
    'a service, whatever else is said',
    { SnapEnable: 0, BackupMode: 'SnapshotService' },
    { snapshots: { count: 1, most: 3, can: true } },
  ],
  ['a key that is not in use', { UKmsMode: 'No' }, { encryptionKey: undefined }],
  ['a charge that we never ask for', { ChargeType: 'Postpay' }, { charge: undefined }],
  ['a month', { ChargeType: 'Month' }, { charge: 'month' }],
  ["a name of another program's", { Tag: 'Default' }, { mark: undefined, owner: undefined, source: undefined }],
  ['what it was made from', { Name: 'pvc-0001_0123456789ab' }, { owner: 'pvc-0001', source: '0123456789ab' }],
  ['a name that only looks so', { Name: 'pvc-0001_0123' }, { owner: 'pvc-0001_0123', source: '' }],
  ['no name', { Name: undefined }, { owner: '', source: '' }],
])('a disk with %s', (_title, change, told) => {
  expect(parseDisk({ ...whole, ...change }, 'z-1')).toMatchObject(told);
});

test.each([
  ['Initializating', 'creating'],
  ['Available', 'free'],
  ['Attaching', 'attaching'],
  ['InUse', 'attached'],
  ['Detaching', 'detaching'],
  ['Cloning', 'copying'],
  ['Restoring', 'restoring'],
  ['Failed', 'failed'],
  ['RestoreFailed', 'failed'],
  ['Dreaming', 'unreadable'],
  [undefined, 'unreadable'],
])('the status %s is %s', (Status, state) => {
  expect(parseDisk({ ...whole, Status }, 'z-1')?.state).toBe(state);
});

test.each([
  ['CLOUD_NORMAL', 'sata'],
  ['CLOUD_SSD', 'ssd'],
  ['CLOUD_ESSD', 'essd'],
  ['CLOUD_RSSD', 'rssd'],
  ['CLOUD_ERSSD', 'erssd'],
  ['CLOUD_EFFICIENCY', 'efficiency'],
  ['LOCAL_SSD', undefined],
])('the type %s is of kind %s', (DiskType, kind) => {
  expect(parseDisk({ ...whole, DiskType }, 'z-1')?.kind).toBe(kind);
});

test.each<[DiskSource, string]>([
  [{ from: 'nothing' }, 'pvc-0001'],
  [{ from: 'disk', disk: 'bs-1' }, `pvc-0001_${sourceKey({ from: 'disk', disk: 'bs-1' })}`],
  [{ from: 'snapshot', snapshot: 'bs-1' }, `pvc-0001_${sourceKey({ from: 'snapshot', snapshot: 'bs-1' })}`],
])('a disk from %j is called %s, and tells that again', (source, name) => {
  expect(diskName('pvc-0001', source)).toBe(name);
  expect(parseDisk({ ...whole, Name: name }, 'z-1')).toMatchObject({ owner: 'pvc-0001', source: sourceKey(source) });
});

test('the longest owner and what it is made from fit into a name', () => {
  expect(diskName('o'.repeat(48), { from: 'disk', disk: 'bs-1' }).length).toBeLessThanOrEqual(63);
});

const [taken] = snapshots.parse({
  DataSet: [
    {
      SnapshotId: 'bsSnap-1',
      Name: 'isthmus-shop_snapshot-0001',
      UDiskId: 'bs-1',
      Zone: 'z-2',
      CreateTime: 1402039500,
      Size: '100',
      Status: 'Normal',
      DiskType: 2,
      UKmsMode: 'Yes',
      CmkId: 'cmk-1',
    },
  ],
}).DataSet;
if (taken === undefined) throw new Error('the shape of a snapshot reads none');

test('a snapshot is read with all that the cloud tells', () => {
  expect(parseSnapshot(taken, 'z-1')).toStrictEqual({
    id: 'bsSnap-1',
    mark: 'shop',
    owner: 'snapshot-0001',
    disk: 'bs-1',
    zone: 'z-2',
    size: gibi(100),
    kind: 'ssd',
    createdAt: 1402039500,
    state: 'ready',
    encryptionKey: 'cmk-1',
  });
});

test('a snapshot of which the cloud tells next to nothing is read too', () => {
  const [bare] = snapshots.parse({ DataSet: [{ SnapshotId: 'bsSnap-1' }] }).DataSet;
  expect(bare && parseSnapshot(bare, 'z-1')).toStrictEqual({
    id: 'bsSnap-1',
    mark: undefined,
    owner: undefined,
    disk: '',
    zone: 'z-1',
    size: 0,
    kind: undefined,
    createdAt: 0,
    state: 'unreadable',
    encryptionKey: undefined,
  });
});

test.each([
  ['Creating', 'creating'],
  ['Normal', 'ready'],
  ['Failed', 'failed'],
  ['Dreaming', 'unreadable'],
])('a snapshot with the status %s is %s', (Status, state) => {
  expect(parseSnapshot({ ...taken, Status }, 'z-1').state).toBe(state);
});

test.each([
  [0, 'sata'],
  [1, undefined],
  [2, 'ssd'],
  [4, 'rssd'],
  [5, undefined],
  [undefined, undefined],
])('a snapshot of type %s is of kind %s', (DiskType, kind) => {
  expect(parseSnapshot({ ...taken, DiskType }, 'z-1').kind).toBe(kind);
});

test.each<[string, string | undefined, object]>([
  ["another program's", 'nightly_backup-1', { mark: undefined, owner: undefined }],
  ['no name', undefined, { mark: undefined, owner: undefined }],
  ['ours without an owner', 'isthmus-shop', { mark: undefined, owner: undefined }],
  ['that of a mark with an underscore', 'isthmus-my_shop_snapshot-1', { mark: 'my_shop', owner: 'snapshot-1' }],
])('the name of a snapshot that is %s', (_title, Name, told) => {
  expect(parseSnapshot({ ...taken, Name }, 'z-1')).toMatchObject(told);
});

const uid = 'snapshot-6f1c6f3c-1a2b-4d5e-8f90-123456789abc';
test.each([
  ['a short mark', 'shop', `isthmus-shop_${uid}`],
  ['a mark that just fits', 'm'.repeat(9), `isthmus-${'m'.repeat(9)}_${uid}`],
])('a snapshot for %s has its owner in its name', (_title, mark, name) => {
  expect(snapshotName(mark, uid)).toBe(name);
});

test.each([[10], [40]])('a snapshot for a mark of %i characters has a digest of its owner in its name', (length) => {
  const mark = 'm'.repeat(length);
  const name = snapshotName(mark, uid);
  expect(name).toMatch(new RegExp(`^isthmus-${mark}_[0-9a-f]{14}$`));
  expect(name.length).toBeLessThanOrEqual(63);
  expect(snapshotName(mark, `${uid}x`)).not.toBe(name);
});
