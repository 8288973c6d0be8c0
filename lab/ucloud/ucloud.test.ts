import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import type { State } from './products.ts';
import { homeOf, makeMachine, openTestCloud, type TestCloud, until, waitForState, wish } from './test-cloud.ts';

describe('a snapshot', () => {
  const reopen = (snapshot: State, world: TestCloud['world']): Promise<TestCloud> =>
    openTestCloud({ restore: JSON.parse(JSON.stringify(snapshot)) as State }, world);

  async function cutOff(test1: TestCloud): Promise<State> {
    await test1.cloud.close();
    return test1.cloud.snapshot();
  }

  test('brings back machines and addresses as they were', async () => {
    const before = await openTestCloud();
    const machine = await makeMachine(before);
    await before.call('AllocateBatchSecondaryIp', { ...homeOf(machine), Count: 2 });
    await until('both to be carried', () => before.world.carried.get(machine.id)?.size === 2);
    const after = await reopen(await cutOff(before), before.world);
    await waitForState(after, machine.id, 'Running');
    const listed = await after.call('DescribeSecondaryIp', { SubnetId: 'subnet-lab', VPCId: 'uvnet-lab' });
    assert.equal((listed.DataSet as unknown[]).length, 2);
    assert.equal(before.world.told.length, 3);
  });

  test('taken in the middle of an installation lets it go on', async () => {
    const before = await openTestCloud();
    before.clock.stand();
    const created = await before.call('CreateUHostInstance', wish);
    const [id] = created.UHostIds as [string];
    const after = await reopen(await cutOff(before), before.world);
    await waitForState(after, id, 'Running');
    assert.deepEqual(before.world.told, [`boot ${id}`]);
  });

  test('taken just after the machine was switched on does not switch it on again', async () => {
    const before = await openTestCloud();
    const letGo = before.world.hold('boot');
    const created = await before.call('CreateUHostInstance', wish);
    const [id] = created.UHostIds as [string];
    await until('the world to be at it', () => before.world.told.includes(`boot ${id}`));
    const snapshot = before.cloud.snapshot();
    letGo();
    await before.cloud.close();
    assert.equal(snapshot.machines[0]?.life.state, 'Starting');
    const after = await reopen(snapshot, before.world);
    await waitForState(after, id, 'Running');
    assert.deepEqual(before.world.told, [`boot ${id}`]);
  });

  test('taken while an address warms up lets it become usable', async () => {
    const before = await openTestCloud();
    const machine = await makeMachine(before);
    before.clock.stand();
    await before.call('AllocateSecondaryIp', { ...homeOf(machine), Ip: '10.9.0.50' });
    await reopen(await cutOff(before), before.world);
    await until('it to be carried', () => before.world.carried.get(machine.id)?.has('10.9.0.50') === true);
  });

  test('taken in the middle of an end lets it go on', async () => {
    const before = await openTestCloud();
    const machine = await makeMachine(before);
    await before.call('AllocateSecondaryIp', { ...homeOf(machine), Ip: '10.9.0.50' });
    await until('it to be carried', () => before.world.carried.get(machine.id)?.has('10.9.0.50') === true);
    await before.call('PoweroffUHostInstance', { UHostId: machine.id });
    await waitForState(before, machine.id, 'Stopped');
    before.world.failAt('destroy', 'mount is busy');
    await before.call('TerminateUHostInstance', { UHostId: machine.id });
    await until('the failure', () => before.cloud.objects().machines[0]?.trouble !== undefined);
    const snapshot = await cutOff(before);
    before.world.failAt('destroy', undefined);
    const after = await reopen(snapshot, before.world);
    await until('its record to go', () => after.cloud.objects().machines.length === 0);
    assert.equal(before.world.booted.size, 0);
  });
});
