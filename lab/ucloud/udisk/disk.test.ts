import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { type Answer, makeMachine, openTestCloud, type TestCloud, until, waitForState } from '../test-cloud.ts';
import { diskWish, firstDisk, makeDisk, seenDisk, waitForDisk } from '../test-disk.ts';

describe('a disk', () => {
  test('is Initializating first and Available a little later, with what was asked for', async () => {
    const test = await openTestCloud();
    test.clock.stand();
    const { UDiskId } = await test.call('CreateUDisk', { ...diskWish, UKmsMode: 'Yes', CmkId: 'kms-1' });
    const [id] = UDiskId as readonly [string];
    const before = await seenDisk(test, id);
    test.clock.go();
    const after = await waitForDisk(test, id, 'Available');
    assert.match(id, /^bs-[a-z0-9]{12}$/);
    assert.equal(before?.Status, 'Initializating');
    const { CreateTime: _, ExpiredTime: __, ...told } = after;
    assert.deepEqual(told, {
      Zone: 'cn-bj2-04',
      UDiskId: id,
      Name: 'pvc-1',
      Tag: 'shop',
      Size: 20,
      ChargeType: 'Dynamic',
      IsExpire: 'No',
      Version: '2.0',
      UDataArkMode: 'No',
      ArkSwitchEnable: 0,
      Status: 'Available',
      DiskType: 'CLOUD_SSD',
      IsBoot: 'False',
      UHostId: '',
      UHostName: '',
      UHostIP: '',
      HostId: '',
      HostName: '',
      HostIP: '',
      DeviceName: '',
      SnapshotCount: 0,
      SnapshotLimit: 3,
      CloneEnable: 1,
      SnapEnable: 1,
      UKmsMode: 'Yes',
      CmkId: 'kms-1',
      DataKey: '',
      CmkIdStatus: 'Enabled',
      CmkIdAlias: '',
      BackupMode: '',
      RdmaClusterId: '',
    });
  });

  test('has the kind, the charge and the size of the page where the call names none', async () => {
    const test = await openTestCloud();
    const { UDiskId } = await test.call('CreateUDisk', { Name: 'plain', Size: 1 });
    const disk = await seenDisk(test, (UDiskId as readonly string[])[0] ?? '', { ProtocolVersion: 0 });
    assert.deepEqual([disk?.DiskType, disk?.ChargeType, disk?.Size], ['DataDisk', 'Dynamic', 1]);
  });

  const sizes = [
    ['SSDDataDisk', 0, 230],
    ['SSDDataDisk', 8001, 230],
    ['RSSDDataDisk', 8001, 0],
    ['RSSDDataDisk', 32_001, 230],
    ['EfficiencyDataDisk', 32_000, 0],
  ] as const;
  test.each(sizes)('of kind %s with %i GB answers %i', async (DiskType, Size, code) => {
    const { call } = await openTestCloud();
    assert.equal((await call('CreateUDisk', { ...diskWish, DiskType, Size })).RetCode, code);
  });

  test('that does not exist is an empty set in a list, and 17041 elsewhere', async () => {
    const { call } = await openTestCloud();
    const list = await call('DescribeUDisk', { UDiskId: 'bs-none' });
    const codes = await Promise.all([
      call('DeleteUDisk', { UDiskId: 'bs-none' }),
      call('ResizeUDisk', { UDiskId: 'bs-none', Size: 30 }),
      call('AttachUDisk', { UDiskId: 'bs-none', HostId: 'uhost-none' }),
      call('CreateUDiskSnapshot', { UDiskId: 'bs-none', Name: 's' }),
      call('DescribeUDisk', { UDiskId: 'bs-none', Zone: 'cn-bj2-05' }),
    ]);
    assert.deepEqual([list.RetCode, list.TotalCount, list.DataSet], [0, 0, []]);
    assert.deepEqual(
      codes.map(({ RetCode }) => RetCode),
      [17041, 17041, 17041, 17041, 0],
    );
  });

  test('only grows, and has its new size when it is done', async () => {
    const test = await openTestCloud();
    const id = await makeDisk(test);
    assert.equal((await test.call('ResizeUDisk', { UDiskId: id, Size: 20 })).RetCode, 230);
    assert.equal((await test.call('ResizeUDisk', { UDiskId: id, Size: 30 })).RetCode, 0);
    await until('it to grow', () => firstDisk(test).sizeGib === 30);
    assert.deepEqual([(await seenDisk(test, id))?.Size, test.world.sizes.get(id)], [30, 30]);
  });

  test('is renamed, and gone from every list as soon as it is deleted', async () => {
    const test = await openTestCloud();
    const id = await makeDisk(test);
    await test.call('RenameUDisk', { UDiskId: id, UDiskName: 'other' });
    assert.equal((await test.call('DescribeUDisk', { UDiskName: 'pvc-1' })).TotalCount, 0);
    assert.equal((await test.call('DescribeUDisk', { UDiskName: 'other' })).TotalCount, 1);
    assert.equal((await test.call('DeleteUDisk', { UDiskId: id })).RetCode, 0);
    assert.equal((await test.call('DescribeUDisk')).TotalCount, 0);
    await until('its bytes to go', () => test.world.bytes.size === 0);
  });

  test('is one of 1000 at the most, and of what the operator allows', async () => {
    const test = await openTestCloud();
    test.cloud.limit({ udisks: 1, diskStock: 2 });
    await makeDisk(test);
    assert.equal((await test.call('CreateUDisk', diskWish)).RetCode, 17067);
    test.cloud.limit({ udisks: null, diskStock: 1 });
    assert.equal((await test.call('CreateUDisk', diskWish)).RetCode, 17005);
  });

  test('that the world can not make is Failed, and can be deleted', async () => {
    const test = await openTestCloud();
    test.world.failAt('make bs', 'no room');
    const { UDiskId } = await test.call('CreateUDisk', diskWish);
    const [id] = UDiskId as readonly [string];
    await waitForDisk(test, id, 'Failed');
    assert.equal(firstDisk(test).trouble, 'makeDisk: no room');
    assert.equal((await test.call('DeleteUDisk', { UDiskId: id })).RetCode, 0);
  });

  test('costs nothing', async () => {
    const { call } = await openTestCloud();
    const price = await call('DescribeUDiskPrice', { Size: 20, ChargeType: 'Dynamic', DiskType: 'SSDDataDisk' });
    assert.deepEqual(price.DataSet, [
      { ChargeType: 'Dynamic', ChargeName: 'UDisk', Price: 0, ListPrice: 0, OriginalPrice: 0 },
    ]);
  });
});

