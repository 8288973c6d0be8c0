import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { makeMachine, openTestCloud, until, waitForState } from '../test-cloud.ts';

describe('VPCs and subnets', () => {
  const rows: readonly [string, string, Record<string, string | number>, number][] = [
    ['a subnet over a range of the cloud', 'CreateSubnet', { VPCId: 'uvnet-lab', Subnet: '10.9.192.0' }, 230],
    ['a VPC over shared address space', 'CreateVPC', { Name: 'x', 'Network.0': '100.64.0.0/16' }, 230],
    [
      'a VPC whose networks overlap',
      'CreateVPC',
      { Name: 'x', 'Network.0': '172.16.0.0/16', 'Network.1': '172.16.1.0/24' },
      5022,
    ],
    ['a VPC without a network', 'CreateVPC', { Name: 'x' }, 220],
    ['a subnet outside its VPC', 'CreateSubnet', { VPCId: 'uvnet-lab', Subnet: '10.8.0.0' }, 230],
    ['a subnet smaller than /29', 'CreateSubnet', { VPCId: 'uvnet-lab', Subnet: '10.9.7.0', Netmask: 30 }, 230],
    ['a subnet with host bits', 'CreateSubnet', { VPCId: 'uvnet-lab', Subnet: '10.9.7.1' }, 230],
    ['a subnet over another', 'CreateSubnet', { VPCId: 'uvnet-lab', Subnet: '10.9.0.128', Netmask: 25 }, 5022],
    ['a subnet of no VPC', 'CreateSubnet', { VPCId: 'uvnet-none', Subnet: '10.9.7.0' }, 8039],
  ];
  test.each(rows)('%s is refused', async (_, action, params, code) => {
    const { call } = await openTestCloud();
    const { RetCode, Message } = await call(action, params);
    assert.equal(RetCode, code, String(Message));
  });

  test('a subnet is deleted only when the address of its last machine has rested', async () => {
    const test1 = await openTestCloud();
    const { id } = await makeMachine(test1, { SubnetId: 'subnet-small' });
    await test1.call('PoweroffUHostInstance', { UHostId: id });
    await waitForState(test1, id, 'Stopped');
    test1.clock.stand();
    await test1.call('TerminateUHostInstance', { UHostId: id });
    await until('the world to destroy it', () => test1.world.told.includes(`destroy ${id}`));
    assert.equal((await test1.call('DescribeUHostInstance')).TotalCount, 0);
    assert.equal((await test1.call('DeleteSubnet', { SubnetId: 'subnet-small' })).RetCode, 4411);
    test1.clock.go();
    await until('its record to go', () => test1.cloud.objects().machines.length === 0);
    assert.equal((await test1.call('DeleteSubnet', { SubnetId: 'subnet-small' })).RetCode, 0);
  });
});
