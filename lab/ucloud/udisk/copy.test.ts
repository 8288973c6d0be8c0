import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { type Answer, makeMachine, openTestCloud, type TestCloud, until } from '../test-cloud.ts';
import { makeDisk, seenDisk, waitForDisk } from '../test-disk.ts';

async function makeSnapshot(test: TestCloud, disk: string, name = 'backup'): Promise<string> {
  const made = await test.call('CreateUDiskSnapshot', { UDiskId: disk, Name: name, Comment: 'nightly' });
  if (made.RetCode !== 0) throw new Error(`creating a snapshot: ${JSON.stringify(made)}`);
  const [id] = made.SnapshotId as readonly [string];
  await until('the snapshot', () => test.cloud.objects().snapshots.some((one) => one.id === id && one.at === 'Normal'));
  return id;
}

describe('a snapshot', () => {
  test('is of a disk as it is, also while a machine has it, and told with where it came from', async () => {
    const test = await openTestCloud();
    const [machine, disk] = [await makeMachine(test), await makeDisk(test)];
    await test.call('AttachUDisk', { UDiskId: disk, HostId: machine.id, MultiAttach: 'No' });
    await waitForDisk(test, disk, 'InUse');
    const id = await makeSnapshot(test, disk);
    const { DataSet, TotalCount } = await test.call('DescribeUDiskSnapshot', { SnapshotId: id });
    const [{ CreateTime: _, ...told }] = DataSet as readonly [Answer];
    assert.equal(TotalCount, 1);
    assert.deepEqual(told, {
      Zone: 'cn-bj2-04',
      SnapshotId: id,
      Name: 'backup',
      UDiskId: disk,
      UDiskName: 'pvc-1',
      Size: 20,
      Status: 'Normal',
      DiskType: 2,
      ExpiredTime: 0,
      Comment: 'nightly',
      IsUDiskAvailable: true,
      Version: '2.0',
      UHostId: machine.id,
      UKmsMode: 'No',
      CmkId: '',
      DataKey: '',
      CmkIdStatus: 'NoCmkId',
      CmkIdAlias: '',
    });
    assert.equal((await seenDisk(test, disk))?.SnapshotCount, 1);
  });

  test('is one of three of a disk', async () => {
    const test = await openTestCloud();
    const disk = await makeDisk(test);
    for (const name of ['a', 'b', 'c']) await makeSnapshot(test, disk, name);
    assert.equal((await test.call('CreateUDiskSnapshot', { UDiskId: disk, Name: 'd' })).RetCode, 17011);
    await test.call('DeleteUDiskSnapshot', { UDiskId: disk });
    assert.equal((await test.call('DescribeUDiskSnapshot', { UDiskId: disk })).TotalCount, 0);
    await makeSnapshot(test, disk);
  });

  test('keeps its disk from being deleted while it is being made, and outlives it afterwards', async () => {
    const test = await openTestCloud();
    const disk = await makeDisk(test);
    test.clock.stand();
    await test.call('CreateUDiskSnapshot', { UDiskId: disk, Name: 'slow' });
    const [creating] = (await test.call('DescribeUDiskSnapshot')).DataSet as readonly [Answer];
    const codes = [
      await test.call('DeleteUDisk', { UDiskId: disk }),
      await test.call('DeleteUDiskSnapshot', { SnapshotId: creating.SnapshotId as string }),
      await test.call('CloneUDiskSnapshot', { SourceId: creating.SnapshotId as string, Name: 'too-soon' }),
    ].map(({ RetCode }) => RetCode);
    test.clock.go();
    assert.equal(creating.Status, 'Creating');
    assert.deepEqual(codes, [17085, 17085, 17085]);
    await until('the snapshot', () => test.cloud.objects().snapshots[0]?.at === 'Normal');
    assert.equal((await test.call('DeleteUDisk', { UDiskId: disk })).RetCode, 0);
    const [left] = (await test.call('DescribeUDiskSnapshot')).DataSet as readonly [Answer];
    assert.equal(left.IsUDiskAvailable, false);
    const copy = await test.call('CloneUDiskSnapshot', { SourceId: left.SnapshotId as string, Name: 'copy', Size: 30 });
    const [id] = copy.UDiskId as readonly [string];
    await waitForDisk(test, id, 'Available');
    assert.equal(test.world.bytes.get(id), `${id} <- snapshot ${left.SnapshotId as string} <- ${disk}`);
  });

  test('that the world can not make is Failed, and counts for nothing', async () => {
    const test = await openTestCloud();
    const disk = await makeDisk(test);
    test.world.failAt('snapshot', 'no room');
    for (let n = 0; n < 4; n++) {
      assert.equal((await test.call('CreateUDiskSnapshot', { UDiskId: disk, Name: `s${n}` })).RetCode, 0);
      await until('its end', () => test.cloud.objects().snapshots.every(({ at }) => at === 'Failed'));
    }
  });

  test('sets its disk back, which must be in no machine', async () => {
    const test = await openTestCloud();
    const [machine, disk, other] = [await makeMachine(test), await makeDisk(test), await makeDisk(test)];
    const id = await makeSnapshot(test, disk);
    const restore = async (what: string) =>
      (await test.call('RestoreUDisk', { UDiskId: what, SnapshotId: id })).RetCode;
    await test.call('AttachUDisk', { UDiskId: disk, HostId: machine.id, MultiAttach: 'No' });
    await waitForDisk(test, disk, 'InUse');
    assert.deepEqual([await restore(disk), await restore(other)], [17096, 230]);
    await test.call('DetachUDisk', { UDiskId: disk, HostId: machine.id });
    await waitForDisk(test, disk, 'Available');
    test.clock.stand();
    assert.equal(await restore(disk), 0);
    assert.equal((await seenDisk(test, disk))?.Status, 'Restoring');
    assert.equal(await restore(disk), 17098);
    assert.equal((await test.call('DeleteUDiskSnapshot', { SnapshotId: id })).RetCode, 17086);
    test.clock.go();
    await waitForDisk(test, disk, 'Available');
    assert.equal(test.world.bytes.get(disk), `${disk} <- snapshot ${id} <- ${disk}`);
  });

  test('that can not be restored leaves the disk RestoreFailed, and it may be tried again', async () => {
    const test = await openTestCloud();
    const disk = await makeDisk(test);
    const id = await makeSnapshot(test, disk);
    test.world.failAt('restore', 'no room');
    await test.call('RestoreUDisk', { UDiskId: disk, SnapshotId: id });
    await waitForDisk(test, disk, 'RestoreFailed');
    test.world.failAt('restore', undefined);
    await test.call('RestoreUDisk', { UDiskId: disk, SnapshotId: id });
    await waitForDisk(test, disk, 'Available');
  });
});