describe('a list of disks', () => {
  test('has the names of the protocol that was asked for, and pages', async () => {
    const test = await openTestCloud();
    await makeMachine(test);
    for (const DiskType of ['DataDisk', 'RSSDDataDisk']) await makeDisk(test, { DiskType });
    const types = async (params: Readonly<Record<string, string | number>>): Promise<unknown> => {
      const { RetCode, TotalCount, DataSet } = await test.call('DescribeUDisk', params);
      if (RetCode !== 0) return RetCode;
      return [TotalCount, (DataSet as readonly Answer[]).map(({ DiskType }) => DiskType)];
    };
    assert.deepEqual(
      [
        await types({}),
        await types({ ProtocolVersion: 1 }),
        await types({ DiskType: 'RSSDDataDisk' }),
        await types({ DiskType: 'SSDSystemDisk' }),
        await types({ ProtocolVersion: 1, DiskType: 'CLOUD_SSD', IsBoot: 'True' }),
        await types({ ProtocolVersion: 1, DiskType: 'CLOUD_SSD', IsBoot: 'False' }),
        await types({ ProtocolVersion: 1, DiskType: 'CLOUD_SSD' }),
        await types({ Limit: 1, Offset: 1 }),
        await types({ Status: 'InUse' }),
        await types({ Tag: 'nobody' }),
      ],
      [
        [3, ['DataDisk', 'RSSDDataDisk', 'SSDSystemDisk']],
        [3, ['CLOUD_NORMAL', 'CLOUD_RSSD', 'CLOUD_SSD']],
        [1, ['RSSDDataDisk']],
        [1, ['SSDSystemDisk']],
        [1, ['CLOUD_SSD']],
        [0, []],
        220,
        [3, ['RSSDDataDisk']],
        [1, ['SSDSystemDisk']],
        [0, []],
      ],
    );
  });

  test('is shorter where billing, backups and hosts are not asked for', async () => {
    const test = await openTestCloud();
    const id = await makeDisk(test);
    const all = Object.keys((await seenDisk(test, id)) ?? {});
    const left = async (params: Readonly<Record<string, string>>) => {
      const fields = Object.keys((await seenDisk(test, id, params)) ?? {});
      return all.filter((field) => !fields.includes(field)).sort();
    };
    assert.deepEqual(await left({ IgnoreUBillInfo: 'Yes' }), ['ChargeType', 'ExpiredTime', 'IsExpire']);
    assert.deepEqual(await left({ IgnoreBackupMode: 'Yes' }), ['BackupMode']);
    assert.deepEqual(await left({ UDiskBasicInfo: 'Yes' }), [
      'BackupMode',
      'ChargeType',
      'ExpiredTime',
      'HostIP',
      'HostName',
      'IsExpire',
      'SnapshotCount',
      'SnapshotLimit',
      'UHostIP',
      'UHostName',
    ]);
  });

  test('tells which disks a machine could have, by zone and RDMA cluster', async () => {
    const test = await openTestCloud();
    const plain = await makeMachine(test);
    const fast = await makeMachine(test, { MachineType: 'O', 'Disks.0.Type': 'CLOUD_RSSD' });
    const ssd = await makeDisk(test);
    const rssd = await makeDisk(test, { DiskType: 'RSSDDataDisk' });
    await makeDisk(test, { Zone: 'cn-bj2-05' });
    const ids = async (params: Readonly<Record<string, string>>) =>
      ((await test.call('DescribeUDisk', params)).DataSet as readonly Answer[]).map(({ UDiskId }) => UDiskId);
    assert.deepEqual(await ids({ HostIdForAttachment: plain.id }), [ssd]);
    assert.deepEqual(await ids({ UHostIdForAttachment: fast.id }), [ssd, rssd]);
    const hosts = await test.call('DescribeUHostInstance', { UDiskIdForAttachment: rssd });
    assert.deepEqual(
      (hosts.UHostSet as readonly Answer[]).map(({ UHostId, RdmaClusterId }) => [UHostId, RdmaClusterId]),
      [[fast.id, 'rdma-1']],
    );
  });
});

