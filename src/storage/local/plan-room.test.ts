import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Bytes, gibi, mebi } from '#unit/bytes.ts';
import {
  chooseDisk,
  chooseFolder,
  type DiskSeen,
  explainFolder,
  explainFull,
  type FolderSeen,
  roomIn,
  roomOf,
} from './plan-room.ts';

const folder = (path: string, more: object = {}): FolderSeen => ({
  path,
  is: 'open',
  total: gibi(100),
  available: gibi(50),
  keepFree: gibi(20),
  volumes: [],
  ...more,
});
const shut: FolderSeen = {
  path: '/srv/c',
  is: 'closed',
  fault: 'is not there: make it with mkdir -p /srv/c, or mount its disk',
};

test.each([
  ['what is free without what is kept', folder('/srv/a'), gibi(30) - mebi(1)],
  ['nothing below what is kept', folder('/srv/a', { available: gibi(19) }), 0],
  ['nothing in a folder that is closed', shut, 0],
  [
    'a volume that has all of its room',
    folder('/srv/a', { volumes: [{ id: 'a', size: gibi(9), has: gibi(9) }] }),
    gibi(30) - mebi(1),
  ],
  [
    'a volume that has half of its room',
    folder('/srv/a', { volumes: [{ id: 'a', size: gibi(10), has: gibi(5) }] }),
    gibi(25) - mebi(1),
  ],
  [
    'a volume that has none yet',
    folder('/srv/a', { volumes: [{ id: 'a', size: gibi(10), has: 0 }] }),
    gibi(20) - mebi(1),
  ],
  [
    'a file that is longer than its volume owes nothing to others',
    folder('/srv/a', {
      volumes: [
        { id: 'a', size: gibi(1), has: gibi(2) },
        { id: 'b', size: gibi(2), has: gibi(1) },
      ],
    }),
    gibi(29) - mebi(1),
  ],
  ['whole MiB', folder('/srv/a', { available: gibi(50) + 5 }), gibi(30) - mebi(1)],
])('room is %s', (_, seen, room) => {
  expect(roomOf(seen)).toBe(room);
});

test('whatever is promised one after the other, what is free and not kept is never promised twice', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 40 }), (sizes) => {
      const volumes: { id: string; size: Bytes; has: Bytes }[] = [];
      for (const [i, size] of sizes.entries()) {
        const seen = folder('/srv/a', { volumes });
        if (chooseFolder('base-1', [seen], mebi(size)).is === 'chosen')
          volumes.push({ id: `${i}`, size: mebi(size), has: 0 as Bytes });
      }
      expect(volumes.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(gibi(30));
    }),
  );
});

test.each<[string, readonly FolderSeen[], Bytes, string]>([
  ['the folder with the most room', [folder('/srv/a'), folder('/srv/b', { available: gibi(60) })], gibi(10), '/srv/b'],
  ['of two with as much the first by name', [folder('/srv/b'), folder('/srv/a')], gibi(10), '/srv/a'],
  ['of two with as much the first by name, which is first', [folder('/srv/a'), folder('/srv/b')], gibi(10), '/srv/a'],
  ['the one that is open', [shut, folder('/srv/a')], gibi(10), '/srv/a'],
  ['one that has just the room', [folder('/srv/a')], mebi(30 * 1024 - 1), '/srv/a'],
])('a volume goes to %s', (_, folders, size, path) => {
  expect(chooseFolder('base-1', folders, size)).toEqual({
    is: 'chosen',
    one: folders.find((one) => one.path === path),
  });
});

test.each<[string, readonly FolderSeen[], Bytes, string]>([
  [
    'no folder is given',
    [],
    gibi(30),
    'base-1 gives no folder to volumes: name one in cluster.yaml, machines[].storage.directories of base-1',
  ],
  [
    'none has the room',
    [folder('/srv/a', { volumes: [{ id: 'a', size: gibi(10), has: gibi(3) }] }), shut],
    gibi(30),
    'base-1 has no room for 30Gi: /srv/a has room for 23Gi (50Gi free, 20Gi of it kept, 7Gi of it promised), /srv/c is not there: make it with mkdir -p /srv/c, or mount its disk',
  ],
  [
    'the only one is closed, however small it is',
    [shut],
    0 as Bytes,
    'base-1 has no room for 0Ti: /srv/c is not there: make it with mkdir -p /srv/c, or mount its disk',
  ],
])('a volume is refused when %s', (_, folders, size, why) => {
  expect(chooseFolder('base-1', folders, size)).toEqual({ is: 'none', why });
});

