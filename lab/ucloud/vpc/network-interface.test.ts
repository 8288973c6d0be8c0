import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { type Answer, homeOf, makeMachine, openTestCloud, type TestCloud, until, waitForState } from '../test-cloud.ts';

const place = { VPCId: 'uvnet-lab', SubnetId: 'subnet-lab' };

interface Told {
  readonly InterfaceId: string;
  readonly MacAddress: string;
  readonly PrivateIpSet: readonly string[];
  readonly AttachInstanceId: string;
  readonly Status: number;
  readonly Default: boolean;
}

async function makeInterface({ call }: TestCloud, params: Readonly<Record<string, string>> = {}) {
  const made = await call('CreateNetworkInterface', { ...place, ...params });
  assert.equal(made.RetCode, 0, String(made.Message));
  const { InterfaceId, MacAddress, PrivateIpSet } = made.NetworkInterface as Told;
  return { id: InterfaceId, mac: MacAddress, ip: PrivateIpSet[0] as string };
}

function makeElastic(cloud: TestCloud, params: Readonly<Record<string, string | number>> = {}) {
  return makeMachine(cloud, { 'Features.UNI': 'true', ...params });
}

const pair = (nic: { readonly id: string }, machine: { readonly id: string }) => ({
  InterfaceId: nic.id,
  InstanceId: machine.id,
});

async function attach(cloud: TestCloud, nic: { readonly id: string }, machine: { readonly id: string }): Promise<void> {
  assert.equal((await cloud.call('AttachNetworkInterface', pair(nic, machine))).RetCode, 0);
  await isAt(cloud, nic.id, 'attached');
}

const isAt = (cloud: TestCloud, id: string, at: string) =>
  until(`${id} to be ${at}`, () => cloud.cloud.objects().interfaces.find((one) => one.id === id)?.at === at);

const setOf = (answer: Answer) => answer.NetworkInterfaceSet as readonly Told[];

