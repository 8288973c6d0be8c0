import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { createTestClock } from '../test-clock.ts';
import { type Answer, openTestCloud, startTestCloud, type TestCloud, until } from '../test-cloud.ts';

const wish = { Size: 500, StorageType: 'Basic', ProtocolType: 'NFSv4', VolumeName: 'shared' };
const home = { VpcId: 'uvnet-lab', SubnetId: 'subnet-lab' };

async function makeShare(test: TestCloud): Promise<string> {
  const { VolumeId } = await test.call('CreateUFSVolume', wish);
  await until('it to be ready', () =>
    test.cloud.objects().shares.some(({ id, at }) => id === VolumeId && at === 'ready'),
  );
  return VolumeId as string;
}

async function open(
  test: TestCloud,
  VolumeId: string,
  where: Readonly<Record<string, string>> = home,
): Promise<string> {
  const added = await test.call('AddUFSVolumeMountPoint', { VolumeId, MountPointName: 'nodes', ...where });
  if (added.RetCode !== 0) throw new Error(JSON.stringify(added));
  const pointOf = () =>
    test.cloud
      .objects()
      .shares.flatMap((one) => one.mountPoints)
      .find((one) => one.subnet === where.SubnetId);
  await until('the mount point', () => pointOf()?.at === 'open');
  return pointOf()?.ip ?? '';
}

describe('a file system', () => {
  test('is UnInitialized first, and told with what was asked for', async () => {
    const test = await openTestCloud();
    test.clock.stand();
    const { VolumeId, VolumeName, VolumeStatus } = await test.call('CreateUFSVolume', wish);
    test.clock.go();
    assert.deepEqual([VolumeName, VolumeStatus], ['shared', 'UnInitialized']);
    await until('it to be ready', () => test.cloud.objects().shares[0]?.at === 'ready');
    test.world.fill(VolumeId as string, 3 * 2 ** 30 + 1);
    const [{ CreateTime: _, ExpiredTime: __, ...told }] = (
      await test.call('DescribeUFSVolume2', { VolumeId: VolumeId as string })
    ).DataSet as readonly [Answer];
    assert.deepEqual(told, {
      VolumeName: 'shared',
      VolumeId,
      TotalMountPointNum: 0,
      MaxMountPointNum: 5,
      StorageType: 'Basic',
      ProtocolType: 'NFSv4',
      Remark: '',
      Tag: 'Default',
      Size: 500,
      UsedSize: 4,
      IsExpired: 'No',
    });
    const [older] = (await test.call('DescribeUFSVolume')).DataSet as readonly [Answer];
    assert.equal(older.VolumeStatus, 'Initialized');
  });

  const sizes = [
    ['Basic', 400, 230],
    ['Basic', 550, 230],
    ['Basic', 102_400, 0],
    ['Advanced', 100, 0],
    ['Advanced', 20_500, 230],
  ] as const;
  test.each(sizes)('%s of %i GB answers %i', async (StorageType, Size, code) => {
    const { call } = await openTestCloud();
    assert.equal((await call('CreateUFSVolume', { ...wish, StorageType, Size })).RetCode, code);
  });

  test('grows, is renamed, and is one of as many as are allowed', async () => {
    const test = await openTestCloud();
    const VolumeId = await makeShare(test);
    test.cloud.limit({ shares: 1 });
    const codes = [
      await test.call('ExtendUFSVolume', { VolumeId, Size: 500 }),
      await test.call('ExtendUFSVolume', { VolumeId, Size: 700 }),
      await test.call('UpdateUFSVolumeInfo', { VolumeId }),
      await test.call('UpdateUFSVolumeInfo', { VolumeId, VolumeName: 'other', Remark: 'r' }),
      await test.call('CreateUFSVolume', wish),
      await test.call('ExtendUFSVolume', { VolumeId: 'ufs-none', Size: 700 }),
    ].map(({ RetCode }) => RetCode);
    assert.deepEqual(codes, [230, 0, 220, 0, 65100, 65126]);
    const [told] = (await test.call('DescribeUFSVolume2')).DataSet as readonly [Answer];
    assert.deepEqual([told.VolumeName, told.Remark, told.Size], ['other', 'r', 700]);
  });

  test('costs nothing', async () => {
    const { call } = await openTestCloud();
    const { DataSet } = await call('DescribeUFSVolumePrice', { Size: 500, StorageType: 'Basic', ChargeType: 'Month' });
    assert.deepEqual(DataSet, [{ ChargeType: 'Month', ChargeName: 'UFS', Price: 0 }]);
  });
});

