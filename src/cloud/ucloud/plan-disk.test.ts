import { expect, test } from 'vitest';
import { type Bytes, gibi } from '#unit/bytes.ts';
import type { CloudDisk, CloudSnapshot, DiskState, DiskWish, SnapshotWish } from '../disk.ts';
import {
  planAttach,
  planDetach,
  planDisk,
  planGrow,
  planRemovalOfDisk,
  planSnapshot,
  type SourceSeen,
} from './plan-disk.ts';

const wish: DiskWish = {
  mark: 'shop',
  owner: 'pvc-0001',
  zone: 'z-1',
  near: undefined,
  kind: 'ssd',
  size: gibi(20),
  source: { from: 'nothing' },
  charge: 'hour',
  quantity: 1,
  encryptionKey: undefined,
  snapshotService: false,
};

const disk: CloudDisk = {
  id: 'bs-1',
  serial: 'bs-1',
  mark: 'shop',
  owner: 'pvc-0001',
  zone: 'z-1',
  kind: 'ssd',
  size: gibi(20),
  createdAt: 1,
  state: 'free',
  machine: undefined,
  cluster: undefined,
  source: '',
  snapshots: { count: 0, most: 3, can: true },
  charge: 'hour',
  encryptionKey: undefined,
};

const snapshot: CloudSnapshot = {
  id: 'bsSnap-1',
  mark: 'shop',
  owner: 'snapshot-0001',
  disk: 'bs-1',
  zone: 'z-1',
  size: gibi(20),
  kind: 'ssd',
  createdAt: 1,
  state: 'ready',
  encryptionKey: undefined,
};

const name = 'pvc-0001';
const none = { name, source: undefined, cluster: undefined };
const cloned = { ...wish, source: { from: 'disk', disk: 'bs-1' } } as const;
const restored = { ...wish, source: { from: 'snapshot', snapshot: 'bsSnap-1' } } as const;
const ofDisk = (change: Partial<CloudDisk> = {}): SourceSeen => ({ from: 'disk', disk: { ...disk, ...change } });
const ofSnapshot = (change: Partial<CloudSnapshot> = {}): SourceSeen => ({
  from: 'snapshot',
  snapshot: { ...snapshot, ...change },
});

const common = { Zone: 'z-1', Name: 'pvc-0001', Tag: 'isthmus-shop', ChargeType: 'Dynamic' };

test.each<[string, DiskWish, string | undefined, SourceSeen | undefined, unknown]>([
  [
    'an empty disk by the hour',
    wish,
    undefined,
    undefined,
    { do: 'create', action: 'CreateUDisk', params: { ...common, Size: 20, DiskType: 'SSDDataDisk' } },
  ],
  [
    'one by the month, with its months',
    { ...wish, charge: 'month', quantity: 3 },
    undefined,
    undefined,
    {
      do: 'create',
      action: 'CreateUDisk',
      params: { ...common, ChargeType: 'Month', Quantity: 3, Size: 20, DiskType: 'SSDDataDisk' },
    },
  ],
  [
    'one with a key, a service and a cluster',
    { ...wish, kind: 'rssd', encryptionKey: 'cmk-1', snapshotService: true },
    'rdma-7',
    undefined,
    {
      do: 'create',
      action: 'CreateUDisk',
      params: {
        ...common,
        SnapshotService: 'Yes',
        RdmaClusterId: 'rdma-7',
        Size: 20,
        DiskType: 'RSSDDataDisk',
        UKmsMode: 'Yes',
        CmkId: 'cmk-1',
      },
    },
  ],
  [
    'a clone, whose charge is said because it would be a month',
    { ...cloned, size: gibi(40) },
    undefined,
    ofDisk(),
    {
      do: 'create',
      action: 'CloneUDisk',
      params: { ...common, Size: 40, SourceId: 'bs-1' },
    },
  ],
  [
    'a disk of a snapshot, which has the size of the snapshot',
    { ...restored, size: gibi(40) },
    'rdma-7',
    ofSnapshot(),
    {
      do: 'create',
      action: 'CloneUDiskSnapshot',
      params: {
        ...common,

        RdmaClusterId: 'rdma-7',
        SourceId: 'bsSnap-1',
      },
    },
  ],
  [
    'a clone of an encrypted disk, with the same key',
    { ...cloned, encryptionKey: 'cmk-1' },
    undefined,
    ofDisk({ encryptionKey: 'cmk-1' }),
    { do: 'create', action: 'CloneUDisk', params: { ...common, Size: 20, SourceId: 'bs-1' } },
  ],
  [
    'a clone of an encrypted disk, of which no key was said',
    cloned,
    undefined,
    ofDisk({ encryptionKey: 'cmk-1' }),
    { do: 'create', action: 'CloneUDisk', params: { ...common, Size: 20, SourceId: 'bs-1' } },
  ],
  [
    'a restored disk of a kind that the list of snapshots does not tell',
    { ...restored, kind: 'essd' },
    undefined,
    ofSnapshot({ kind: undefined }),
    {
      do: 'create',
      action: 'CloneUDiskSnapshot',
      params: { ...common, SourceId: 'bsSnap-1' },
    },
  ],
])('asks for %s', (_title, wanted, cluster, source, step) => {
  expect(planDisk(wanted, { name, source, cluster })).toStrictEqual(step);
});

