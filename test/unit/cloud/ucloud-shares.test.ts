import { expect, test } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { ms, seconds } from '#unit/clock.ts';
import type { FileShareWish } from '../../../src/cloud/file-share.ts';
import { type Reply, refusal, success } from './scripted-api.ts';
import { closeScriptedClouds, scriptedCloud } from './scripted-cloud.ts';

closeScriptedClouds();

const wish: FileShareWish = {
  mark: 'shop',
  owner: 'uid-1',
  name: 'shop-files',
  zone: 'cn-bj2-05',
  kind: 'advanced',
  size: gibi(100),
  charge: 'hour',
  quantity: 1,
};
const opts = { within: seconds(20) };
const place = { vpc: 'uvnet-1', subnet: 'subnet-1' };
const opening = { ...place, name: 'shop-mount' };

function share(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    VolumeId: 'ufs-1',
    VolumeName: 'any',
    Tag: 'isthmus-shop',
    Remark: 'isthmus/uid-1',
    StorageType: 'Advanced',
    Size: 100,
    CreateTime: 5,
    TotalMountPointNum: 0,
    MaxMountPointNum: 5,
    ...change,
  };
}
const point = { MountPointName: 'm', VpcId: 'uvnet-1', SubnetId: 'subnet-1', MountPointIp: '10.9.0.7:/' };
function listed(...entries: Record<string, unknown>[]): Reply {
  return { json: { RetCode: 0, TotalCount: entries.length, DataSet: entries } };
}
/** Of a file share without mount points the cloud says that there is none, with a code. */
const points = (...entries: Record<string, unknown>[]): Reply =>
  entries.length === 0 ? refusal(65126) : { json: { RetCode: 0, MaxMountPointNum: 5, DataSet: entries } };

test('a file share whose create was lost is found by mark and owner, and asked for once', async () => {
  const { fileShares, sent } = await scriptedCloud({
    DescribeUFSVolume2: (turn) => (turn < 3 ? listed() : listed(share())),
    CreateUFSVolume: () => 'cut',
  });
  expect(await fileShares.create(wish, opts)).toMatchObject({ ok: true, value: { id: 'ufs-1', name: 'any' } });
  expect(sent('CreateUFSVolume')).toHaveLength(1);
});

test('how it is paid is always said', async () => {
  const { fileShares, sent } = await scriptedCloud({
    DescribeUFSVolume2: () => listed(),
    CreateUFSVolume: () => ({ json: { RetCode: 0, VolumeId: 'ufs-1', VolumeStatus: 'UnInitialized' } }),
  });
  expect(await fileShares.create(wish, opts)).toMatchObject({ ok: true, value: { id: 'ufs-1', kind: 'advanced' } });
  await fileShares.create({ ...wish, owner: 'uid-2', charge: 'year' }, opts);
  expect(sent('CreateUFSVolume').map(({ ChargeType, Quantity }) => [ChargeType, Quantity])).toEqual([
    ['Dynamic', undefined],
    ['Year', '1'],
  ]);
});

test('a file share without mount points has none, and one that is not there is gone', async () => {
  let isThere = true;
  const { fileShares } = await scriptedCloud({
    DescribeUFSVolumeMountpoint: () => points(),
    DescribeUFSVolume2: () => (isThere ? listed(share()) : listed()),
  });
  expect(await fileShares.mountPoints('ufs-1', opts)).toEqual({ ok: true, value: [] });
  isThere = false;
  expect(await fileShares.mountPoints('ufs-1', opts)).toMatchObject({ failure: { kind: 'gone' } });
});

test('mount points are sorted by subnet, and one on its way has no address', async () => {
  const { fileShares } = await scriptedCloud({
    DescribeUFSVolumeMountpoint: () => points({ ...point, SubnetId: 'subnet-2', MountPointIp: '' }, point),
  });
  expect(await fileShares.mountPoints('ufs-1', opts)).toEqual({
    ok: true,
    value: [
      { ...place, address: '10.9.0.7', path: '/' },
      { vpc: 'uvnet-1', subnet: 'subnet-2', address: undefined, path: '/' },
    ],
  });
});

test.each<[string, (turn: number) => Reply, Reply, string, number]>([
  ['is there already', () => points(point), success, 'ok', 0],
  ['was made by a call whose answer was lost', (turn) => (turn === 1 ? points() : points(point)), 'cut', 'ok', 1],
  ['was lost', () => points(), 'cut', 'unknown', 1],
  [
    'is refused by a code, because it was made meanwhile',
    (turn) => (turn === 1 ? points() : points(point)),
    refusal(9001),
    'ok',
    1,
  ],
  ['is denied', (turn) => (turn === 1 ? points() : points(point)), refusal(299), 'denied', 1],
])('a mount point that %s', async (_title, look, answer, kind, asked) => {
  const { fileShares, sent } = await scriptedCloud({
    DescribeUFSVolumeMountpoint: look,
    DescribeUFSVolume2: () => listed(share()),
    AddUFSVolumeMountPoint: () => answer,
  });
  const opened = await fileShares.open('ufs-1', opening, opts);
  expect(opened.ok ? 'ok' : opened.failure.kind).toBe(kind);
  expect(sent('AddUFSVolumeMountPoint')).toHaveLength(asked);
});