describe('a machine with data disks', () => {
  const withData = { 'Disks.1.IsBoot': 'False', 'Disks.1.Type': 'CLOUD_SSD', 'Disks.1.Size': 40 };

  test('has them from its first start on, and they can be detached', async () => {
    const test = await openTestCloud();
    const { id } = await makeMachine(test, withData);
    const [disk] = test.cloud.objects().udisks;
    assert.ok(disk !== undefined);
    assert.deepEqual([...(test.world.plugged.get(id) ?? [])], [[disk.id, '/dev/vdb']]);
    const told = test.world.told.filter((what) => /^(make|plug|boot)/.test(what));
    assert.deepEqual(told, [`make ${disk.id}`, `plug ${id} ${disk.id} /dev/vdb`, `boot ${id}`]);
    const { DiskSet, TotalDiskSpace } = await waitForState(test, id, 'Running');
    assert.deepEqual(
      (DiskSet as readonly Answer[]).map((one) => [one.Drive, one.IsBoot, one.Type, one.Size]),
      [
        ['/dev/vda', 'True', 'Boot', 20],
        ['/dev/vdb', 'False', 'Udisk', 40],
      ],
    );
    assert.equal(TotalDiskSpace, 40);
    assert.equal((await test.call('DetachUDisk', { UDiskId: disk.id, UHostId: id })).RetCode, 0);
    await waitForDisk(test, disk.id, 'Available');
  });

  const ends = [
    ['keeps them', {}, ['Available']],
    ['takes them along when it is told to', { ReleaseUDisk: 'true' }, []],
  ] as const;
  test.each(ends)('that is terminated %s', async (_, params, left) => {
    const test: TestCloud = await openTestCloud();
    const { id } = await makeMachine(test, withData);
    await test.call('PoweroffUHostInstance', { UHostId: id });
    await waitForState(test, id, 'Stopped');
    await test.call('TerminateUHostInstance', { UHostId: id, ...params });
    await until('the machine to end', () => test.cloud.objects().machines.every(({ destroyed }) => destroyed));
    const { DataSet } = await test.call('DescribeUDisk');
    assert.deepEqual(
      (DataSet as readonly Answer[]).map(({ Status }) => Status),
      left,
    );
  });
});
