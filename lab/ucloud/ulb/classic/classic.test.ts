import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { seconds, waitFor } from '#unit/clock.ts';
import type { Fields } from '../../test-application.ts';
import { createFastClock, home, ok, openFastCloud } from '../../test-balancer.ts';
import { makeMachine, openTestCloud, type TestCloud, until } from '../../test-cloud.ts';

interface Shown {
  readonly ULBType: string;
  readonly PrivateIP: string;
  readonly IPSet: readonly { readonly EIP: string }[];
  readonly VServerSet: readonly {
    readonly Status: number;
    readonly BackendSet: readonly { readonly Status: number; readonly Enabled: number; readonly Weight: number }[];
  }[];
}

const inner = { ...home, InnerMode: 'Yes', ChargeType: 'Dynamic' };
const outer = { ListenType: 'PacketsTransmit', ChargeType: 'Dynamic' };

async function shown({ call }: TestCloud, ULBId: string): Promise<Shown | undefined> {
  return ((await call('DescribeULB', { ULBId })).DataSet as readonly Shown[])[0];
}

function untilShown(test1: TestCloud, ULBId: string, what: string, look: (one: Shown) => boolean): Promise<Shown> {
  return waitFor(
    what,
    async () => {
      const one = await shown(test1, ULBId);
      return one !== undefined && look(one) ? one : false;
    },
    { within: seconds(20) },
  );
}

async function make(cloud: TestCloud, params: Fields = inner): Promise<string> {
  const { ULBId } = await ok(cloud, 'CreateULB', params);
  await untilShown(cloud, ULBId as string, 'the balancer to be listed', () => true);
  return ULBId as string;
}

const packets = { ListenType: 'PacketsTransmit', Protocol: 'TCP', FrontendPort: 80 };

async function listen(cloud: TestCloud, ULBId: string, params: Fields = {}) {
  const { VServerId } = await ok(cloud, 'CreateVServer', { ULBId, ...packets, ...params });
  return { ULBId, VServerId: VServerId as string };
}

describe('a classic load balancer', () => {
  test('has an address of its subnet, or none until an EIP is bound to it', async () => {
    const cloud = await openFastCloud();
    const [one, two] = [await make(cloud), await make(cloud, outer)];
    expect(await shown(cloud, one)).toMatchObject({
      ULBType: 'InnerMode',
      PrivateIP: '10.9.0.2',
      SubnetId: 'subnet-lab',
      ListenType: 'PacketsTransmit',
      VServerSet: [],
    });
    expect(await shown(cloud, two)).toMatchObject({ ULBType: 'OuterMode', PrivateIP: '', IPSet: [] });
    const { EIPSet } = await ok(cloud, 'AllocateEIP', { OperatorName: 'Bgp', Bandwidth: 2 });
    const [{ EIPId, EIPAddr }] = EIPSet as [{ EIPId: string; EIPAddr: [{ IP: string }] }];
    const bind = (ResourceId: string) => cloud.call('BindEIP', { EIPId, ResourceType: 'ulb', ResourceId });
    assert.equal((await bind(one)).RetCode, 4218);
    assert.equal((await bind(two)).RetCode, 0);
    await untilShown(cloud, two, 'the EIP to be shown', ({ IPSet }) => IPSet[0]?.EIP === EIPAddr[0].IP);
    await until('the world to know it', () => cloud.world.directing.get(two)?.addresses[0] === EIPAddr[0].IP);
    await ok(cloud, 'DeleteULB', { ULBId: two, ReleaseEip: 'true' });
    assert.equal((await ok(cloud, 'DescribeEIP', { 'EIPIds.0': EIPId })).TotalCount, 0);
    assert.equal((await cloud.call('DeleteULB', { ULBId: two })).RetCode, 4103);
    assert.equal((await ok(cloud, 'DescribeULBSimple')).TotalCount, 1);
    await until('the world to have one', () => cloud.world.directing.size === 1);
  });

  test('is one of five at the most', async () => {
    const cloud = await openFastCloud();
    for (let n = 0; n < 5; n++) await ok(cloud, 'CreateULB', inner);
    assert.equal((await cloud.call('CreateULB', inner)).RetCode, 4207);
  });

  test.each([
    ['that answers requests', { OuterMode: 'Yes' }, 230],
    ['within without a subnet', { InnerMode: 'Yes' }, 220],
    ['in a subnet that does not exist', { ...inner, SubnetId: 'subnet-none' }, 8039],
    ['with a word that is neither yes nor no', { InnerMode: 'true' }, 230],
    ['with a firewall', { ...outer, FirewallId: 'firewall-web' }, 230],
  ] as const)('%s is refused and not made', async (_, params, code) => {
    const cloud = await openFastCloud();
    const answer = await cloud.call('CreateULB', params as Fields);
    assert.equal(answer.RetCode, code, String(answer.Message));
    assert.deepEqual(cloud.cloud.objects().classicBalancers, []);
  });
});