test.each<[string, Partial<DiskWish>, string]>([
  ['mark', { mark: 'a b' }, 'mark "a b" is not 1 to 40 of A-Z, a-z, 0-9 and ._-, write shop'],
  ['mark', { mark: 'm'.repeat(41) }, `mark "${'m'.repeat(41)}" is not 1 to 40 of A-Z, a-z, 0-9 and ._-, write shop`],
  ['mark', { mark: '' }, 'mark "" is not 1 to 40 of A-Z, a-z, 0-9 and ._-, write shop'],
  ['owner', { owner: 'pvc-1' }, 'owner "pvc-1" is not 6 to 48 of A-Z, a-z, 0-9 and -, write pvc-1234'],
  ['owner', { owner: 'pvc_0001' }, 'owner "pvc_0001" is not 6 to 48 of A-Z, a-z, 0-9 and -, write pvc-1234'],
  [
    'owner',
    { owner: 'o'.repeat(49) },
    `owner "${'o'.repeat(49)}" is not 6 to 48 of A-Z, a-z, 0-9 and -, write pvc-1234`,
  ],
  ['months', { charge: 'month', quantity: 0 }, 'quantity 0 of month is not a whole number from 1, write 1'],
  ['years', { charge: 'year', quantity: 1.5 }, 'quantity 1.5 of year is not a whole number from 1, write 1'],
  [
    'kind',
    { kind: 'paper' },
    'disks of kind "paper" are not sold, write one of sata, ssd, essd, rssd, erssd, efficiency',
  ],
  ['size', { size: gibi(5) }, 'size 5Gi is not sold for kind ssd, only 10Gi to 8000Gi in steps of 10Gi'],
  ['size', { size: gibi(0) }, 'size 0Ti is not sold for kind ssd, only 10Gi to 8000Gi in steps of 10Gi'],
  ['size', { size: gibi(25) }, 'size 25Gi is not sold for kind ssd, only 10Gi to 8000Gi in steps of 10Gi'],
  ['size', { size: gibi(8010) }, 'size 8010Gi is not sold for kind ssd, only 10Gi to 8000Gi in steps of 10Gi'],
  [
    'size',
    { kind: 'rssd', size: gibi(32_010) },
    'size 32010Gi is not sold for kind rssd, only 10Gi to 32000Gi in steps of 10Gi',
  ],
])('refuses a %s that the cloud would not take: %j', (_title, change, why) => {
  expect(planDisk({ ...wish, ...change }, none)).toEqual({ do: 'refuse', kind: 'invalid', why });
});

test('tells every fault at once', () => {
  const step = planDisk({ ...wish, owner: 'x', size: gibi(5), kind: 'ssd' }, none);
  expect(step.do === 'refuse' && step.why.split('; ')).toHaveLength(2);
});