describe('a mount point', () => {
  test('has an address of its subnet, which no machine gets', async () => {
    const test = await openTestCloud();
    const VolumeId = await makeShare(test);
    assert.equal((await test.call('DescribeUFSVolumeMountpoint', { VolumeId })).RetCode, 65126);
    const ip = await open(test, VolumeId, { ...home, SubnetId: 'subnet-small' });
    const { DataSet, TotalMountPointNum, MaxMountPointNum } = await test.call('DescribeUFSVolumeMountpoint', {
      VolumeId,
    });
    const [{ CreateTime: _, ...told }] = DataSet as readonly [Answer];
    assert.deepEqual([TotalMountPointNum, MaxMountPointNum], [1, 5]);
    assert.deepEqual(told, {
      MountPointName: 'nodes',
      VpcId: 'uvnet-lab',
      SubnetId: 'subnet-small',
      MountPointIp: `${ip}:/`,
      SubnetDescription: 'subnet-small(10.9.1.0/29)',
    });
    assert.deepEqual([...test.world.mountable], [[ip, VolumeId]]);
    const { DataSet: subnets } = await test.call('DescribeSubnet', {
      'SubnetIds.0': 'subnet-small',
      ShowAvailableIPs: 'true',
    });
    assert.equal((subnets as readonly Answer[])[0]?.AvailableIPs, 4);
  });

  test('is one for each subnet, and comes before the file system goes', async () => {
    const test = await openTestCloud();
    const VolumeId = await makeShare(test);
    await open(test, VolumeId);
    const codes = [
      await test.call('AddUFSVolumeMountPoint', { VolumeId, MountPointName: 'again', ...home }),
      await test.call('AddUFSVolumeMountPoint', { VolumeId, MountPointName: 'x', ...home, SubnetId: 'subnet-none' }),
      await test.call('RemoveUFSVolume', { VolumeId }),
      await test.call('RemoveUFSVolumeMountPoint', { VolumeId, ...home, SubnetId: 'subnet-small' }),
      await test.call('RemoveUFSVolumeMountPoint', { VolumeId, ...home }),
    ].map(({ RetCode }) => RetCode);
    assert.deepEqual(codes, [65102, 8039, 65101, 65126, 0]);
    await until('it to close', () => test.world.mountable.size === 0);
    await until('it to go', () => test.cloud.objects().shares[0]?.mountPoints.length === 0);
    assert.equal((await test.call('RemoveUFSVolume', { VolumeId })).RetCode, 0);
    assert.equal((await test.call('DescribeUFSVolume2')).TotalCount, 0);
    await until('its files to go', () => test.world.told.includes(`remove ${VolumeId}`));
  });
});

test('a cloud that is closed in the middle of its work takes it up again', async () => {
  const clock = createTestClock();
  const first = await startTestCloud({ clock });
  const [opening, closing] = [await makeShare(first), await makeShare(first)];
  await open(first, closing);
  clock.stand();
  await first.call('AddUFSVolumeMountPoint', { VolumeId: opening, MountPointName: 'nodes', ...home });
  await first.call('RemoveUFSVolumeMountPoint', { VolumeId: closing, ...home });
  await first.call('CreateUFSVolume', wish);
  await first.close();
  clock.go();
  const test = await openTestCloud({ restore: first.cloud.snapshot() }, first.world);
  await until('all to be done', () => {
    const { shares } = test.cloud.objects();
    return (
      shares.map(({ at, mountPoints }) => `${at} ${mountPoints.map((one) => one.at).join()}`).join('; ') ===
      'ready open; ready ; ready '
    );
  });
});
