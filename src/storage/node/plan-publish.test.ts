import { expect, test } from 'vitest';
import type { Mount } from '#host/mounts.ts';
import { isSameFolder, type PublishSeen, type PublishStep, type PublishWish, planPublish } from './plan-publish.ts';

const staged: Mount = {
  path: '/stage',
  device: '253:16',
  root: '/',
  type: 'ext4',
  source: '/dev/vdb',
  isReadOnly: false,
  options: ['rw'],
  superOptions: ['rw'],
};
const nfs: Mount = { ...staged, device: '0:50', type: 'nfs4', source: '10.9.0.7:/pvc-1' };
const bound: Mount = { ...staged, path: '/pod' };
const readOnly: Mount = { ...bound, options: ['ro'], isReadOnly: true };
const seen: PublishSeen = {
  source: { kind: 'folder', path: '/stage' },
  staged,
  target: { path: '/pod', mount: undefined, device: undefined, isLost: false },
  elsewhere: [],
};
const raw: PublishSeen = { ...seen, source: { kind: 'device', path: '/dev/vdb', device: '253:16' }, staged: undefined };
const wish: PublishWish = { isReadOnly: false, isSingle: false };

function at(mount: Mount, change: Partial<PublishSeen['target']> = {}): Partial<PublishSeen> {
  return { target: { ...seen.target, mount, ...change } };
}
function refused(code: 'ALREADY_EXISTS' | 'FAILED_PRECONDITION', message: string): PublishStep {
  return { do: 'refuse', code, message };
}
const done: PublishStep = { do: 'nothing', why: 'bound-so' };
const device: Mount = { ...bound, device: '0:6', root: '/vdb', type: 'devtmpfs' };

const rows: readonly (readonly [string, PublishSeen, Partial<WishAndSeen>, PublishStep])[] = [
  ['not there yet', seen, {}, { do: 'bind' }],
  [
    'not staged',
    { ...seen, staged: undefined },
    {},
    refused('FAILED_PRECONDITION', 'it is not staged: nothing is mounted at /stage'),
  ],
  ['there already', seen, at(bound), done],
  ['there already, read-only as asked', seen, { ...at(readOnly), isReadOnly: true }, done],
  [
    'bound by a call that was killed before it was read-only',
    seen,
    { ...at(bound), isReadOnly: true },
    { do: 'tighten' },
  ],
  [
    'read-only, and asked for writable',
    seen,
    at(readOnly),
    refused('ALREADY_EXISTS', 'it is published there already, read-only'),
  ],
  [
    'staged read-only, and so at every path',
    { ...seen, staged: { ...staged, isReadOnly: true } },
    at({ ...bound, isReadOnly: true }),
    done,
  ],
  [
    'a mount that lost its disk',
    seen,
    at({ ...bound, device: '253:32' }, { isLost: true }),
    { do: 'clear', why: 'lost-its-device' },
  ],
  [
    'something else at the path',
    seen,
    at({ ...bound, device: '253:32', source: '/dev/vdc' }),
    refused('ALREADY_EXISTS', 'something else is mounted there already: /dev/vdc'),
  ],
  [
    'a part of the volume at the path',
    seen,
    at({ ...bound, root: '/sub' }),
    refused('ALREADY_EXISTS', 'something else is mounted there already: /dev/vdb'),
  ],
  ['a second path of a volume that several may use', seen, { elsewhere: ['/pod-2'] }, { do: 'bind' }],
  [
    'a second path of a single writer',
    seen,
    { elsewhere: ['/pod-2'], isSingle: true },
    refused('FAILED_PRECONDITION', 'it may be used at one path alone, and is published at /pod-2'),
  ],
  ['the first path of a single writer', seen, { isSingle: true }, { do: 'bind' }],
  [
    'staged read-only, and bound read-only at this path besides',
    { ...seen, staged: { ...staged, isReadOnly: true } },
    at(readOnly),
    refused('ALREADY_EXISTS', 'it is published there already, read-only'),
  ],
  [
    'a block device that is there read-only, and asked for writable',
    raw,
    at({ ...device, options: ['ro'], isReadOnly: true }, { device: '253:16' }),
    refused('ALREADY_EXISTS', 'it is published there already, read-only'),
  ],
  ['a file share that is there already', { ...seen, staged: nfs }, at({ ...nfs, path: '/pod' }), done],
  [
    'another directory of the same file share at the path',
    { ...seen, staged: nfs },
    at({ ...nfs, path: '/pod', source: '10.9.0.7:/pvc-2' }),
    refused('ALREADY_EXISTS', 'something else is mounted there already: 10.9.0.7:/pvc-2'),
  ],
  ['a block device', raw, {}, { do: 'bind' }],
  ['a block device that is there already', raw, at(device, { device: '253:16' }), done],
  [
    'a block device that lost its disk',
    raw,
    at(device, { device: '253:32', isLost: true }),
    { do: 'clear', why: 'lost-its-device' },
  ],
];
type WishAndSeen = PublishSeen & PublishWish;

test.each(rows)('%s', (_title, from, change, step) => {
  const all = { ...from, ...wish, ...change };
  expect(planPublish(all, { isReadOnly: all.isReadOnly, isSingle: all.isSingle })).toEqual(step);
});

test('the same folder of a disk is the same by whatever name the disk was mounted; of NFS the source tells the folder', () => {
  expect(isSameFolder(bound, { ...staged, source: '/dev/disk/by-id/virtio-bsr-1' })).toBe(true);
  expect(isSameFolder(nfs, { ...nfs, source: '10.9.0.7:/pvc-2' })).toBe(false);
});

test('of a mount that is not there no other one shows the same', () => {
  expect(isSameFolder(bound, staged)).toBe(true);
  expect(isSameFolder(bound, undefined)).toBe(false);
});