test.each<[string, (turn: number) => Reply, Reply, string, number]>([
  ['is gone already', () => points(), success, 'ok', 0],
  ['went by a call whose answer was lost', (turn) => (turn === 1 ? points(point) : points()), 'cut', 'ok', 1],
  ['goes', () => points(point), success, 'ok', 1],
  ['is gone by then', () => points(point), refusal(65126), 'ok', 1],
  ['does not go', () => points(point), refusal(9001), 'unknown', 1],
  ['may not go', (turn) => (turn === 1 ? points(point) : points()), refusal(299), 'denied', 1],
])('a mount point that %s is closed so', async (_title, look, answer, kind, asked) => {
  const { fileShares, sent } = await scriptedCloud({
    DescribeUFSVolumeMountpoint: look,
    DescribeUFSVolume2: () => listed(share()),
    RemoveUFSVolumeMountPoint: () => answer,
  });
  const closed = await fileShares.close('ufs-1', place, opts);
  expect(closed.ok ? 'ok' : closed.failure.kind).toBe(kind);
  expect(sent('RemoveUFSVolumeMountPoint')).toHaveLength(asked);
});

test('a file share is ended when its mount points are gone, and not before', async () => {
  let looks = 0;
  const { fileShares, sent } = await scriptedCloud({
    DescribeUFSVolume2: () => listed(share()),
    DescribeUFSVolumeMountpoint: () => (++looks < 6 ? points(point) : points()),
  });
  expect(await fileShares.remove('ufs-1', 'shop', opts)).toEqual({ ok: true, value: undefined });
  expect(sent('RemoveUFSVolumeMountPoint').length).toBeGreaterThan(0);
  expect(sent('RemoveUFSVolume')).toMatchObject([{ VolumeId: 'ufs-1' }]);
});

test('a file share whose mount points stay is in use when the limit is over, and names their subnets', async () => {
  const { fileShares, sent } = await scriptedCloud({
    DescribeUFSVolume2: () => listed(share()),
    DescribeUFSVolumeMountpoint: () => points(point),
  });
  expect(await fileShares.remove('ufs-1', 'shop', { within: ms(500) })).toMatchObject({
    failure: { kind: 'inUse', raw: { message: 'file share ufs-1 still has mount points in subnet-1' } },
  });
  expect(sent('RemoveUFSVolume')).toEqual([]);
});

test('a file share of another mark is not touched', async () => {
  const { fileShares, sent } = await scriptedCloud({
    DescribeUFSVolume2: () => listed(share({ Tag: 'isthmus-other' })),
  });
  expect(await fileShares.remove('ufs-1', 'shop', opts)).toMatchObject({ failure: { kind: 'denied' } });
  expect([...sent('RemoveUFSVolume'), ...sent('RemoveUFSVolumeMountPoint')]).toEqual([]);
});

test('a removal that may not be done is not asked for again', async () => {
  const { fileShares, sent } = await scriptedCloud({
    DescribeUFSVolume2: () => listed(share()),
    DescribeUFSVolumeMountpoint: () => points(),
    RemoveUFSVolume: () => refusal(299),
  });
  expect(await fileShares.remove('ufs-1', 'shop', opts)).toMatchObject({ failure: { kind: 'denied' } });
  expect(sent('RemoveUFSVolume')).toHaveLength(1);
});

test('a file share grows to the size that is asked for', async () => {
  const { fileShares, sent } = await scriptedCloud({ DescribeUFSVolume2: () => listed(share()) });
  expect((await fileShares.grow('ufs-1', gibi(300), opts)).ok).toBe(true);
  expect(sent('ExtendUFSVolume')).toMatchObject([{ VolumeId: 'ufs-1', Size: '300' }]);
});

test.each<[string, Reply, number, string]>([
  ['its answer was lost', 'cut', 300, 'ok'],
  ['it is refused because it was done before', refusal(230), 300, 'ok'],
  ['it is refused for good', refusal(230), 100, 'invalid'],
  ['it is denied', refusal(299), 300, 'denied'],
])('a growth of which %s is told as what it came to', async (_title, answer, size, kind) => {
  let looks = 0;
  const { fileShares, sent } = await scriptedCloud({
    DescribeUFSVolume2: () => listed(share({ Size: ++looks < 3 ? 100 : size })),
    ExtendUFSVolume: () => answer,
  });
  const grown = await fileShares.grow('ufs-1', gibi(300), opts);
  expect(grown.ok ? 'ok' : grown.failure.kind).toBe(kind);
  expect(sent('ExtendUFSVolume')).toHaveLength(1);
});
