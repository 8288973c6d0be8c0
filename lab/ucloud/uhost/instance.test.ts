import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { makeMachine, openTestCloud, until, waitForState, wish } from '../test-cloud.ts';

describe('machines', () => {
  test('a machine boots with what was asked for, on the address that was told', async () => {
    const test1 = await openTestCloud();
    const { id, ip, mac } = await makeMachine(test1);
    assert.deepEqual(test1.world.booted.get(id), {
      id,
      name: 'web-1',
      image: 'uimage-base',
      mac: mac.toLowerCase(),
      ip,
      prefixLength: 24,
      gateway: '10.9.0.1',
      cpu: 2,
      memoryMib: 4096,
    });
    assert.equal(ip, '10.9.0.2');
    assert.match(mac, /^52:54:00(:[0-9A-F]{2}){3}$/);
  });

  test('a machine is listed at once, as Initializing, and runs when its disk is written and it has started', async () => {
    const test1 = await openTestCloud();
    test1.clock.stand();
    const { UHostIds } = await test1.call('CreateUHostInstance', wish);
    const { UHostSet } = await test1.call('DescribeUHostInstance');
    const [told] = UHostSet as readonly { UHostId: string; State: string }[];
    assert.deepEqual([[told?.UHostId], told?.State], [UHostIds, 'Initializing']);
    test1.clock.go();
    await waitForState(test1, String(told?.UHostId), 'Running');
  });

  const refused: readonly [string, Record<string, string | number>, number][] = [
    ['two boot disks', { 'Disks.1.IsBoot': 'True', 'Disks.1.Type': 'CLOUD_SSD', 'Disks.1.Size': 20 }, 230],
    ['no boot disk', { 'Disks.0.IsBoot': 'False' }, 230],
    ['a boot disk of a kind for data only', { 'Disks.0.Type': 'CLOUD_NORMAL' }, 230],
    ['a boot disk that is too large', { 'Disks.0.Size': 501 }, 230],
    ['a boot disk of the wrong kind for the machine', { MachineType: 'O' }, 230],
    ['memory that is no multiple of 1024', { Memory: 1000 }, 8045],
    ['no CPU', { CPU: 0 }, 8044],
    ['an unknown image', { ImageId: 'uimage-none' }, 8039],
    ['an unknown VPC', { VPCId: 'uvnet-none' }, 8123],
    ['an unknown subnet', { SubnetId: 'subnet-none' }, 8124],
    ['a password that is missing', { LoginMode: 'Password' }, 220],
    ['user data that is not base64', { UserData: '#cloud-config' }, 230],
    ['user data that is too long', { UserData: Buffer.alloc(16_385).toString('base64') }, 230],
    ['the gateway as its address', { 'PrivateIp.0': '10.9.0.1' }, 230],
    ['one address for two machines', { 'PrivateIp.0': '10.9.0.9', MaxCount: 2 }, 230],
    ['a firewall that does not exist', { SecurityGroupId: 'firewall-1' }, 4600],
    ['a name of 64 characters', { Name: 'x'.repeat(64) }, 230],
  ];
  test.each(refused)('a create with %s is refused and leaves nothing', async (_, change, code) => {
    const { call, cloud, world } = await openTestCloud();
    assert.equal((await call('CreateUHostInstance', { ...wish, ...change })).RetCode, code);
    assert.deepEqual(cloud.objects().machines, []);
    assert.deepEqual(world.told, []);
  });

  test('a chosen address is given, and not twice', async () => {
    const { call } = await openTestCloud();
    const chosen = { ...wish, 'PrivateIp.0': '10.9.0.77' };
    assert.deepEqual((await call('CreateUHostInstance', chosen)).IPs, ['10.9.0.77']);
    assert.equal((await call('CreateUHostInstance', chosen)).RetCode, 230);
  });

  test('stock that is short gives fewer machines, and none only below MinCount', async () => {
    const { call, cloud } = await openTestCloud();
    cloud.limit({ stock: 3 });
    const first = await call('CreateUHostInstance', { ...wish, MaxCount: 5 });
    assert.equal((first.UHostIds as string[]).length, 3);
    assert.equal((await call('CreateUHostInstance', wish)).RetCode, 8224);
    const { VPCId: _, SubnetId: __, Name: ___, Tag: ____, LoginMode: _____, ...capacity } = wish;
    assert.equal((await call('CheckUHostResourceCapacity', capacity)).ResourceEnough, false);
  });

  test('a machine that does not boot is an Install Fail, says why, and can be powered off and terminated', async () => {
    const test1 = await openTestCloud();
    test1.world.failAt('boot', 'no space left');
    const created = await test1.call('CreateUHostInstance', wish);
    const [id] = created.UHostIds as [string];
    await waitForState(test1, id, 'Install Fail');
    assert.equal(test1.cloud.objects().machines[0]?.trouble, 'install: no space left');
    assert.ok(test1.log.some((entry) => entry.kind === 'world' && entry.error === 'no space left'));
    assert.equal((await test1.call('TerminateUHostInstance', { UHostId: id })).RetCode, 8856);
    assert.equal((await test1.call('PoweroffUHostInstance', { UHostId: id })).RetCode, 0);
    await waitForState(test1, id, 'Stopped');
    assert.equal((await test1.call('TerminateUHostInstance', { UHostId: id })).RetCode, 0);
  });

  test('a machine that shut itself down is Stopped and can be started', async () => {
    const test1 = await openTestCloud();
    const { id } = await makeMachine(test1);
    test1.world.shutDownFromInside(id);
    assert.equal((await test1.call('StartUHostInstance', { UHostId: id })).RetCode, 0);
    await waitForState(test1, id, 'Running');
    assert.deepEqual(test1.world.told, [`boot ${id}`, `start ${id}`]);
  });

  test('a state that can not be read is the empty string', async () => {
    const test1 = await openTestCloud();
    const { id } = await makeMachine(test1);
    test1.world.failAt('isOn', 'the host does not answer');
    await waitForState(test1, id, '');
    test1.world.failAt('isOn', undefined);
    await waitForState(test1, id, 'Running');
  });

  test('power-off ends a stop that hangs', async () => {
    const test1 = await openTestCloud();
    const { id } = await makeMachine(test1);
    test1.world.hold('stop');
    await test1.call('StopUHostInstance', { UHostId: id });
    await until('the stop to reach the world', () => test1.world.told.includes(`stop ${id}`));
    assert.equal((await test1.call('StartUHostInstance', { UHostId: id })).RetCode, 8905);
    assert.equal((await test1.call('PoweroffUHostInstance', { UHostId: id })).RetCode, 0);
    await waitForState(test1, id, 'Stopped');
    assert.equal(test1.world.on.has(id), false);
  });

  test('a terminated machine is gone from every answer, and its address rests before it is given again', async () => {
    const test1 = await openTestCloud();
    const created = await test1.call('CreateUHostInstance', { ...wish, 'PrivateIp.0': '10.9.0.9' });
    const [id] = created.UHostIds as [string];
    await waitForState(test1, id, 'Running');
    await test1.call('PoweroffUHostInstance', { UHostId: id });
    await waitForState(test1, id, 'Stopped');
    test1.clock.stand();
    await test1.call('TerminateUHostInstance', { UHostId: id });
    assert.equal((await test1.call('DescribeUHostInstance')).TotalCount, 0);
    assert.equal((await test1.call('TerminateUHostInstance', { UHostId: id })).RetCode, 8039);
    await until('the world to destroy it', () => test1.world.told.includes(`destroy ${id}`));
    assert.equal((await test1.call('CreateUHostInstance', { ...wish, 'PrivateIp.0': '10.9.0.9' })).RetCode, 230);
    test1.clock.go();
    await until('its record to go', () => test1.cloud.objects().machines.length === 0);
    assert.equal((await test1.call('CreateUHostInstance', { ...wish, 'PrivateIp.0': '10.9.0.9' })).RetCode, 0);
  });

  test('a machine that the world can not destroy stays visible with the reason', async () => {
    const test1 = await openTestCloud();
    const { id } = await makeMachine(test1);
    await test1.call('PoweroffUHostInstance', { UHostId: id });
    await waitForState(test1, id, 'Stopped');
    test1.world.failAt('destroy', 'mount is busy');
    await test1.call('TerminateUHostInstance', { UHostId: id });
    await until('the failure', () => test1.cloud.objects().machines[0]?.trouble === 'end: mount is busy');
  });
});
