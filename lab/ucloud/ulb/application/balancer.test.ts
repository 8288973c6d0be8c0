import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { makeApplication, makeHttpListener, shownApplication, untilApplication } from '../../test-application.ts';
import { addressTargets, createFastClock, home, idsOf, ok, openFastCloud } from '../../test-balancer.ts';
import { makeCertificate } from '../../test-certificate.ts';
import { makeMachine, openTestCloud, until } from '../../test-cloud.ts';

describe('an application load balancer', () => {
  test('is made with an address to answer on and two that its targets see, and is listed a little later', async () => {
    const cloud = await openTestCloud({ speed: 1 });
    cloud.clock.stand();
    const { LoadBalancerId } = await ok(cloud, 'CreateLoadBalancer', { ...home, Name: 'web', Remark: 'mine' });
    const id = LoadBalancerId as string;
    assert.match(id, /^alb-[a-z0-9]{12}$/);
    assert.equal(await shownApplication(cloud, id), undefined);
    // The id is good at once.
    await ok(cloud, 'UpdateLoadBalancerAttribute', { LoadBalancerId: id, Name: 'shop' });
    cloud.clock.go();
    expect(await untilApplication(cloud, id, 'the balancer to be listed', () => true)).toMatchObject({
      Type: 'Application',
      Name: 'shop',
      Remark: 'mine',
      ChargeType: 'Month',
      Status: 'Normal',
      IPInfos: [{ IP: '10.9.0.2', AddressType: 'Intranet' }],
      SnatIPs: ['10.9.0.3', '10.9.0.4'],
      Listeners: [],
    });
    expect(cloud.cloud.objects().applicationBalancers).toHaveLength(1);
  });

  test('has its addresses from its subnet, which are free again when it is deleted, and keeps its subnet', async () => {
    const cloud = await openFastCloud();
    const SubnetId = 'subnet-small';
    const LoadBalancerId = await makeApplication(cloud, { SubnetId });
    assert.equal((await cloud.call('CreateLoadBalancer', { ...home, SubnetId })).RetCode, 57000);
    assert.equal((await cloud.call('DeleteSubnet', { SubnetId })).RetCode, 4411);
    await ok(cloud, 'DeleteLoadBalancer', { LoadBalancerId });
    assert.equal(await shownApplication(cloud, LoadBalancerId), undefined);
    assert.equal((await cloud.call('DeleteLoadBalancer', { LoadBalancerId })).RetCode, 4103);
    await until('the world to have no such balancer', () => !cloud.world.answering.has(LoadBalancerId));
    await ok(cloud, 'DeleteSubnet', { SubnetId });
  });

  test('is paged by texts, found by its ids whatever else is asked, and by its subnet', async () => {
    const cloud = await openFastCloud();
    const [one, two] = [await makeApplication(cloud), await makeApplication(cloud, { SubnetId: 'subnet-small' })];
    const idsBy = async (params: Readonly<Record<string, string>>) => {
      const { TotalCount, LoadBalancers } = await ok(cloud, 'DescribeLoadBalancers', params);
      return [TotalCount, ...(LoadBalancers as readonly { LoadBalancerId: string }[]).map((lb) => lb.LoadBalancerId)];
    };
    assert.deepEqual(await idsBy({ Offset: '1', Limit: '1' }), [2, two]);
    assert.deepEqual(await idsBy({ 'LoadBalancerIds.0': one, SubnetId: 'subnet-small' }), [1, one]);
    assert.deepEqual(await idsBy({ SubnetId: 'subnet-small' }), [1, two]);
    assert.deepEqual(await idsBy({ 'LoadBalancerIds.0': 'alb-none' }), [0]);
    assert.deepEqual(await idsBy({ Type: 'Network' }), [0]);
  });

  test('has EIPs, which stay when it is deleted', async () => {
    const cloud = await openFastCloud();
    const LoadBalancerId = await makeApplication(cloud);
    const { EIPSet } = await ok(cloud, 'AllocateEIP', { OperatorName: 'Bgp', Bandwidth: 2 });
    const [{ EIPId }] = EIPSet as [{ EIPId: string }];
    await ok(cloud, 'BindEIP', { EIPId, ResourceType: 'ulb', ResourceId: LoadBalancerId });
    const { IPInfos } = await untilApplication(
      cloud,
      LoadBalancerId,
      'the EIP to be shown',
      (one) => one.IPInfos.length === 2,
    );
    expect(IPInfos[1]).toMatchObject({ Id: EIPId, AddressType: 'Internet', OperatorName: 'Bgp' });
    await until('the world to know the EIP', () => cloud.world.answering.get(LoadBalancerId)?.publicIps.length === 1);
    await ok(cloud, 'DeleteLoadBalancer', { LoadBalancerId });
    await until('the EIP to be free', () => cloud.cloud.objects().eips[0]?.at === 'free');
  });

  test('carries the labels that it was made with', async () => {
    const cloud = await openFastCloud();
    const id = await makeApplication(cloud, { 'LabelInfos.0.Key': 'cluster', 'LabelInfos.0.Value': 'shop' });
    const { Resources } = await ok(cloud, 'ListResourcesByLabels', {
      'Labels.0.Key': 'cluster',
      'Labels.0.Value': 'shop',
      Zone: '',
    });
    expect(Resources).toMatchObject([{ ResourceId: id, ResourceType: 'alb' }]);
  });

  test('is refused beyond what the operator of the cloud allows', async () => {
    const cloud = await openFastCloud();
    cloud.cloud.limit({ applicationBalancers: 1 });
    await makeApplication(cloud);
    assert.equal((await cloud.call('CreateLoadBalancer', home)).RetCode, 4207);
  });

  test('is there twice when the answer to its making was lost and it was asked for again', async () => {
    const cloud = await openFastCloud();
    cloud.plant({ action: 'CreateLoadBalancer', kind: 'timeout-done', times: 1 });
    assert.equal((await cloud.call('CreateLoadBalancer', home)).RetCode, 110);
    await ok(cloud, 'CreateLoadBalancer', home);
    assert.equal(cloud.cloud.objects().applicationBalancers.length, 2);
  });

  const refused: readonly [string, Readonly<Record<string, string | number>>, number][] = [
    ['in a subnet that does not exist', { SubnetId: 'subnet-none' }, 8039],
    ['in another VPC than its subnet', { VPCId: 'uvnet-other' }, 230],
    ['of type Network', { Type: 'Network' }, 230],
    ['with a name of strange signs', { Name: 'a b' }, 230],
    ['with IPv6', { IPVersion: 'DualStack' }, 230],
    ['in a security group of its own', { 'SecGroups.0.SecGroupId': 'secgroup-1' }, 230],
    ['without a VPC', { VPCId: '' }, 220],
    ['with a parameter that its page does not list', { EIPId: 'eip-1' }, 230],
  ];
  test.each(refused)('%s is refused and not made', async (_, params, code) => {
    const cloud = await openFastCloud();
    assert.equal((await cloud.call('CreateLoadBalancer', { ...home, ...params })).RetCode, code);
    assert.deepEqual(cloud.cloud.objects().applicationBalancers, []);
  });
});