test.each<[string, Partial<DiskWish>]>([
  ['the least size', { size: gibi(10) }],
  ['the largest size', { size: gibi(8000) }],
  ['the largest of a kind that is larger', { kind: 'efficiency', size: gibi(32_000) }],
  ['no months of hours', { quantity: 0 }],
  ['one month', { charge: 'month', quantity: 1 }],
  ['the longest mark', { mark: 'm'.repeat(40) }],
  ['the longest owner', { owner: 'o'.repeat(48) }],
])('takes %s', (_title, change) => {
  expect(planDisk({ ...wish, ...change }, none).do).toBe('create');
});

test.each<[string, DiskWish, SourceSeen, string]>([
  ['another zone', { ...cloned, zone: 'z-2' }, ofDisk(), 'zone z-2 is not that of bs-1, write z-1'],
  ['less room', { ...restored, size: gibi(10) }, ofSnapshot(), 'size 10Gi is less than that of bsSnap-1, write 20Gi'],
  ['another kind', { ...cloned, kind: 'sata' }, ofDisk(), 'kind sata is not that of bs-1, write ssd'],
  [
    'another key',
    { ...cloned, encryptionKey: 'cmk-2' },
    ofDisk({ encryptionKey: 'cmk-1' }),
    'a copy of bs-1 is encrypted as bs-1 is, with cmk-1: leave the key out',
  ],
  [
    'a key where the source has none',
    { ...restored, encryptionKey: 'cmk-2' },
    ofSnapshot(),
    'a copy of bsSnap-1 is encrypted as bsSnap-1 is, with no key: leave the key out',
  ],
])('refuses a copy with %s', (_title, wanted, source, why) => {
  expect(planDisk(wanted, { name, source, cluster: undefined })).toEqual({ do: 'refuse', kind: 'invalid', why });
});

const cure = 'and only a free disk is cloned: detach it, or take a snapshot and restore that';
test.each<[string, DiskWish, SourceSeen, string]>([
  [
    'a disk that a machine has',
    cloned,
    ofDisk({ state: 'attached', machine: 'uhost-1' }),
    `disk bs-1 is attached (uhost-1), ${cure}`,
  ],
  ['a disk that is being made', cloned, ofDisk({ state: 'creating' }), `disk bs-1 is creating, ${cure}`],
  ['a snapshot that is not ready', restored, ofSnapshot({ state: 'creating' }), 'snapshot bsSnap-1 is creating'],
  ['a snapshot that failed', restored, ofSnapshot({ state: 'failed' }), 'snapshot bsSnap-1 is failed'],
])('waits for %s', (_title, wanted, source, why) => {
  expect(planDisk(wanted, { name, source, cluster: undefined })).toEqual({ do: 'refuse', kind: 'state', why });
});

const here = 'uhost-1';
const elsewhere = 'uhost-2';
const unready = (state: DiskState, machine?: string): unknown => ({
  do: 'refuse',
  kind: 'state',
  why: `disk bs-1 is ${state}${machine === undefined ? '' : ` (${machine})`}`,
});
const heldBy = (state: DiskState, machine: string): unknown => ({
  do: 'refuse',
  kind: 'inUse',
  why: `disk bs-1 is ${state} to ${machine}`,
});
const done = { do: 'done' };

test.each<[DiskState, string | undefined, unknown, unknown]>([
  ['free', undefined, { do: 'attach' }, done],
  ['free', here, { do: 'attach' }, done],
  ['attaching', here, done, unready('attaching', here)],
  ['attaching', elsewhere, heldBy('attaching', elsewhere), done],
  ['attaching', undefined, unready('attaching'), unready('attaching')],
  ['attached', here, done, { do: 'detach' }],
  ['attached', elsewhere, heldBy('attached', elsewhere), done],
  ['attached', undefined, unready('attached'), unready('attached')],
  ['detaching', here, unready('detaching', here), done],
  ['detaching', elsewhere, unready('detaching', elsewhere), done],
  ['detaching', undefined, unready('detaching'), done],
  ['creating', undefined, unready('creating'), done],
  ['creating', here, unready('creating', here), unready('creating', here)],
  ['copying', undefined, unready('copying'), done],
  ['copying', here, unready('copying', here), unready('copying', here)],
  ['restoring', undefined, unready('restoring'), done],
  ['restoring', here, unready('restoring', here), unready('restoring', here)],
  ['failed', undefined, unready('failed'), done],
  ['failed', here, unready('failed', here), unready('failed', here)],
  ['unreadable', undefined, unready('unreadable'), unready('unreadable')],
  ['unreadable', here, unready('unreadable', here), unready('unreadable', here)],
  ['unreadable', elsewhere, unready('unreadable', elsewhere), done],
])('a disk that is %s at %s is attached to uhost-1 and detached from it so', (state, machine, attach, detach) => {
  expect(planAttach({ ...disk, state, machine }, here)).toEqual(attach);
  expect(planDetach({ ...disk, state, machine }, here)).toEqual(detach);
});

