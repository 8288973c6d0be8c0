import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { createTestClock } from '../test-clock.ts';
import {
  type Answer,
  makeMachine,
  openTestCloud,
  startTestCloud,
  type TestCloud,
  until,
  waitForState,
} from '../test-cloud.ts';
import { firstDisk, makeDisk, seenDisk, waitForDisk } from '../test-disk.ts';

const alone = { MultiAttach: 'No' };

async function attach(test: TestCloud, disk: string, machine: string, more: Readonly<Record<string, string>> = alone) {
  const answer = await test.call('AttachUDisk', { UDiskId: disk, HostId: machine, ...more });
  if (answer.RetCode === 0) await waitForDisk(test, disk, 'InUse');
  return answer;
}

describe('attaching a disk', () => {
  test('is Attaching first and InUse a little later, under the name that was told', async () => {
    const test = await openTestCloud();
    const [machine, disk] = [await makeMachine(test), await makeDisk(test)];
    test.clock.stand();
    const answer = await test.call('AttachUDisk', { UDiskId: disk, UHostId: machine.id, ...alone });
    const between = await seenDisk(test, disk);
    const codes = [
      await test.call('AttachUDisk', { UDiskId: disk, HostId: machine.id }),
      await test.call('DetachUDisk', { UDiskId: disk, HostId: machine.id }),
      await test.call('DeleteUDisk', { UDiskId: disk }),
    ].map(({ RetCode }) => RetCode);
    assert.equal(test.world.plugged.get(machine.id)?.has(disk) ?? false, false);
    test.clock.go();
    const after = await waitForDisk(test, disk, 'InUse');
    assert.deepEqual(
      [answer.RetCode, answer.UDiskId, answer.UHostId, answer.HostId, answer.DeviceName],
      [0, disk, machine.id, machine.id, '/dev/vdb'],
    );
    assert.equal(between?.Status, 'Attaching');
    assert.deepEqual(codes, [17056, 17056, 17030]);
    assert.deepEqual(
      [after.HostId, after.UHostId, after.HostName, after.HostIP, after.DeviceName],
      [machine.id, machine.id, 'web-1', machine.ip, '/dev/vdb'],
    );
    assert.deepEqual([...(test.world.plugged.get(machine.id) ?? [])], [[disk, '/dev/vdb']]);
  });

  test('gives each disk the first free name, and a name that was given back again', async () => {
    const test = await openTestCloud();
    const machine = await makeMachine(test);
    const disks = await Promise.all([makeDisk(test), makeDisk(test), makeDisk(test)]);
    const [a, b, c] = disks as unknown as readonly [string, string, string];
    const names = [(await attach(test, a, machine.id)).DeviceName, (await attach(test, b, machine.id)).DeviceName];
    await test.call('DetachUDisk', { UDiskId: a, HostId: machine.id });
    await waitForDisk(test, a, 'Available');
    names.push((await attach(test, c, machine.id)).DeviceName);
    assert.deepEqual(names, ['/dev/vdb', '/dev/vdc', '/dev/vdb']);
  });

  test('is for one machine, unless all who attach it allow others', async () => {
    const test = await openTestCloud();
    const [one, two] = [await makeMachine(test), await makeMachine(test, { Name: 'web-2' })];
    const disk = await makeDisk(test);
    await attach(test, disk, one.id);
    assert.equal((await attach(test, disk, one.id)).RetCode, 17057);
    assert.equal((await attach(test, disk, two.id)).RetCode, 17057);
    // The default of the page: both must have agreed.
    assert.equal((await attach(test, disk, two.id, {})).RetCode, 17057);
    const shared = await makeDisk(test);
    await attach(test, shared, one.id, {});
    await attach(test, shared, two.id, {});
    assert.equal((await test.call('DetachUDisk', { UDiskId: shared })).RetCode, 220);
    assert.deepEqual(
      [...test.world.plugged].map(([machine, disks]) => [machine, disks.has(shared)]),
      [
        [one.id, true],
        [two.id, true],
      ],
    );
  });

  test('waits while another machine is being given the disk, or the disk is on its way out', async () => {
    const test = await openTestCloud();
    const [one, two] = [await makeMachine(test), await makeMachine(test, { Name: 'web-2' })];
    const disk = await makeDisk(test);
    test.clock.stand();
    await test.call('AttachUDisk', { UDiskId: disk, HostId: one.id, ...alone });
    const during = await test.call('AttachUDisk', { UDiskId: disk, HostId: two.id, ...alone });
    test.clock.go();
    await waitForDisk(test, disk, 'InUse');
    test.clock.stand();
    await test.call('DetachUDisk', { UDiskId: disk, HostId: one.id });
    const leaving = [
      await test.call('AttachUDisk', { UDiskId: disk, HostId: two.id, ...alone }),
      await test.call('DetachUDisk', { UDiskId: disk, HostId: one.id }),
    ];
    test.clock.go();
    assert.equal(during.RetCode, 17101);
    assert.deepEqual(
      leaving.map(({ RetCode }) => RetCode),
      [17061, 17061],
    );
    await waitForDisk(test, disk, 'Available');
    assert.equal((await attach(test, disk, two.id)).RetCode, 0);
  });

  test('needs the same zone, the same RDMA cluster or leave to cross, and a machine that is there', async () => {
    const test = await openTestCloud();
    const fast = { MachineType: 'O', 'Disks.0.Type': 'CLOUD_RSSD' };
    const [plain, here] = [await makeMachine(test), await makeMachine(test, fast)];
    test.plant({ action: 'CreateUHostInstance', kind: 'other-rdma-cluster', times: 1 });
    const there = await makeMachine(test, fast);
    const rssd = await makeDisk(test, { DiskType: 'RSSDDataDisk' });
    const far = await makeDisk(test, { Zone: 'cn-bj2-05' });
    const code = async (disk: string, machine: string, more: Readonly<Record<string, string>> = {}) =>
      (await test.call('AttachUDisk', { UDiskId: disk, HostId: machine, ...alone, ...more })).RetCode;
    assert.deepEqual(
      [
        await code(far, plain.id, { Zone: '' }),
        await code(rssd, 'uhost-none'),
        await code(rssd, plain.id),
        await code(rssd, plain.id, { EnableCrossPodAttach: 'Yes' }),
        await code(rssd, there.id),
        await code(rssd, there.id, { EnableCrossPodAttach: 'Yes' }),
      ],
      [230, 8039, 17218, 17218, 17218, 0],
    );
    await waitForDisk(test, rssd, 'InUse');
    assert.ok(here.id !== there.id);
  });

  test('is possible to a machine that is off, which has the disk when it starts, and to none that is starting', async () => {
    const test = await openTestCloud();
    const machine = await makeMachine(test);
    const [disk, other] = [await makeDisk(test), await makeDisk(test)];
    await test.call('StopUHostInstance', { UHostId: machine.id });
    await waitForState(test, machine.id, 'Stopped');
    assert.equal((await attach(test, disk, machine.id)).RetCode, 0);
    test.clock.stand();
    await test.call('StartUHostInstance', { UHostId: machine.id });
    assert.equal((await attach(test, other, machine.id)).RetCode, 8905);
    test.clock.go();
    await waitForState(test, machine.id, 'Running');
  });

  test('goes as far as the limit of a machine', async () => {
    const test = await openTestCloud();
    const machine = await makeMachine(test);
    test.cloud.limit({ attachments: 1 });
    await attach(test, await makeDisk(test), machine.id);
    assert.equal((await attach(test, await makeDisk(test), machine.id)).RetCode, 17067);
  });

  test('that the world fails at leaves the disk Available, and says why', async () => {
    const test = await openTestCloud();
    const [machine, disk] = [await makeMachine(test), await makeDisk(test)];
    test.world.failAt('plug', 'no slot');
    await test.call('AttachUDisk', { UDiskId: disk, HostId: machine.id, ...alone });
    await waitForDisk(test, disk, 'Available');
    assert.equal(firstDisk(test).trouble, 'attachDisk: no slot');
  });

  test('comes with a new disk in one call', async () => {
    const test = await openTestCloud();
    const machine = await makeMachine(test);
    const params = { Name: 'data', Size: 2001, HostId: machine.id, ...alone };
    const { UDiskId, DeviceName } = await test.call('CreateAttachUDisk', params);
    const disk = await waitForDisk(test, UDiskId as string, 'InUse');
    assert.deepEqual([DeviceName, disk.ChargeType, disk.HostId], ['/dev/vdb', 'Month', machine.id]);
  });
});