describe('a target of an application load balancer', () => {
  const forwardsTo = (cloud: Awaited<ReturnType<typeof openFastCloud>>, id: string) =>
    cloud.world.answering.get(id)?.listeners.flatMap(({ rules }) => {
      const { last } = rules.at(-1) ?? {};
      return last?.type === 'Forward' ? last.targets.map(({ ip }) => ip) : [];
    }) ?? [];

  test('gets requests once its checks have succeeded, and none after they have failed', async () => {
    const cloud = await openFastCloud();
    const id = await makeApplication(cloud);
    const listener = await makeHttpListener(cloud, id, {
      'HealthCheckConfig.Type': 'HTTP',
      'HealthCheckConfig.Path': '/healthz',
      'HealthCheckConfig.DownCounts': 1,
    });
    const made = await ok(cloud, 'AddTargets', { ...listener, ...addressTargets(['10.9.0.20', '10.9.0.21']) });
    expect(made.Targets).toMatchObject([{ ResourceType: 'IP', State: 'Unhealthy', IsBackup: false }, {}]);
    assert.match(idsOf(made)[0] ?? '', /^ars-/);
    await until('requests to go to both', () => forwardsTo(cloud, id).length === 2);
    cloud.world.fall('10.9.0.20', true);
    await until('requests to go to the other', () => forwardsTo(cloud, id).join() === '10.9.0.21');
    const { Listeners } = await untilApplication(cloud, id, 'the state', ({ Listeners: [one] }) => one !== undefined);
    assert.equal(Listeners[0]?.State, 'PartialHealth');
  });

  test('is the backup that has requests only while the main target fails its checks', async () => {
    const cloud = await openFastCloud();
    const id = await makeApplication(cloud);
    const listener = await makeHttpListener(cloud, id, { Scheduler: 'Backup' });
    const two = addressTargets(['10.9.0.20', '10.9.0.21']);
    await ok(cloud, 'AddTargets', { ...listener, ...two, 'Targets.1.IsBackup': 'true' });
    await until('requests to go to the main one', () => forwardsTo(cloud, id).join() === '10.9.0.20');
    cloud.world.fall('10.9.0.20', true);
    await until('requests to go to the backup', () => forwardsTo(cloud, id).join() === '10.9.0.21');
    cloud.world.fall('10.9.0.20', false);
    await until('requests to go to the main one again', () => forwardsTo(cloud, id).join() === '10.9.0.20');
    assert.equal((await cloud.call('AddTargets', { ...listener, ...addressTargets(['10.9.0.22']) })).RetCode, 4207);
  });

  test('is disabled and enabled, and its weight is changed', async () => {
    const cloud = await openFastCloud();
    const id = await makeApplication(cloud);
    const listener = await makeHttpListener(cloud, id, { Scheduler: 'WeightRoundrobin' });
    const [one = ''] = idsOf(await ok(cloud, 'AddTargets', { ...listener, ...addressTargets(['10.9.0.20']) }));
    await until('requests to go to it', () => forwardsTo(cloud, id).length === 1);
    const change = { ...listener, 'Targets.0.Id': one };
    await ok(cloud, 'UpdateTargetsAttribute', { ...change, 'Targets.0.Enabled': 'false', 'Targets.0.Weight': 9 });
    await until('no request to go to it', () => forwardsTo(cloud, id).length === 0);
    // The default rule's weights are the targets' own.
    const { Rules } = await ok(cloud, 'DescribeRules', listener);
    expect(Rules).toMatchObject([
      { IsDefault: true, RuleActions: [{ Type: 'Forward', ForwardConfig: { Targets: [{ Id: one, Weight: 9 }] } }] },
    ]);
    assert.equal(
      (await cloud.call('UpdateTargetsAttribute', { ...listener, 'Targets.0.Id': 'ars-none' })).RetCode,
      4093,
    );
  });

  test('is gone with its machine, and stays when it is an address', async () => {
    const cloud = await openFastCloud({ speed: 0.01 });
    const machine = await makeMachine(cloud);
    const id = await makeApplication(cloud);
    const listener = await makeHttpListener(cloud, id);
    const ip = { 'Targets.1.ResourceType': 'IP', 'Targets.1.VPCId': home.VPCId, 'Targets.1.SubnetId': home.SubnetId };
    const wanted = { 'Targets.0.ResourceId': machine.id, ...ip, 'Targets.1.ResourceIP': '10.9.0.99' };
    await ok(cloud, 'AddTargets', { ...listener, ...wanted });
    await until('requests to go to both', () => forwardsTo(cloud, id).length === 2);
    await ok(cloud, 'PoweroffUHostInstance', { UHostId: machine.id });
    await until('the machine to be off', () => cloud.cloud.objects().machines[0]?.life.state === 'Stopped');
    await ok(cloud, 'TerminateUHostInstance', { UHostId: machine.id });
    await until('the target to be gone', () => forwardsTo(cloud, id).join() === '10.9.0.99');
    assert.equal(cloud.cloud.objects().applicationBalancers[0]?.listeners[0]?.targets.length, 1);
  });

  test('is one of twenty at the most in a call, and of 300 that a balancer has', async () => {
    const cloud = await openFastCloud();
    const listener = await makeHttpListener(cloud, await makeApplication(cloud));
    const ips = Array.from({ length: 241 }, (_, n) => `10.9.0.${10 + n}`);
    assert.equal((await cloud.call('AddTargets', { ...listener, ...addressTargets(ips.slice(0, 21)) })).RetCode, 230);
    const ids = [];
    for (let n = 0; n < 300; n += 20)
      ids.push(
        ...idsOf(
          await ok(cloud, 'AddTargets', { ...listener, ...addressTargets(ips.slice(n % 200, (n % 200) + 20), 80 + n) }),
        ),
      );
    assert.equal((await cloud.call('AddTargets', { ...listener, ...addressTargets(['10.9.0.5']) })).RetCode, 4207);
    const remove = (some: readonly string[]) =>
      cloud.call('RemoveTargets', { ...listener, ...Object.fromEntries(some.map((one, at) => [`Ids.${at}`, one])) });
    expect(await remove(ids.slice(0, 21))).toMatchObject({
      RetCode: 230,
      Message: expect.stringContaining('at most 20') as string,
    });
    assert.equal((await remove(ids.slice(0, 20))).RetCode, 0);
    assert.equal((await remove(ids.slice(19, 20))).RetCode, 4093);
  });

  const refused: readonly [string, Readonly<Record<string, string | number>>, number][] = [
    ['a machine that does not exist', { ResourceId: 'uhost-none' }, 8039],
    ['an address without its subnet', { ResourceType: 'IP', VPCId: 'uvnet-lab', ResourceIP: '10.9.0.9' }, 220],
    ['an address of the site', { ResourceType: 'IP', ...home, ResourceIP: '192.168.50.11' }, 230],
    ['a weight of 101', { ResourceType: 'IP', ...home, ResourceIP: '10.9.0.9', Weight: 101 }, 230],
    ['one that it has already', { ResourceType: 'IP', ...home, ResourceIP: '10.9.0.20', Port: 30_080 }, 4109],
  ];
  test.each(refused)('%s is refused, and so is what comes with it', async (_, params, code) => {
    const cloud = await openFastCloud();
    const listener = await makeHttpListener(cloud, await makeApplication(cloud));
    await ok(cloud, 'AddTargets', { ...listener, ...addressTargets(['10.9.0.20']) });
    const odd = Object.fromEntries(Object.entries(params).map(([name, value]) => [`Targets.1.${name}`, value]));
    const answer = await cloud.call('AddTargets', { ...listener, ...addressTargets(['10.9.0.21']), ...odd });
    assert.equal(answer.RetCode, code, String(answer.Message));
    assert.equal(cloud.cloud.objects().applicationBalancers[0]?.listeners[0]?.targets.length, 1);
  });
});