test.each<[DiskState, string | undefined, unknown]>([
  ['free', undefined, { do: 'remove' }],
  ['failed', undefined, { do: 'remove' }],
  ['attached', here, heldBy('attached', here)],
  ['attaching', undefined, heldBy('attaching', 'a machine')],
  ['detaching', here, unready('detaching', here)],
  ['creating', undefined, unready('creating')],
  ['copying', undefined, unready('copying')],
  ['restoring', undefined, unready('restoring')],
  ['unreadable', undefined, unready('unreadable')],
])('a disk that is %s at %s is ended so', (state, machine, step) => {
  expect(planRemovalOfDisk({ ...disk, state, machine })).toEqual(step);
});

test.each<[string, Partial<CloudDisk>, Bytes, unknown]>([
  ['a free disk', {}, gibi(30), { do: 'grow' }],
  ['a disk that a machine has', { state: 'attached', machine: here }, gibi(30), { do: 'grow' }],
  ['a disk of a kind that is not known', { kind: undefined }, gibi(35), { do: 'grow' }],
  ['a disk that is as large', {}, gibi(20), done],
  ['a disk that is larger, whatever it is about', { state: 'copying' }, gibi(10), done],
  ['a disk that is being made', { state: 'creating' }, gibi(30), unready('creating')],
  [
    'a size between two steps',
    {},
    gibi(35),
    {
      do: 'refuse',
      kind: 'invalid',
      why: 'size 35Gi is not sold for kind ssd, only 10Gi to 8000Gi in steps of 10Gi',
    },
  ],
])('grows %s so', (_title, change, to, step) => {
  expect(planGrow({ ...disk, ...change }, to)).toEqual(step);
});

const snapshotWish: SnapshotWish = { mark: 'shop', owner: 'snapshot-0001', disk: 'bs-1' };
const asked = { do: 'create', params: { Zone: 'z-1', UDiskId: 'bs-1', Name: 'isthmus-shop_snapshot-0001' } };

test.each<[string, Partial<SnapshotWish>, Partial<CloudDisk>, unknown]>([
  ['of a free disk', {}, {}, asked],
  ['of a disk that a machine has', {}, { state: 'attached', machine: here }, asked],
  ['of a disk that is being made', {}, { state: 'creating' }, unready('creating')],
  ['of a disk that is detached now', {}, { state: 'detaching', machine: here }, unready('detaching', here)],
  [
    'of a disk without the service',
    {},
    { snapshots: { count: 0, most: 3, can: false } },
    {
      do: 'refuse',
      kind: 'billing',
      why: 'disk bs-1 has no snapshot service, which is paid for each disk: switch it on in the console, or make disks with it',
    },
  ],
  [
    'for a mark and an owner that a name has no room for',
    { mark: '', owner: 'x' },
    {},
    {
      do: 'refuse',
      kind: 'invalid',
      why: 'mark "" is not 1 to 40 of A-Z, a-z, 0-9 and ._-, write shop; owner "x" is not 6 to 48 of A-Z, a-z, 0-9 and -, write pvc-1234',
    },
  ],
])('a snapshot %s', (_title, change, seen, step) => {
  expect(planSnapshot({ ...snapshotWish, ...change }, { ...disk, ...seen }, 'isthmus-shop_snapshot-0001')).toEqual(
    step,
  );
});
