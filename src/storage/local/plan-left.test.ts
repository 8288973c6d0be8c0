import { expect, test } from 'vitest';
import { type Bytes, gibi, mebi } from '#unit/bytes.ts';
import { hours, type Instant } from '#unit/clock.ts';
import { formatLeft, type LeftSeen, type LeftVolume, parseLeft, planLeft } from './plan-left.ts';
import type { VolumeRecord } from './volume-record.ts';

const now = Date.parse('2026-11-30T12:00:00Z') as Instant;
const record: VolumeRecord = {
  format: 'isthmus-local-volume/v1',
  id: 'pvc-1',
  name: 'pvc-1',
  node: 'base-1',
  claim: { namespace: 'shop', name: 'data' },
  made: '2026-11-30T11:00:00Z',
  place: { in: 'folder', pool: '3f2a9c01d7', sector: 4096 },
  usage: { as: 'file-system', type: 'xfs' },
  size: gibi(2),
  madeWith: gibi(1),
  state: 'ready',
};
const left: LeftVolume = {
  handle: { node: 'base-1', pool: '3f2a9c01d7', id: 'pvc-1' },
  size: gibi(2),
  as: 'xfs',
  claim: { namespace: 'shop', name: 'data' },
};
const volume = (driver: string, volumeHandle: string) => ({
  metadata: { name: 'pv' },
  spec: { csi: { driver, volumeHandle } },
});
const claim = (uid: string) => ({ metadata: { name: 'data', namespace: 'shop', uid } });
const disk: VolumeRecord = {
  ...record,
  id: 'v-0a',
  name: 'by-hand',
  place: { in: 'disk', link: '/dev/disk/by-id/x' },
  usage: { as: 'block' },
};

test.each<[string, Partial<LeftSeen>, readonly LeftVolume[]]>([
  ['nobody knows it', {}, [left]],
  ['a PersistentVolume names it', { volumes: [volume('local.isthmus.dev', 'base-1/3f2a9c01d7/pvc-1')] }, []],
  ['one of another driver has its handle', { volumes: [volume('x', 'base-1/3f2a9c01d7/pvc-1')] }, [left]],
  ['one names it on another machine', { volumes: [volume('local.isthmus.dev', 'base-2/3f2a9c01d7/pvc-1')] }, [left]],
  ['a PersistentVolume is not of a driver', { volumes: [{ metadata: { name: 'pv' } }] }, [left]],
  ['a PersistentVolume is of a driver from before CSI', { volumes: [{ metadata: { name: 'pv' }, spec: {} }] }, [left]],
  ['its claim is there', { claims: [claim('1')] }, []],
  ['another claim has the name of its claim', { claims: [claim('2')] }, [left]],
  ['it is not an hour old', { records: [{ ...record, made: '2026-11-30T11:00:01Z' }] }, []],
  ['nobody knows how old it is', { records: [{ ...record, made: 'once' }] }, [left]],
  ['it is still being made', { records: [{ ...record, state: 'making' }] }, []],
  ['its disk is being overwritten', { records: [{ ...disk, state: 'wiping' }] }, []],
  [
    'it is a whole disk, beside another one',
    { records: [disk, record] },
    [left, { ...left, handle: { node: 'base-1', pool: 'disk', id: 'v-0a' }, as: 'block' }],
  ],
])('a volume that is left on its machine: %s', (_what, seen, expected) => {
  const whole = { records: [record], volumes: [], claims: [], at: now, ...seen };
  expect(planLeft(whole, { rest: hours(1) })).toEqual(expected);
});

const says =
  'has no PersistentVolume, so nobody can use it and its room is taken: isthmus doctor storage --fix makes one that keeps it';

test.each<[LeftVolume, string]>([
  [left, `volume base-1/3f2a9c01d7/pvc-1 (2Gi, xfs, of claim shop/data) ${says}`],
  [{ ...left, claim: undefined, size: mebi(100), as: 'ext4' }, `volume base-1/3f2a9c01d7/pvc-1 (100Mi, ext4) ${says}`],
  [
    { ...left, handle: { node: 'base-1', pool: 'disk', id: 'v-0a' }, as: 'block' },
    `volume base-1/disk/v-0a (2Gi, block, of claim shop/data) ${says}`,
  ],
])('what is said of it is read again: %o', (one, text) => {
  expect(formatLeft(one)).toBe(text);
  expect(parseLeft('base-1', `/srv/volumes is full; ${text}; ${text}`)).toEqual([one, one]);
});

test.each([
  ['it is of another machine', formatLeft({ ...left, handle: { ...left.handle, node: 'base-2' } })],
  ['it is no handle', formatLeft({ ...left, handle: { ...left.handle, id: '..' } })],
  ['its size is none', formatLeft({ ...left, size: 0 as Bytes })],
  ['it says something else', 'all is well'],
])('a condition is not believed: %s', (_what, message) => {
  expect(parseLeft('base-1', message)).toEqual([]);
});