describe('detaching a disk', () => {
  test('is refused while the guest uses it, and when it is not there', async () => {
    const test = await openTestCloud();
    const [machine, disk] = [await makeMachine(test), await makeDisk(test)];
    const detach = async () => (await test.call('DetachUDisk', { UDiskId: disk, UHostId: machine.id })).RetCode;
    assert.equal(await detach(), 17060);
    await attach(test, disk, machine.id);
    test.world.mount(disk, true);
    assert.equal(await detach(), 17060);
    assert.equal((await seenDisk(test, disk))?.Status, 'InUse');
    test.world.mount(disk, false);
    assert.equal(await detach(), 0);
    await waitForDisk(test, disk, 'Available');
  });

  test('ends as it was when the guest begins to use it meanwhile', async () => {
    const test = await openTestCloud();
    const [machine, disk] = [await makeMachine(test), await makeDisk(test)];
    await attach(test, disk, machine.id);
    test.clock.stand();
    await test.call('DetachUDisk', { UDiskId: disk, UHostId: machine.id });
    test.world.mount(disk, true);
    test.clock.go();
    await waitForDisk(test, disk, 'InUse');
    assert.match(firstDisk(test).trouble ?? '', /^detachDisk: uhost-\w+ uses it$/);
  });

  test('frees the disk of a machine that is off, whatever its guest had mounted', async () => {
    const test = await openTestCloud();
    const [machine, disk] = [await makeMachine(test), await makeDisk(test)];
    await attach(test, disk, machine.id);
    test.world.mount(disk, true);
    await test.call('PoweroffUHostInstance', { UHostId: machine.id });
    await waitForState(test, machine.id, 'Stopped');
    assert.equal((await test.call('DetachUDisk', { UDiskId: disk, UHostId: machine.id })).RetCode, 0);
    await waitForDisk(test, disk, 'Available');
  });

  test('may delete it at the end, and its snapshot service', async () => {
    const test = await openTestCloud();
    const machine = await makeMachine(test);
    const disk = await makeDisk(test, { SnapshotService: 'Yes' });
    await attach(test, disk, machine.id);
    await test.call('DetachDeleteUDisk', { UDiskId: disk, HostId: machine.id, DeleteSnapshotService: 'Yes' });
    await until('it to go', () => test.cloud.objects().udisks.length === 0 && test.world.bytes.size === 0);
    assert.deepEqual(test.cloud.objects().snapshotServices, []);
  });
});

