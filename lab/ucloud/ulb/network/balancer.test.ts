import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import {
  addressTargets,
  home,
  makeBalancer,
  makeListener,
  ok,
  openFastCloud,
  shown,
  untilShown,
} from '../../test-balancer.ts';
import { openTestCloud, until } from '../../test-cloud.ts';

describe('a network load balancer', () => {
  test('is made in a subnet with an address to answer on and one that its targets see, and is listed a little later', async () => {
    const cloud = await openTestCloud({ speed: 1 });
    cloud.clock.stand();
    const { NLBId } = await ok(cloud, 'CreateNetworkLoadBalancer', { ...home, Name: 'web', Remark: 'mine' });
    assert.equal(await shown(cloud, NLBId as string), undefined);
    // The id is good at once.
    await ok(cloud, 'UpdateNetworkLoadBalancerAttribute', { NLBId: NLBId as string, Name: 'shop' });
    cloud.clock.go();
    const seen = await untilShown(cloud, NLBId as string, 'the balancer to be listed', () => true);
    expect(seen).toMatchObject({
      Name: 'shop',
      Remark: 'mine',
      VPCId: 'uvnet-lab',
      SubnetId: 'subnet-lab',
      ChargeType: 'Month',
      Status: 'Normal',
      IPInfos: [
        { IP: '10.9.0.2', Type: 1, AddressType: 'Intranet' },
        { IP: '10.9.0.3', Type: 2, AddressType: 'Intranet' },
      ],
      Listeners: [],
    });
  });

  test('has its two addresses from its subnet, which are free again when it is deleted', async () => {
    const cloud = await openFastCloud();
    const available = async () =>
      (
        (await ok(cloud, 'DescribeSubnet', { SubnetId: 'subnet-small', ShowAvailableIPs: 'true' }))
          .DataSet as readonly { AvailableIPs: number }[]
      )[0]?.AvailableIPs;
    const NLBId = await makeBalancer(cloud, { SubnetId: 'subnet-small' });
    assert.equal(await available(), 3);
    await ok(cloud, 'CreateNetworkLoadBalancer', { ...home, SubnetId: 'subnet-small' });
    const full = await cloud.call('CreateNetworkLoadBalancer', { ...home, SubnetId: 'subnet-small' });
    assert.equal(full.RetCode, 57000);
    await ok(cloud, 'DeleteNetworkLoadBalancer', { NLBId });
    assert.equal(await available(), 3);
    assert.equal(await shown(cloud, NLBId), undefined);
    assert.equal((await cloud.call('DeleteNetworkLoadBalancer', { NLBId })).RetCode, 4103);
    await until('the world to have no such balancer', () => !cloud.world.balancing.has(NLBId));
  });

  test('keeps its subnet from being deleted', async () => {
    const cloud = await openFastCloud();
    const NLBId = await makeBalancer(cloud, { SubnetId: 'subnet-small' });
    assert.equal((await cloud.call('DeleteSubnet', { SubnetId: 'subnet-small' })).RetCode, 4411);
    await ok(cloud, 'DeleteNetworkLoadBalancer', { NLBId });
    await ok(cloud, 'DeleteSubnet', { SubnetId: 'subnet-small' });
  });

  test('is refused beyond 200 in a region, and beyond what the operator of the cloud allows', async () => {
    const cloud = await openFastCloud();
    cloud.cloud.limit({ balancers: 1 });
    await makeBalancer(cloud);
    assert.equal((await cloud.call('CreateNetworkLoadBalancer', home)).RetCode, 4207);
    cloud.cloud.limit({ balancers: null });
    for (let n = 1; n < 126; n++) await ok(cloud, 'CreateNetworkLoadBalancer', home);
    // The subnet has 253 addresses.
    assert.equal((await cloud.call('CreateNetworkLoadBalancer', home)).RetCode, 57000);
    await ok(cloud, 'CreateSubnet', { VPCId: home.VPCId, Subnet: '10.9.8.0', Netmask: 24 });
    const { DataSet } = await ok(cloud, 'DescribeSubnet', { VPCId: home.VPCId });
    const SubnetId = (DataSet as readonly { SubnetId: string }[]).at(-1)?.SubnetId ?? '';
    for (let n = 126; n < 200; n++) await ok(cloud, 'CreateNetworkLoadBalancer', { ...home, SubnetId });
    assert.equal((await cloud.call('CreateNetworkLoadBalancer', { ...home, SubnetId })).RetCode, 4207);
  });

  const refused: readonly [string, Readonly<Record<string, string>>, number][] = [
    ['in a subnet that does not exist', { SubnetId: 'subnet-none' }, 8039],
    ['in another VPC than its subnet', { VPCId: 'uvnet-other' }, 230],
    ['with a name of strange signs', { Name: 'a b' }, 230],
    ['with IPv6', { IPVersion: 'DualStack' }, 230],
    ['without a VPC', { VPCId: '' }, 220],
    ['with a parameter that its page does not list', { EIPId: 'eip-1' }, 230],
  ];
  test.each(refused)('%s is refused and not made', async (_, params, code) => {
    const cloud = await openFastCloud();
    assert.equal((await cloud.call('CreateNetworkLoadBalancer', { ...home, ...params })).RetCode, code);
    assert.deepEqual(cloud.cloud.objects().balancers, []);
  });
});