test('a restored cloud has its application load balancers and certificates, and goes on checking', async () => {
  const before = await openFastCloud();
  const { chain, key } = await makeCertificate('shop.example.com');
  const { SSLId } = await ok(before, 'CreateSSL', { SSLName: 'shop', UserCert: chain, PrivateKey: key });
  const id = await makeApplication(before);
  const listener = await makeHttpListener(before, id, { ListenerProtocol: 'HTTPS', 'Certificates.0': SSLId as string });
  await ok(before, 'AddTargets', { ...listener, ...addressTargets(['10.9.0.20']) });
  const state = (cloud: typeof before) => cloud.world.answering.get(id)?.listeners[0]?.rules[0]?.last;
  const healthy = { type: 'Forward', targets: [{ ip: '10.9.0.20' }] };
  await until('requests to go', () => JSON.stringify(state(before)).includes('10.9.0.20'));
  await before.cloud.close();
  // As it comes back from a disk.
  const kept = JSON.parse(JSON.stringify(before.cloud.snapshot())) as ReturnType<typeof before.cloud.snapshot>;
  const after = await openTestCloud({ clock: createFastClock(), restore: kept });
  await until('requests to go again', () => state(after) !== undefined);
  expect(state(after)).toMatchObject(healthy);
  assert.deepEqual(after.world.answering.get(id)?.listeners[0]?.tls?.certificates, [{ chain, key }]);
  after.world.fall('10.9.0.20', true);
  await until('requests to go no more', () => JSON.stringify(state(after)) === '{"type":"Forward","targets":[]}');
});