describe('a clone', () => {
  test('is Cloning until it is a disk of its own, of the kind of its source and paid by the month', async () => {
    const test = await openTestCloud();
    const source = await makeDisk(test, { UKmsMode: 'Yes', CmkId: 'kms-1' });
    test.clock.stand();
    const { UDiskId } = await test.call('CloneUDisk', { SourceId: source, Name: 'copy' });
    const [id] = UDiskId as readonly [string];
    assert.equal((await seenDisk(test, id))?.Status, 'Cloning');
    const codes = [
      await test.call('DeleteUDisk', { UDiskId: source }),
      await test.call('ResizeUDisk', { UDiskId: source, Size: 40 }),
    ].map(({ RetCode }) => RetCode);
    test.clock.go();
    const disk = await waitForDisk(test, id, 'Available');
    assert.deepEqual(codes, [17086, 17086]);
    assert.deepEqual([disk.DiskType, disk.ChargeType, disk.Size, disk.CmkId], ['CLOUD_SSD', 'Month', 20, 'kms-1']);
    assert.equal(test.world.bytes.get(id), `${id} <- ${source}`);
  });

  test('is made of a free disk, and no smaller', async () => {
    const test = await openTestCloud();
    const [machine, source] = [await makeMachine(test), await makeDisk(test)];
    assert.equal((await test.call('CloneUDisk', { SourceId: source, Name: 'copy', Size: 10 })).RetCode, 230);
    await test.call('AttachUDisk', { UDiskId: source, HostId: machine.id, MultiAttach: 'No' });
    await waitForDisk(test, source, 'InUse');
    assert.equal((await test.call('CloneUDisk', { SourceId: source, Name: 'copy' })).RetCode, 230);
  });

  test('is made where a machine can have it', async () => {
    const test = await openTestCloud();
    test.plant({ action: 'CreateUHostInstance', kind: 'other-rdma-cluster', times: 1 });
    const machine = await makeMachine(test, { MachineType: 'O', 'Disks.0.Type': 'CLOUD_RSSD' });
    const source = await makeDisk(test, { DiskType: 'RSSDDataDisk' });
    const { UDiskId } = await test.call('CloneUDisk', { SourceId: source, Name: 'copy', HostId: machine.id });
    assert.equal((await seenDisk(test, (UDiskId as readonly [string])[0]))?.RdmaClusterId, 'rdma-2');
  });
});

test('a snapshot service is paid for once for each disk', async () => {
  const { call, ...test } = await openTestCloud();
  const disk = await makeDisk({ call, ...test });
  assert.equal((await call('CreateSnapshotService', { VDiskId: disk })).RetCode, 0);
  assert.equal((await call('CreateSnapshotService', { VDiskId: disk })).RetCode, 230);
  const { DataSet } = await call('DescribeSnapshotService', { VDiskId: disk });
  assert.deepEqual(
    (DataSet as readonly Answer[]).map((one) => [one.Status, one.VDiskType, one.ChargeType]),
    [['Available', 'CLOUD_SSD', 'Month']],
  );
  assert.equal((await seenDisk({ call, ...test }, disk))?.BackupMode, 'SnapshotService');
  assert.equal((await call('DeleteSnapshotService', { VDiskId: disk })).RetCode, 0);
  assert.equal((await call('DeleteSnapshotService', { VDiskId: disk })).RetCode, 17041);
});