describe('a listener', () => {
  test('covers all ports unless both ends are given, and only then its ports can be changed', async () => {
    const cloud = await openFastCloud();
    const NLBId = await makeBalancer(cloud);
    const { ListenerId } = await ok(cloud, 'CreateNLBListener', {
      NLBId,
      Protocol: 'TCP',
      'HealthCheckConfig.Port': 80,
    });
    const listener = async () =>
      (await untilShown(cloud, NLBId, 'the listener to be listed', ({ Listeners }) => Listeners.length > 0))
        .Listeners[0];
    expect(await listener()).toMatchObject({
      StartPort: 1,
      EndPort: 65_535,
      Scheduler: 'RoundRobin',
      StickinessTimeout: 60,
      State: 'None',
      HealthCheckConfig: { Enabled: true, Type: 'Port', Port: 80, Interval: 2, MinSuccess: 3, MaxFail: 3 },
    });
    const change = { NLBId, ListenerId: ListenerId as string };
    await ok(cloud, 'UpdateNLBListenerAttribute', { ...change, StartPort: 80, EndPort: 80, Scheduler: 'SourceHash' });
    expect(await listener()).toMatchObject({ StartPort: 80, EndPort: 80, Scheduler: 'SourceHash' });
    assert.equal((await cloud.call('UpdateNLBListenerAttribute', { ...change, StartPort: 79 })).RetCode, 230);
  });

  test('shares no port of its protocol with another, and there are five at the most', async () => {
    const cloud = await openFastCloud();
    const NLBId = await makeBalancer(cloud);
    await makeListener(cloud, NLBId, { StartPort: 80, EndPort: 90 });
    const wanted = { NLBId, Protocol: 'TCP', 'HealthCheckConfig.Port': 80 };
    const clash = await cloud.call('CreateNLBListener', { ...wanted, StartPort: 90, EndPort: 95 });
    expect(clash).toMatchObject({
      RetCode: 4107,
      Message: expect.stringContaining('has TCP ports 80 to 90') as string,
    });
    await makeListener(cloud, NLBId, { Protocol: 'UDP', StartPort: 80, EndPort: 90 });
    for (const port of [443, 444, 445]) await makeListener(cloud, NLBId, { StartPort: port, EndPort: port });
    assert.equal((await cloud.call('CreateNLBListener', { ...wanted, StartPort: 446, EndPort: 446 })).RetCode, 4207);
  });

  test('is deleted with its targets, and once only', async () => {
    const cloud = await openFastCloud();
    const listener = await makeListener(cloud, await makeBalancer(cloud));
    await ok(cloud, 'AddNLBTargets', { ...listener, ...addressTargets(['10.9.0.20']) });
    await ok(cloud, 'DeleteNLBListener', listener);
    assert.equal((await cloud.call('DeleteNLBListener', listener)).RetCode, 4088);
    assert.equal((await ok(cloud, 'DescribeNLBListeners', { NLBId: listener.NLBId })).TotalCount, 0);
  });

  const refused: readonly [string, Readonly<Record<string, string | number>>, number][] = [
    ['of HTTP', { Protocol: 'HTTP' }, 230],
    ['with its ports backwards', { StartPort: 90, EndPort: 80 }, 230],
    ['with port 0', { StartPort: 0, EndPort: 0 }, 230],
    ['without a port to check', { 'HealthCheckConfig.Port': '' }, 220],
    ['whose checks are switched off', { 'HealthCheckConfig.Enabled': 'false' }, 230],
    ['with a ping, for TCP', { 'HealthCheckConfig.Type': 'Ping' }, 230],
    ['with a text in a check that sends none', { 'HealthCheckConfig.ReqMsg': 'hello' }, 230],
    ['with a stickiness of 30 s', { StickinessTimeout: 30 }, 230],
    ['with an unknown scheduler', { Scheduler: 'Random' }, 230],
    ['that tells the source by an option that nobody reads', { ForwardSrcIPMethod: 'Toa' }, 230],
    ['of UDP that writes a line before', { Protocol: 'UDP', ForwardSrcIPMethod: 'ProxyProto' }, 230],
    ['of several ports by the number of connections', { EndPort: 90, Scheduler: 'LeastConn' }, 230],
    ['on a balancer that does not exist', { NLBId: 'nlb-none' }, 4103],
  ];
  test.each(refused)('%s is refused and not made', async (_, params, code) => {
    const cloud = await openFastCloud();
    const wanted = { NLBId: await makeBalancer(cloud), Protocol: 'TCP', StartPort: 80, EndPort: 80 };
    const answer = await cloud.call('CreateNLBListener', { ...wanted, 'HealthCheckConfig.Port': 80, ...params });
    assert.equal(answer.RetCode, code, String(answer.Message));
    assert.deepEqual(cloud.cloud.objects().balancers[0]?.listeners, []);
  });
});