describe('a listener of a classic load balancer', () => {
  test('has its port once for TCP and once for UDP, and its name, scheduler and stickiness are changed', async () => {
    const cloud = await openFastCloud();
    const ULBId = await make(cloud);
    const { VServerId } = await listen(cloud, ULBId);
    assert.equal((await cloud.call('CreateVServer', { ULBId, ...packets })).RetCode, 4107);
    const udp = await listen(cloud, ULBId, { Protocol: 'UDP' });
    await ok(cloud, 'UpdateVServerAttribute', { ULBId, VServerId, Method: 'Source', ClientTimeout: 0 });
    await untilShown(cloud, ULBId, 'both to be listed', ({ VServerSet }) => VServerSet.length === 2);
    const { DataSet } = await ok(cloud, 'DescribeVServer', { ULBId });
    expect(DataSet).toMatchObject([
      { VServerId, Protocol: 'TCP', MonitorType: 'Port', Method: 'Source', ClientTimeout: 0, Status: 0 },
      { VServerId: udp.VServerId, Protocol: 'UDP', MonitorType: 'Ping', Method: 'Roundrobin', ClientTimeout: 60 },
    ]);
    await ok(cloud, 'DeleteVServer', udp);
    assert.equal((await cloud.call('DeleteVServer', udp)).RetCode, 4088);
    assert.equal((await cloud.call('DescribeVServer', udp)).RetCode, 4103);
  });

  test.each([
    ['that answers requests', { ListenType: 'RequestProxy' }, 230],
    ['of HTTP', { Protocol: 'HTTP' }, 4144],
    ['by the number of connections', { Method: 'Leastconn' }, 230],
    ['with a ping, for TCP', { MonitorType: 'Ping' }, 230],
    ['with a text that it does not have', { Protocol: 'UDP', MonitorType: 'Customize' }, 220],
    ['with a stickiness of 30 s', { ClientTimeout: 30 }, 230],
    ['on a balancer that does not exist', { ULBId: 'ulb-none' }, 4103],
  ] as const)('%s is refused and not made', async (_, params, code) => {
    const cloud = await openFastCloud();
    const answer = await cloud.call('CreateVServer', { ULBId: await make(cloud), ...packets, ...(params as Fields) });
    assert.equal(answer.RetCode, code, String(answer.Message));
    assert.deepEqual(cloud.cloud.objects().classicBalancers[0]?.listeners, []);
  });
});

describe('a back end of a classic load balancer', () => {
  async function openWithMachine() {
    const cloud = await openFastCloud({ speed: 0.01 });
    const machine = await makeMachine(cloud);
    const ULBId = await make(cloud);
    const listener = await listen(cloud, ULBId);
    const allocate = (params: Fields = {}) =>
      cloud.call('AllocateBackend', { ...listener, ResourceType: 'UHost', ResourceId: machine.id, ...params });
    const takes = () =>
      cloud.world.directing.get(ULBId)?.listeners[0]?.targets.filter((one) => one.takesPackets).length;
    return { cloud, machine, ULBId, listener, allocate, takes };
  }

  test('takes packets once it answers checks of its own on the balancer’s address, and may answer from that', async () => {
    const { cloud, machine, ULBId, allocate, takes } = await openWithMachine();
    cloud.world.fall('10.9.193.0', true);
    const { BackendId } = await allocate();
    await until('the world to know it', () => cloud.world.directing.get(ULBId)?.listeners[0]?.targets.length === 1);
    const [target] = cloud.world.directing.get(ULBId)?.listeners[0]?.targets ?? [];
    expect(target).toMatchObject({ ip: machine.ip, port: 80, at: machine.id, checkedFrom: '10.9.193.0' });
    expect(cloud.world.network()?.lent).toEqual([{ port: machine.id, ips: ['10.9.0.3'] }]);
    const one = await untilShown(cloud, ULBId, 'it to be listed', ({ VServerSet: [first] }) => first?.Status === 1);
    assert.equal(one.VServerSet[0]?.BackendSet[0]?.Status, 1);
    assert.equal(takes(), 0);
    cloud.world.fall('10.9.193.0', false);
    await until('it to take packets', () => takes() === 1);
    const change = { ULBId, BackendId: BackendId as string };
    await ok(cloud, 'UpdateBackendAttribute', { ...change, Enabled: 0, Weight: 7 });
    await until('it to take none', () => takes() === 0);
    const { BackendSet } = await ok(cloud, 'UpdateBackendBatch', {
      ULBId,
      'Attributes.0.BackendId': change.BackendId,
      'Attributes.0.Enabled': 1,
      'Attributes.1.BackendId': 'backend-none',
    });
    expect(BackendSet).toMatchObject([{ SubRetCode: 0 }, { SubRetCode: 4093 }]);
    await until('it to take packets again', () => takes() === 1);
    await ok(cloud, 'ReleaseBackend', change);
    assert.equal((await cloud.call('ReleaseBackend', change)).RetCode, 4093);
    await until('nobody to answer from the address', () => cloud.world.network()?.lent.length === 0);
  });

  test('goes on in a cloud that was restored', async () => {
    const { cloud: before, ULBId, allocate, takes } = await openWithMachine();
    await allocate();
    await until('it to take packets', () => takes() === 1);
    await before.cloud.close();
    const after = await openTestCloud({ clock: createFastClock(), restore: before.cloud.snapshot() }, before.world);
    after.world.fall('10.9.193.0', true);
    await until('it to take none', () => takes() === 0);
    assert.equal(after.world.directing.has(ULBId), true);
  });

  test.each([
    ['on another port', { Port: 8080 }, 4118],
    ['by its address', { ResourceType: 'IP' }, 230],
    ['that does not exist', { ResourceId: 'uhost-none' }, 8039],
    ['in reserve', { IsBackup: 1 }, 230],
    ['of a listener that does not exist', { VServerId: 'vserver-none' }, 4088],
  ] as const)('%s is refused', async (_, params, code) => {
    const { allocate } = await openWithMachine();
    const answer = await allocate(params as Fields);
    assert.equal(answer.RetCode, code, String(answer.Message));
  });

  test('that the listener has already is refused', async () => {
    const { allocate } = await openWithMachine();
    await allocate();
    assert.equal((await allocate()).RetCode, 4109);
  });
});
