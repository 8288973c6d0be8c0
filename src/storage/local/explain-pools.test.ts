import { expect, test } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { explainPools, type LocalSeen, sayPools } from './explain-pools.ts';
import { formatLeft, parseLeft } from './plan-left.ts';

const open = {
  path: '/srv/a',
  is: 'open' as const,
  total: gibi(9),
  available: gibi(5),
  keepFree: gibi(1),
  volumes: [],
};
const nothing: LocalSeen = { folders: [], disks: [], strange: [], left: [] };
const well: LocalSeen = {
  folders: [open],
  disks: [
    { link: '/dev/disk/by-id/a', is: 'free', size: gibi(1) },
    { link: '/dev/disk/by-id/c', is: 'wiping' },
    { link: '/dev/disk/by-id/d', is: 'taken', volume: 'pvc-1' },
  ],
  strange: [],
  left: [],
};
const full = { ...open, available: gibi(2), keepFree: gibi(5) };
const fullSays =
  '/srv/a is full: 2Gi are free, and 5Gi are to stay free for others; remove what else fills its file system, or lower machines[].storage.keepFree';
const ill: LocalSeen = {
  folders: [open, { path: '/srv/b', is: 'closed', fault: 'is no folder' }, full],
  disks: [...well.disks, { link: '/dev/disk/by-id/b', is: 'closed', fault: 'can only be read' }],
  strange: ['/srv/a/volumes/x is no folder; nothing in it is touched'],
  left: [],
};
const left = {
  handle: { node: 'base-1', pool: '3f2a9c01d7', id: 'pvc-1' },
  size: gibi(2),
  as: 'ext4',
  claim: undefined,
} as const;

test('of what a machine gives to volumes only that is a fault which takes none', () => {
  expect(explainPools(ill)).toEqual([
    { reason: 'FolderUnusable', message: '/srv/b is no folder' },
    { reason: 'FolderFull', message: fullSays },
    { reason: 'DiskUnusable', message: '/dev/disk/by-id/b can only be read' },
    { reason: 'StrangeFiles', message: '/srv/a/volumes/x is no folder; nothing in it is touched' },
  ]);
  expect(explainPools(well)).toEqual([]);
});

test.each<[string, LocalSeen, ReturnType<typeof sayPools>]>([
  ['of a machine that gives nothing', nothing, undefined],
  [
    'what there is, when all is well',
    well,
    {
      status: 'True',
      reason: 'Usable',
      message:
        '/srv/a has room for 4Gi (5Gi free, 1Gi of it kept); /dev/disk/by-id/a is free and has 1Gi; /dev/disk/by-id/c is being overwritten; /dev/disk/by-id/d is pvc-1',
    },
  ],
  [
    'every fault and nothing else, by the reason of the first',
    ill,
    {
      status: 'False',
      reason: 'FolderUnusable',
      message: `/srv/b is no folder; ${fullSays}; /dev/disk/by-id/b can only be read; /srv/a/volumes/x is no folder; nothing in it is touched`,
    },
  ],
  [
    'what lies in folders that cannot be looked into any more',
    { ...nothing, strange: ['/srv/a/volumes/x is no folder'] },
    { status: 'False', reason: 'StrangeFiles', message: '/srv/a/volumes/x is no folder' },
  ],
  [
    'which volumes no PersistentVolume names',
    { ...well, left: [left] },
    { status: 'False', reason: 'LeftBehind', message: formatLeft(left) },
  ],
])('a Node says %s', (_, seen, said) => {
  expect(sayPools(seen)).toEqual(said);
});

test.each([
  [20, 20, []],
  [21, 20, ['1 more volumes have no PersistentVolume, and are told when these are kept']],
  [500, 20, ['480 more volumes have no PersistentVolume, and are told when these are kept']],
])('a Node on whose machine %i volumes were left tells %i of them and how many more there are', (count, told, rest) => {
  const many = Array.from({ length: count }, (_, i) => ({ ...left, handle: { ...left.handle, id: `pvc-${i}` } }));
  const messages = explainPools({ ...well, left: many }).map(({ message }) => message);
  expect(messages).toEqual([...many.slice(0, told).map(formatLeft), ...rest]);
  expect(parseLeft('base-1', messages.join('; '))).toEqual(many.slice(0, told));
});
