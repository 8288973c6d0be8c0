import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { homeOf, makeMachine, openTestCloud, until, waitForState } from '../test-cloud.ts';

describe('secondary addresses', () => {
  test('an address is listed at once and carried once the network has learnt it', async () => {
    const test1 = await openTestCloud();
    const machine = await makeMachine(test1);
    test1.clock.stand();
    const { IpInfo } = await test1.call('AllocateSecondaryIp', homeOf(machine));
    const ip = (IpInfo as { Ip: string }).Ip;
    const listed = await test1.call('DescribeSecondaryIp', { SubnetId: 'subnet-lab', VPCId: 'uvnet-lab' });
    assert.deepEqual(
      (listed.DataSet as { Ip: string }[]).map(({ Ip }) => Ip),
      [ip],
    );
    assert.deepEqual([...(test1.world.carried.get(machine.id) ?? [])], []);
    test1.clock.go();
    await until('it to be carried', () => test1.world.carried.get(machine.id)?.has(ip) === true);
  });

  test('an address given back before it was carried never reaches the world, and is free again', async () => {
    const test1 = await openTestCloud();
    const machine = await makeMachine(test1);
    test1.clock.stand();
    const wanted = { ...homeOf(machine), Ip: '10.9.0.50' };
    assert.equal((await test1.call('AllocateSecondaryIp', wanted)).RetCode, '0');
    assert.equal((await test1.call('AllocateSecondaryIp', wanted)).RetCode, '230');
    assert.equal((await test1.call('DeleteSecondaryIp', wanted)).RetCode, '0');
    await until('its record to go', () => test1.cloud.objects().addresses.length === 0);
    assert.equal((await test1.call('AllocateSecondaryIp', wanted)).RetCode, '0');
    test1.clock.go();
    await until('it to be carried', () => test1.world.carried.get(machine.id)?.has('10.9.0.50') === true);
    assert.deepEqual(
      test1.world.told.filter((line) => line.endsWith('10.9.0.50')),
      [`give ${machine.id} 10.9.0.50`],
    );
  });

  test('a moved address is taken from one machine before the other has it', async () => {
    const test1 = await openTestCloud();
    const [from, to] = [await makeMachine(test1), await makeMachine(test1)];
    await test1.call('AllocateSecondaryIp', { ...homeOf(from), Ip: '10.9.0.50' });
    await until('it to be carried', () => test1.world.carried.get(from.id)?.has('10.9.0.50') === true);
    const move = { Ip: '10.9.0.50', OldMac: from.mac, NewMac: to.mac, SubnetId: 'subnet-lab' };
    assert.equal((await test1.call('MoveSecondaryIPMac', move)).RetCode, '0');
    assert.equal((await test1.call('MoveSecondaryIPMac', move)).RetCode, '58221');
    await until('it to move', () => test1.world.carried.get(to.id)?.has('10.9.0.50') === true);
    assert.deepEqual(
      test1.world.told.filter((line) => line.endsWith('10.9.0.50')),
      [`give ${from.id} 10.9.0.50`, `take ${from.id} 10.9.0.50`, `give ${to.id} 10.9.0.50`],
    );
  });

  test('an address given back while the world is at it is taken from the world again', async () => {
    const test1 = await openTestCloud();
    const machine = await makeMachine(test1);
    const wanted = { ...homeOf(machine), Ip: '10.9.0.50' };
    const letGo = test1.world.hold('give');
    await test1.call('AllocateSecondaryIp', wanted);
    await until('the world to be at it', () => test1.world.told.includes(`give ${machine.id} 10.9.0.50`));
    await test1.call('DeleteSecondaryIp', wanted);
    letGo();
    await until('its record to go', () => test1.cloud.objects().addresses.length === 0);
    assert.deepEqual([...(test1.world.carried.get(machine.id) ?? [])], []);
  });

  test.each(['10.9.0.0', '10.9.0.1', '10.9.0.255', '10.9.1.2'])('%s is given to nobody', async (Ip) => {
    const test1 = await openTestCloud();
    const machine = await makeMachine(test1);
    assert.equal((await test1.call('AllocateSecondaryIp', { ...homeOf(machine), Ip })).RetCode, '230');
  });

  test('an address does not move into another subnet', async () => {
    const test1 = await openTestCloud();
    const [from, to] = [await makeMachine(test1), await makeMachine(test1, { SubnetId: 'subnet-small' })];
    await test1.call('AllocateSecondaryIp', { ...homeOf(from), Ip: '10.9.0.50' });
    const move = { Ip: '10.9.0.50', OldMac: from.mac, NewMac: to.mac, SubnetId: 'subnet-lab' };
    assert.equal((await test1.call('MoveSecondaryIPMac', move)).RetCode, '230');
  });

  test('MAC, subnet, VPC and object are checked together', async () => {
    const test1 = await openTestCloud();
    const machine = await makeMachine(test1);
    const home = homeOf(machine);
    const rows: readonly [Record<string, string>, string][] = [
      [{ Mac: '52:54:00:00:00:00' }, '230'],
      [{ SubnetId: 'subnet-small' }, '230'],
      [{ VPCId: 'uvnet-none' }, '230'],
      [{ ObjectId: 'uhost-none' }, '8039'],
      [{ Mac: machine.mac.toLowerCase() }, '0'],
    ];
    for (const [change, code] of rows)
      assert.equal((await test1.call('AllocateSecondaryIp', { ...home, ...change })).RetCode, code);
  });

  test('a machine with elastic interfaces is named by its interface and has the published quota', async () => {
    const test1 = await openTestCloud();
    const machine = await makeMachine(test1, { 'Features.UNI': 'true', CPU: 4 });
    assert.match(machine.nic, /^uni-/);
    const byMachine = { ...homeOf(machine), ObjectId: machine.id };
    assert.equal((await test1.call('AllocateSecondaryIp', byMachine)).RetCode, '8039');
    const { IpsInfo } = await test1.call('AllocateBatchSecondaryIp', { ...homeOf(machine), Count: 3 });
    const codes = (IpsInfo as { Status: { StatusCode: string } }[]).map(({ Status }) => Status.StatusCode);
    assert.deepEqual(codes, ['Succeeded', 'Succeeded', 'Failed']);
    assert.equal((await test1.call('AllocateSecondaryIp', homeOf(machine))).RetCode, '4207');
  });

  test.each([[{ 'Ip.0': '10.9.0.0/26' }], [{ 'Ip.0': 'x' }], [{ 'Ip.0': '10.9.0.9', Count: 1 }], [{}], [{ Count: 0 }]])(
    'a batch of %o is refused',
    async (asked) => {
      const test1 = await openTestCloud();
      const machine = await makeMachine(test1);
      assert.equal((await test1.call('AllocateBatchSecondaryIp', { ...homeOf(machine), ...asked })).RetCode, '230');
      assert.deepEqual(test1.cloud.objects().addresses, []);
    },
  );

  test('addresses end with their machine, before the machine itself', async () => {
    const test1 = await openTestCloud();
    const machine = await makeMachine(test1);
    await test1.call('AllocateBatchSecondaryIp', { ...homeOf(machine), Count: 2 });
    await until('both to be carried', () => test1.world.carried.get(machine.id)?.size === 2);
    await test1.call('PoweroffUHostInstance', { UHostId: machine.id });
    await waitForState(test1, machine.id, 'Stopped');
    await test1.call('TerminateUHostInstance', { UHostId: machine.id });
    await until('the world to destroy it', () => test1.world.told.includes(`destroy ${machine.id}`));
    assert.deepEqual(test1.cloud.objects().addresses, []);
  });

  test('an address that the world does not let go stays taken, with the reason', async () => {
    const test1 = await openTestCloud();
    const machine = await makeMachine(test1);
    const wanted = { ...homeOf(machine), Ip: '10.9.0.50' };
    await test1.call('AllocateSecondaryIp', wanted);
    await until('it to be carried', () => test1.world.carried.get(machine.id)?.has('10.9.0.50') === true);
    test1.world.failAt('take', 'no such rule');
    assert.equal((await test1.call('DeleteSecondaryIp', wanted)).RetCode, '0');
    await until('the failure', () => test1.cloud.objects().addresses[0]?.trouble === 'no such rule');
    assert.equal((await test1.call('DeleteSecondaryIp', wanted)).RetCode, '58221');
    assert.equal((await test1.call('AllocateSecondaryIp', wanted)).RetCode, '230');
  });
});