describe('trouble on request', () => {
  test('a device comes later than the API tells of it', async () => {
    const test = await openTestCloud();
    const [machine, disk] = [await makeMachine(test), await makeDisk(test)];
    test.plant({ action: 'AttachUDisk', kind: 'late-device', delay: '200ms', times: 1 });
    await attach(test, disk, machine.id);
    assert.equal(test.world.plugged.get(machine.id)?.has(disk) ?? false, false);
    await until('the device', () => test.world.plugged.get(machine.id)?.has(disk) === true);
  });

  test('a device has the name of another, and that has its name', async () => {
    const test = await openTestCloud();
    const machine = await makeMachine(test);
    const [a, b] = [await makeDisk(test), await makeDisk(test)];
    test.plant({ action: 'AttachUDisk', kind: 'swapped-device', times: 1 });
    const told = [await attach(test, a, machine.id), await attach(test, b, machine.id)];
    assert.deepEqual(
      told.map(({ DeviceName }) => DeviceName),
      ['/dev/vdb', '/dev/vdc'],
    );
    assert.deepEqual(Object.fromEntries(test.world.plugged.get(machine.id) ?? []), {
      [a]: '/dev/vdc',
      [b]: '/dev/vdb',
    });
  });

  test('a detach takes its time', async () => {
    const test = await openTestCloud();
    const [machine, disk] = [await makeMachine(test), await makeDisk(test)];
    await attach(test, disk, machine.id);
    test.plant({ action: 'DetachUDisk', kind: 'slow-detach', delay: '300ms' });
    const began = performance.now();
    await test.call('DetachUDisk', { UDiskId: disk, HostId: machine.id });
    await waitForDisk(test, disk, 'Available');
    assert.ok(performance.now() - began >= 300);
  });

  test('an attach is answered by nothing and done all the same', async () => {
    const test = await openTestCloud();
    const [machine, disk] = [await makeMachine(test), await makeDisk(test)];
    test.plant({ action: 'AttachUDisk', kind: 'timeout-done', times: 1 });
    assert.equal((await attach(test, disk, machine.id)).RetCode, 110);
    await waitForDisk(test, disk, 'InUse');
  });
});

test('a cloud that is closed in the middle of its work takes it up again', async () => {
  const clock = createTestClock();
  const first = await startTestCloud({ clock });
  const machine = await makeMachine(first);
  const [arriving, leaving, growing] = [await makeDisk(first), await makeDisk(first), await makeDisk(first)];
  await attach(first, leaving, machine.id);
  clock.stand();
  await first.call('AttachUDisk', { UDiskId: arriving, HostId: machine.id, ...alone });
  await first.call('DetachUDisk', { UDiskId: leaving, HostId: machine.id });
  await first.call('ResizeUDisk', { UDiskId: growing, Size: 40 });
  await first.call('CreateUDiskSnapshot', { UDiskId: growing, Name: 'never' });
  const { UDiskId } = await first.call('CreateUDisk', { Name: 'new', Size: 1 });
  await first.close();
  clock.go();
  const test = await openTestCloud({ restore: first.cloud.snapshot() }, first.world);
  await waitForDisk(test, arriving, 'InUse');
  await waitForDisk(test, leaving, 'Available');
  await waitForDisk(test, (UDiskId as readonly [string])[0], 'Available');
  await until('the size', () => test.world.sizes.get(growing) === 40);
  const { DataSet } = await test.call('DescribeUDisk');
  assert.deepEqual(
    (DataSet as readonly Answer[]).filter(({ IsBoot }) => IsBoot === 'False').map(({ Status }) => Status),
    ['InUse', 'Available', 'Available', 'Available'],
  );
});