test.each([
  [0, '0'],
  [1023, '1023'],
  [1024, '1Ki'],
  [3_500_000, '3.3Mi'],
  [1024 ** 3, '1Gi'],
  [3.5 * 1024 ** 4, '3.5Ti'],
  [5000 * 1024 ** 4, '5000Ti'],
])('a folder is explained with what is free, kept and promised: %d bytes as %s', (available, told) => {
  const seen = folder('/srv/a', { available, keepFree: available });
  expect(explainFolder(seen)).toBe(`/srv/a has room for 0 (${told} free, ${told} of it kept)`);
});

const disks: readonly DiskSeen[] = [
  { link: '/dev/disk/by-id/b', is: 'free', size: gibi(200) },
  { link: '/dev/disk/by-id/a', is: 'free', size: gibi(200) },
  { link: '/dev/disk/by-id/c', is: 'free', size: gibi(100) },
  { link: '/dev/disk/by-id/d', is: 'taken', volume: 'pvc-1' },
  { link: '/dev/disk/by-id/e', is: 'wiping' },
  { link: '/dev/disk/by-id/f', is: 'closed', fault: 'holds LUKS: it is left as it is' },
];

test.each([
  ['the smallest that is large enough', { least: gibi(150), most: undefined }, '/dev/disk/by-id/a'],
  ['of just the size', { least: gibi(200), most: undefined }, '/dev/disk/by-id/a'],
  ['one within the limit', { least: gibi(1), most: gibi(100) }, '/dev/disk/by-id/c'],
])('a disk for a volume is %s', (_, size, link) => {
  for (const seen of [disks, disks.toReversed()])
    expect(chooseDisk('base-1', seen, size)).toEqual({ is: 'chosen', one: disks.find((one) => one.link === link) });
});

test.each([
  [
    'no disk is given',
    [],
    { least: gibi(1), most: undefined },
    'base-1 gives no disk to volumes: name one in cluster.yaml, machines[].storage.disks of base-1',
  ],
  [
    'none is free',
    disks.slice(3),
    { least: gibi(1), most: undefined },
    'base-1 has no free disk of at least 1Gi: /dev/disk/by-id/d is pvc-1, /dev/disk/by-id/e is being overwritten, /dev/disk/by-id/f holds LUKS: it is left as it is',
  ],
  [
    'all are too large',
    disks.slice(0, 1),
    { least: gibi(1), most: gibi(2) },
    'base-1 has no free disk of at least 1Gi and at most 2Gi: /dev/disk/by-id/b is free and has 200Gi',
  ],
])('a disk is refused when %s', (_, seen, size, why) => {
  expect(chooseDisk('base-1', seen, size)).toEqual({ is: 'none', why });
});

test('a machine tells the scheduler all of its room and the largest volume that it can make', () => {
  expect(roomIn([gibi(1), gibi(5), gibi(2)])).toEqual({ all: gibi(8), largest: gibi(5) });
  expect(roomIn([])).toEqual({ all: 0, largest: 0 });
});

const owing = (amount: number) => [{ id: 'a', size: gibi(amount), has: 0 as Bytes }];
const cure = 'remove what else fills its file system, or lower machines[].storage.keepFree';

test.each<[string, object, string | undefined]>([
  ['that has half of what is to stay free', { available: gibi(10) }, undefined],
  [
    'that has less',
    { available: gibi(9.5) },
    `/srv/a is full: 9.5Gi are free, and 20Gi are to stay free for others; ${cure}`,
  ],
  ['whose volumes may take theirs and leave half', { available: gibi(14), volumes: owing(4) }, undefined],
  [
    'whose volumes leave less when they take theirs',
    { available: gibi(13), volumes: owing(4) },
    `/srv/a is full: 13Gi are free, and 20Gi are to stay free for others and 4Gi are promised to volumes; ${cure}`,
  ],
  [
    'of which nothing is to stay free, to the brim',
    { available: gibi(4), keepFree: gibi(0), volumes: owing(4) },
    undefined,
  ],
  [
    'of which nothing is to stay free, without what volumes were promised',
    { available: gibi(3), keepFree: gibi(0), volumes: owing(4) },
    `/srv/a is full: 3Gi are free, and 0 are to stay free for others and 4Gi are promised to volumes; ${cure}`,
  ],
])('whether others fill a folder %s', (_, change, said) => {
  const seen = folder('/srv/a', change);
  expect(seen.is === 'open' && explainFull(seen)).toBe(said);
});