describe('an interface', () => {
  test('is in the machine some time after it was attached, and out of it after it was detached', async () => {
    const cloud = await openTestCloud();
    const machine = await makeElastic(cloud);
    const nic = await makeInterface(cloud);
    const own = () => cloud.call('DescribeInstanceNetworkInterface', { InstanceId: machine.id });
    cloud.clock.stand();
    assert.equal((await cloud.call('AttachNetworkInterface', pair(nic, machine))).RetCode, 0);
    assert.deepEqual(
      setOf(await own()).map((one) => [one.InterfaceId, one.Default]),
      [[machine.nic, true]],
    );
    cloud.clock.go();
    await isAt(cloud, nic.id, 'attached');
    assert.equal(cloud.world.attached.get(nic.id), machine.id);
    assert.deepEqual(
      setOf(await own()).map((one) => [one.InterfaceId, one.Default, one.AttachInstanceId, one.Status]),
      [
        [machine.nic, true, machine.id, 1],
        [nic.id, false, machine.id, 1],
      ],
    );
    assert.equal((await cloud.call('DetachNetworkInterface', pair(nic, machine))).RetCode, 0);
    await isAt(cloud, nic.id, 'free');
    assert.equal(cloud.world.attached.has(nic.id), false);
    assert.deepEqual(setOf(await own()).length, 1);
  });

  test('is listed with the machine and its address, which nobody else gets', async () => {
    const cloud = await openTestCloud();
    const machine = await makeElastic(cloud);
    const nic = await makeInterface(cloud, { 'PrivateIp.0': '10.9.0.40' });
    await attach(cloud, nic, machine);
    const told = await waitForState(cloud, machine.id, 'Running');
    assert.deepEqual(
      (told.IPSet as readonly { IP: string; Default: string; NetworkInterfaceId: string }[]).map((one) => [
        one.IP,
        one.Default,
        one.NetworkInterfaceId,
      ]),
      [
        [machine.ip, 'true', machine.nic],
        ['10.9.0.40', 'false', nic.id],
      ],
    );
    assert.equal((await cloud.call('CreateNetworkInterface', { ...place, 'PrivateIp.0': '10.9.0.40' })).RetCode, 230);
    assert.equal((await cloud.call('AllocateSecondaryIp', { ...homeOf(machine), Ip: '10.9.0.40' })).RetCode, '230');
    const held = await cloud.call('DescribeSubnetResource', { SubnetId: 'subnet-lab', ResourceType: 'UNI' });
    assert.deepEqual(
      (held.DataSet as readonly { IP: string }[]).map(({ IP }) => IP),
      ['10.9.0.40'],
    );
  });

  test('has secondary addresses of its own, which go with it to another machine', async () => {
    const cloud = await openTestCloud();
    const [one, two] = [await makeElastic(cloud, { CPU: 4 }), await makeElastic(cloud, { CPU: 4 })];
    const nic = await makeInterface(cloud);
    await attach(cloud, nic, one);
    const home = { ...homeOf({ ...nic, nic: nic.id }), Ip: '10.9.0.50' };
    assert.equal((await cloud.call('AllocateSecondaryIp', home)).RetCode, '0');
    await until('it to be carried', () => cloud.world.carried.get(nic.id)?.has('10.9.0.50') === true);
    const [told] = setOf(await cloud.call('DescribeNetworkInterface', { 'InterfaceId.0': nic.id }));
    assert.deepEqual((told as unknown as Record<string, unknown>).PrivateIpLimit, {
      PrivateIpCount: 2,
      PrivateIpQuota: 3,
    });
    await cloud.call('DetachNetworkInterface', pair(nic, one));
    await isAt(cloud, nic.id, 'free');
    await attach(cloud, nic, two);
    assert.deepEqual([...(cloud.world.carried.get(nic.id) ?? [])], ['10.9.0.50']);
    assert.equal((await cloud.call('DeleteSecondaryIp', home)).RetCode, '0');
  });

  test('takes as many addresses as its machine allows, then 4207', async () => {
    const cloud = await openTestCloud();
    const machine = await makeElastic(cloud);
    const nic = await makeInterface(cloud);
    await attach(cloud, nic, machine);
    const home = homeOf({ ...nic, nic: nic.id });
    assert.equal((await cloud.call('AllocateSecondaryIp', home)).RetCode, '0');
    assert.equal((await cloud.call('AllocateSecondaryIp', home)).RetCode, '4207');
  });

  test('is free at once when its machine ends, and can go into another one', async () => {
    const cloud = await openTestCloud();
    const [one, two] = [await makeElastic(cloud), await makeElastic(cloud)];
    const nic = await makeInterface(cloud);
    await attach(cloud, nic, one);
    await cloud.call('PoweroffUHostInstance', { UHostId: one.id });
    await waitForState(cloud, one.id, 'Stopped');
    await cloud.call('TerminateUHostInstance', { UHostId: one.id });
    await attach(cloud, nic, two);
    assert.equal(cloud.world.attached.get(nic.id), two.id);
  });

  test('that was deleted is gone with its addresses', async () => {
    const cloud = await openTestCloud();
    const machine = await makeElastic(cloud);
    const nic = await makeInterface(cloud);
    await attach(cloud, nic, machine);
    await cloud.call('AllocateSecondaryIp', homeOf({ ...nic, nic: nic.id }));
    assert.equal((await cloud.call('DeleteNetworkInterface', { InterfaceId: nic.id })).RetCode, 5024);
    await cloud.call('DetachNetworkInterface', pair(nic, machine));
    await isAt(cloud, nic.id, 'free');
    assert.equal((await cloud.call('DeleteNetworkInterface', { InterfaceId: nic.id })).RetCode, 0);
    assert.equal((await cloud.call('DeleteNetworkInterface', { InterfaceId: nic.id })).RetCode, 8039);
    await until('its addresses to go', () => cloud.cloud.objects().addresses.length === 0);
  });

  test('that the world can not plug in is free again, and says why', async () => {
    const cloud = await openTestCloud();
    const machine = await makeElastic(cloud);
    const nic = await makeInterface(cloud);
    cloud.world.failAt('attach', 'no such link');
    await cloud.call('AttachNetworkInterface', pair(nic, machine));
    await until('the failure', () => cloud.cloud.objects().interfaces[0]?.trouble === 'attaching: no such link');
    assert.equal(cloud.cloud.objects().interfaces[0]?.at, 'free');
  });

  test('that was on its way when the cloud was restarted arrives', async () => {
    const before = await openTestCloud();
    const machine = await makeElastic(before);
    const nic = await makeInterface(before);
    before.clock.stand();
    await before.call('AttachNetworkInterface', pair(nic, machine));
    await before.cloud.close();
    const after = await openTestCloud({ restore: before.cloud.snapshot() }, before.world);
    await isAt(after, nic.id, 'attached');
    assert.equal(after.world.attached.get(nic.id), machine.id);
  });
});

