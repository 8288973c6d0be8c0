import { expect, test } from 'vitest';
import { type Bytes, gibi } from '#unit/bytes.ts';
import type { VolumeWish } from './parse-asked.ts';
import { planExisting, planGrowth } from './plan-volume.ts';
import type { VolumeRecord } from './volume-record.ts';

const record: VolumeRecord = {
  format: 'isthmus-local-volume/v1',
  id: 'pvc-0f',
  name: 'pvc-0f',
  node: 'base-1',
  made: '2026-11-29T12:00:00.000Z',
  place: { in: 'folder', pool: '3f2a9c01d7', sector: 4096 },
  usage: { as: 'file-system', type: 'ext4' },
  size: gibi(2),
  madeWith: gibi(1),
  state: 'ready',
};
const wish: VolumeWish = {
  name: 'pvc-0f',
  id: 'pvc-0f',
  from: 'directories',
  usage: { as: 'file-system', type: 'ext4' },
  least: gibi(2),
  most: undefined,
  claim: undefined,
};
const onDisk = { place: { in: 'disk' as const, link: '/dev/disk/by-id/a' } };

test.each([
  ['the same', {}, {}, { do: 'use' }],
  ['whose making was interrupted', { state: 'making' as const }, {}, { do: 'finish' }],
  ['that has grown beyond what is asked', {}, { least: gibi(1) }, { do: 'use' }],
  ['smaller than the limit', {}, { most: gibi(3) }, { do: 'use' }],
  ['as large as the limit', {}, { most: gibi(2) }, { do: 'use' }],
  ['that is a disk', onDisk, { from: 'disks' as const }, { do: 'use' }],
  ['smaller', {}, { least: gibi(3) }, { do: 'refuse', message: 'there is a volume of that name already, with 2Gi' }],
  [
    'larger than the limit',
    {},
    { least: gibi(1), most: gibi(1) },
    { do: 'refuse', message: 'there is a volume of that name already, with 2Gi' },
  ],
  [
    'with another file system',
    {},
    { usage: { as: 'file-system' as const, type: 'xfs' as const } },
    { do: 'refuse', message: 'there is a volume of that name already, with ext4' },
  ],
  [
    'as a device',
    { usage: { as: 'block' as const } },
    {},
    { do: 'refuse', message: 'there is a volume of that name already, as a block device' },
  ],
  [
    'from elsewhere',
    {},
    { from: 'disks' as const },
    { do: 'refuse', message: 'there is a volume of that name already, from directories' },
  ],
  [
    'that is a disk, and was to be in a folder',
    onDisk,
    {},
    { do: 'refuse', message: 'there is a volume of that name already, from disks' },
  ],
  [
    'of another name with the same digest',
    { name: 'x' },
    {},
    { do: 'refuse', message: 'there is a volume of that name already, which was asked for as x' },
  ],
])('a volume that is there already: %s', (_, there, asked, step) => {
  expect(planExisting({ ...record, ...there }, { ...wish, ...asked })).toEqual(step);
});

const room = { bytes: gibi(1), explained: '/srv/a has room for 1Gi' };
const disk = { ...record, ...onDisk };

test.each([
  ['any size', record, undefined, { do: 'nothing' }],
  ['its own size', record, gibi(2), { do: 'nothing' }],
  ['less than its size', record, gibi(1), { do: 'nothing' }],
  ['what there is room for', record, gibi(3), { do: 'grow', to: gibi(3), more: gibi(1) }],
  [
    'a byte more than there is room for',
    record,
    (gibi(3) + 1) as Bytes,
    { do: 'refuse', message: 'it needs 1073741825 more, and /srv/a has room for 1Gi' },
  ],
  ['the size of the disk that it is', disk, gibi(2), { do: 'nothing' }],
  [
    'more than the disk that it is',
    disk,
    gibi(3),
    { do: 'refuse', message: 'it is the whole disk /dev/disk/by-id/a and has 2Gi: a larger one is another disk' },
  ],
])('growing a volume to %s', (_, one, wanted, step) => {
  expect(planGrowth(one, wanted, room)).toEqual(step);
});
