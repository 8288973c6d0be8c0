import { expect, test } from 'vitest';
import { type Bytes, gibi, mebi } from '#unit/bytes.ts';
import { hours, type Instant } from '#unit/clock.ts';
import {
  foldersAnnotation,
  formatLeftFolder,
  type LeftFolder,
  type LeftFoldersPlan,
  type LeftFoldersSeen,
  parseLeftFolders,
  planLeftFolders,
  sayLeftFolders,
} from './plan-left-folders.ts';

const now = Date.parse('2026-11-30T12:00:00Z') as Instant;
const hourAgo = (now - 3_600_000) as Instant;
const record = {
  format: 'isthmus-share-directory/v1',
  folder: 'pvc-0f2c',
  size: gibi(2),
  onDelete: 'archive',
  inode: '12',
  state: 'ready',
} as const;
const seenOf = (more: object, share = 'ufs-1', changed = hourAgo) => ({
  share,
  record: { ...record, ...more },
  changed,
});
const left: LeftFolder = { share: 'ufs-1', folder: 'pvc-0f2c', size: gibi(2) };
const volume = (driver: string, volumeHandle: string) => ({
  metadata: { name: 'pv' },
  spec: { csi: { driver, volumeHandle } },
});
const tell: LeftFoldersPlan = { tell: [left], end: [] };
const nothing: LeftFoldersPlan = { tell: [], end: [] };

test.each<[string, Partial<LeftFoldersSeen>, LeftFoldersPlan]>([
  ['nobody knows it', {}, tell],
  ['a PersistentVolume names it', { volumes: [volume('ufs.isthmus.dev', 'ufs-1/pvc-0f2c')] }, nothing],
  ['one of another driver has its handle', { volumes: [volume('x', 'ufs-1/pvc-0f2c')] }, tell],
  ['one names it in another share', { volumes: [volume('ufs.isthmus.dev', 'ufs-2/pvc-0f2c')] }, tell],
  ['one names the whole share', { volumes: [volume('ufs.isthmus.dev', 'ufs-1')] }, tell],
  ['one is not of a driver', { volumes: [{ metadata: { name: 'pv' } }, { metadata: { name: 'pv' }, spec: {} }] }, tell],
  ['its claim is there', { claims: new Set(['pvc-0f2c']) }, nothing],
  ['another claim is there', { claims: new Set(['pvc-0f2d']) }, tell],
  ['it is not an hour old', { records: [seenOf({}, 'ufs-1', (hourAgo + 1) as Instant)] }, nothing],
  ['it was begun to be made', { records: [seenOf({ state: 'making' })] }, { tell: [], end: [left] }],
  ['it was begun to be removed', { records: [seenOf({ state: 'removing' })] }, { tell: [], end: [left] }],
  [
    'it is being made for a claim that is there',
    { records: [seenOf({ state: 'making' })], claims: new Set(['pvc-0f2c']) },
    nothing,
  ],
  [
    'there are several',
    { records: [seenOf({}, 'ufs-2'), seenOf({ folder: 'pvc-1' }), seenOf({})] },
    { tell: [left, { ...left, folder: 'pvc-1' }, { ...left, share: 'ufs-2' }], end: [] },
  ],
])('a directory that is left in a file share: %s', (_what, seen, expected) => {
  const whole = { records: [seenOf({})], volumes: [], claims: new Set<string>(), at: now, ...seen };
  expect(planLeftFolders(whole, { rest: hours(1) })).toEqual(expected);
});

const cure = 'has no PersistentVolume, so nobody can use it: isthmus doctor storage --fix makes one that keeps it';

test.each([
  [gibi(2), '2Gi'],
  [mebi(3), '3Mi'],
  [(5 * 2 ** 10) as Bytes, '5Ki'],
  [gibi(2048), '2Ti'],
  [1_000_000_001 as Bytes, '1000000001'],
])('what is said of one is read again: of %d bytes', (size, told) => {
  const says = formatLeftFolder({ ...left, size });
  expect(says).toBe(`directory ufs-1/pvc-0f2c (${told}) ${cure}`);
  expect(parseLeftFolders(says)).toEqual([{ ...left, size }]);
});

test.each([
  ['', []],
  [`directory ufs-1 (2Gi) ${cure}`, []],
  [`directory ufs-1/../x (2Gi) ${cure}`, []],
  [`directory ufs-1/pvc-0f2c (2Gi) ${cure} and more`, []],
  [`a directory ufs-1/pvc-0f2c (2Gi) ${cure}`, []],
  [`directory ufs-1/pvc-0f2c (2Pi) ${cure}`, []],
])('"%s" tells of no directory', (text, expected) => {
  expect(parseLeftFolders(text)).toEqual(expected);
});

test('twenty are told, and how many more there are', () => {
  const all = Array.from({ length: 21 }, (_, n) => ({ ...left, folder: `pvc-${n}` }));
  expect(sayLeftFolders([])).toBeUndefined();
  const twenty = sayLeftFolders(all.slice(0, 20)) ?? '';
  expect(parseLeftFolders(twenty)).toEqual(all.slice(0, 20));
  expect(twenty.split('\n')).toHaveLength(20);
  expect(sayLeftFolders(all)).toBe(
    `${twenty}\n1 more directories have no PersistentVolume, and are told when these are kept`,
  );
});

test('they are told under a name that operators can look for', () => {
  expect(foldersAnnotation).toBe('isthmus.dev/directories-left-behind');
});