describe('the network around an interface', () => {
  test('security groups of its own judge it from its first packet on, whatever its machine has', async () => {
    const cloud = await openTestCloud();
    const { SecGroupId } = await cloud.call('CreateSecGroup', { VPCID: 'uvnet-lab', Name: 'data' });
    const groups = { 'PrioritySecGroup.0.SecGroupId': SecGroupId as string, 'PrioritySecGroup.0.Priority': '1' };
    const machine = await makeElastic(cloud);
    const nic = await makeInterface(cloud, { SecurityMode: '1', ...groups });
    await attach(cloud, nic, machine);
    assert.deepEqual(
      cloud.world.network()?.guards.map(({ port }) => port),
      [nic.id],
    );
    const [told] = setOf(await cloud.call('DescribeNetworkInterface', { 'InterfaceId.0': nic.id }));
    assert.equal((told as unknown as Record<string, unknown>).SecGroupCount, 1);
    const { DataSet } = await cloud.call('DescribeResourceSecGroup', { ResourceType: 'uni' });
    assert.deepEqual(
      (DataSet as readonly { ResourceId: string; Count: number }[]).map((one) => [one.ResourceId, one.Count]),
      [
        [machine.nic, 0],
        [nic.id, 1],
      ],
    );
  });

  test('it follows the route table of its own subnet, and can be a next hop', async () => {
    const cloud = await openTestCloud();
    const machine = await makeElastic(cloud);
    const nic = await makeInterface(cloud, { SubnetId: 'subnet-small' });
    await attach(cloud, nic, machine);
    const { RouteTableId } = await cloud.call('CreateRouteTable', { VPCId: 'uvnet-lab' });
    const rule = `new|10.30.0.0/16|instance|${nic.id}|0||add`;
    const table = { RouteTableId: RouteTableId as string };
    assert.equal((await cloud.call('ModifyRouteRule', { ...table, 'RouteRule.0': rule })).RetCode, 0);
    await cloud.call('AssociateRouteTable', { ...table, SubnetId: 'subnet-small' });
    await until('the routes to be there', () => cloud.world.network()?.routes.length === 1);
    const [routes] = cloud.world.network()?.routes ?? [];
    assert.deepEqual(
      [routes?.ports, routes?.rules],
      [[nic.id], [{ destination: '10.30.0.0/16', hop: { port: nic.id, ip: nic.ip } }]],
    );
  });
});

describe('what is refused', () => {
  test.each([
    ['a subnet of another VPC', { VPCId: 'uvnet-none' }, 230],
    ['a subnet that does not exist', { SubnetId: 'subnet-none' }, 8039],
    ['security groups, and none of them named', { SecurityMode: 1 }, 220],
    ['two addresses', { 'PrivateIp.0': '10.9.0.40', 'PrivateIp.1': '10.9.0.41' }, 230],
    ['the gateway as its address', { 'PrivateIp.0': '10.9.0.1' }, 230],
  ])('an interface with %s', async (_, params, code) => {
    const { call, cloud } = await openTestCloud();
    assert.equal((await call('CreateNetworkInterface', { ...place, ...params })).RetCode, code);
    assert.deepEqual(cloud.objects().interfaces, []);
  });

  test('an interface in a full subnet, and one beyond the quota of the account', async () => {
    const cloud = await openTestCloud();
    const small = { VPCId: 'uvnet-lab', SubnetId: 'subnet-small' };
    for (let n = 0; n < 5; n++) assert.equal((await cloud.call('CreateNetworkInterface', small)).RetCode, 0);
    assert.equal((await cloud.call('CreateNetworkInterface', small)).RetCode, 57000);
    cloud.cloud.limit({ interfaces: 5 });
    assert.equal((await cloud.call('CreateNetworkInterface', place)).RetCode, 4207);
  });

  test('attaching to a machine without elastic interfaces, twice, and beyond what its CPUs allow', async () => {
    const cloud = await openTestCloud();
    const [plain, one, two] = [await makeMachine(cloud), await makeElastic(cloud), await makeElastic(cloud)];
    const [first, second] = [await makeInterface(cloud), await makeInterface(cloud)];
    const codeOf = async (nic: { id: string }, machine: { id: string }) =>
      (await cloud.call('AttachNetworkInterface', pair(nic, machine))).RetCode;
    assert.equal(await codeOf(first, plain), 230);
    assert.equal(await codeOf({ id: 'uni-none' }, one), 8039);
    assert.equal(await codeOf({ id: one.nic }, two), 230);
    await attach(cloud, first, one);
    assert.equal(await codeOf(first, one), 58205);
    assert.equal(await codeOf(first, two), 58205);
    assert.equal(await codeOf(second, one), 4207);
    assert.equal((await cloud.call('DetachNetworkInterface', pair(first, two))).RetCode, 58205);
    cloud.clock.stand();
    await cloud.call('StopUHostInstance', { UHostId: two.id });
    assert.equal(await codeOf(second, two), 8905);
    cloud.clock.go();
    await waitForState(cloud, two.id, 'Stopped');
    await attach(cloud, second, two);
  });
});
