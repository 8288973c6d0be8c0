import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import {
  addressTargets,
  createFastClock,
  home,
  idsOf,
  makeBalancer,
  makeListener,
  ok,
  openFastCloud,
  untilShown,
} from '../../test-balancer.ts';
import { makeMachine, openTestCloud, type TestCloud, until } from '../../test-cloud.ts';

const statesOf = (Listeners: readonly { readonly Targets: readonly { readonly State: string }[] }[]) =>
  Listeners.flatMap(({ Targets }) => Targets.map(({ State }) => State));

function forwardsTo(cloud: TestCloud, NLBId: string): readonly string[] {
  return cloud.world.balancing.get(NLBId)?.listeners.flatMap(({ targets }) => targets.map(({ ip }) => ip)) ?? [];
}

describe('a target', () => {
  test('is a machine by its id, with its primary address, or an address of a subnet', async () => {
    const cloud = await openFastCloud({ speed: 0.01 });
    const machine = await makeMachine(cloud);
    const listener = await makeListener(cloud, await makeBalancer(cloud));
    const { Targets } = await ok(cloud, 'AddNLBTargets', {
      ...listener,
      'Targets.0.ResourceId': machine.id,
      'Targets.0.Port': 30_080,
      ...Object.fromEntries(
        Object.entries(addressTargets(['10.9.0.99'])).map(([name, value]) => [name.replace('.0.', '.1.'), value]),
      ),
    });
    expect(Targets).toMatchObject([
      { ResourceType: 'UHost', ResourceId: machine.id, ResourceName: 'web-1', ResourceIP: machine.ip, Port: 30_080 },
      {
        ResourceType: 'IP',
        ResourceId: '',
        ResourceIP: '10.9.0.99',
        VPCId: 'uvnet-lab',
        State: 'Unhealthy',
        Weight: 1,
      },
    ]);
  });

  test('gets packets only after three checks have succeeded, and none after three have failed', async () => {
    const cloud = await openFastCloud();
    const NLBId = await makeBalancer(cloud);
    const listener = await makeListener(cloud, NLBId);
    cloud.world.fall('10.9.0.21', true);
    await ok(cloud, 'AddNLBTargets', { ...listener, ...addressTargets(['10.9.0.20', '10.9.0.21']) });
    await until('packets to go to the one that answers', () => forwardsTo(cloud, NLBId).length > 0);
    assert.deepEqual(forwardsTo(cloud, NLBId), ['10.9.0.20']);
    const { Listeners } = await untilShown(
      cloud,
      NLBId,
      'the targets to be listed',
      (one) => statesOf(one.Listeners).length === 2,
    );
    assert.deepEqual([Listeners[0]?.State, ...statesOf(Listeners)], ['PartialHealth', 'Healthy', 'Unhealthy']);
    cloud.world.fall('10.9.0.20', true);
    cloud.world.fall('10.9.0.21', false);
    await until('packets to go to the other one', () => forwardsTo(cloud, NLBId).join() === '10.9.0.21');
  });

  test('gets no packets while it is disabled, and its weight is changed', async () => {
    const cloud = await openFastCloud();
    const NLBId = await makeBalancer(cloud);
    const listener = await makeListener(cloud, NLBId, { Scheduler: 'WeightRoundRobin' });
    const [first = '', second = ''] = idsOf(
      await ok(cloud, 'AddNLBTargets', { ...listener, ...addressTargets(['10.9.0.20', '10.9.0.21']) }),
    );
    await until('packets to go to both', () => forwardsTo(cloud, NLBId).length === 2);
    await ok(cloud, 'UpdateNLBTargetsAttribute', {
      ...listener,
      'Targets.0.Id': first,
      'Targets.0.Enabled': 'false',
      'Targets.1.Id': second,
      'Targets.1.Weight': 7,
    });
    await until('packets to go to the other one', () => forwardsTo(cloud, NLBId).join() === '10.9.0.21');
    assert.equal(cloud.world.balancing.get(NLBId)?.listeners[0]?.targets[0]?.weight, 7);
    const unknown = { ...listener, 'Targets.0.Id': 'target-none', 'Targets.0.Weight': 3 };
    assert.equal((await cloud.call('UpdateNLBTargetsAttribute', unknown)).RetCode, 4093);
  });

  test('is removed by its id, at most forty by one call', async () => {
    const cloud = await openFastCloud();
    const NLBId = await makeBalancer(cloud);
    const listener = await makeListener(cloud, NLBId);
    const ips = Array.from({ length: 41 }, (_, n) => `10.9.0.${20 + n}`);
    const ids = idsOf(await ok(cloud, 'AddNLBTargets', { ...listener, ...addressTargets(ips) }));
    const remove = (some: readonly string[]) =>
      cloud.call('RemoveNLBTargets', { ...listener, ...Object.fromEntries(some.map((id, at) => [`Ids.${at}`, id])) });
    expect(await remove(ids)).toMatchObject({ RetCode: 230, Message: expect.stringContaining('at most 40') as string });
    assert.equal((await remove(ids.slice(0, 40))).RetCode, 0);
    assert.equal((await remove(ids.slice(39))).RetCode, 4093);
    await until('packets to go to the one that is left', () => forwardsTo(cloud, NLBId).join() === '10.9.0.60');
  });

  test('is one of 300 at the most that a balancer has', async () => {
    const cloud = await openFastCloud();
    const NLBId = await makeBalancer(cloud);
    const ips = Array.from({ length: 150 }, (_, n) => `10.9.0.${20 + n}`);
    await ok(cloud, 'AddNLBTargets', { ...(await makeListener(cloud, NLBId)), ...addressTargets(ips) });
    const second = await makeListener(cloud, NLBId, { StartPort: 443, EndPort: 443 });
    await ok(cloud, 'AddNLBTargets', { ...second, ...addressTargets(ips) });
    assert.equal((await cloud.call('AddNLBTargets', { ...second, ...addressTargets(['10.9.0.200']) })).RetCode, 4207);
  });

  const refused: readonly [string, Readonly<Record<string, string | number>>, number][] = [
    ['a machine that does not exist', { ResourceId: 'uhost-none', Port: 80 }, 8039],
    ['a machine without its id', { Port: 80 }, 220],
    ['an interface that does not exist', { ResourceType: 'UNI', ResourceId: 'uni-none', Port: 80 }, 8039],
    [
      'an address without its subnet',
      { ResourceType: 'IP', VPCId: 'uvnet-lab', ResourceIP: '10.9.0.9', Port: 80 },
      220,
    ],
    ['an address outside its subnet', { ResourceType: 'IP', ...home, ResourceIP: '10.9.4.9', Port: 80 }, 230],
    ['an address of the site', { ResourceType: 'IP', ...home, ResourceIP: '192.168.50.11', Port: 80 }, 230],
    ['a target without a port', { ResourceType: 'IP', ...home, ResourceIP: '10.9.0.9' }, 220],
    [
      'a target of another region',
      { ResourceType: 'IP', ...home, ResourceIP: '10.9.0.9', Port: 80, Region: 'hk' },
      230,
    ],
    ['a weight of 0', { ResourceType: 'IP', ...home, ResourceIP: '10.9.0.9', Port: 80, Weight: 0 }, 230],
    ['one that it has already', { ResourceType: 'IP', ...home, ResourceIP: '10.9.0.20', Port: 30_080 }, 4109],
  ];
  test.each(refused)('%s is refused, and so is what comes with it', async (_, params, code) => {
    const cloud = await openFastCloud();
    const listener = await makeListener(cloud, await makeBalancer(cloud));
    await ok(cloud, 'AddNLBTargets', { ...listener, ...addressTargets(['10.9.0.20']) });
    const odd = Object.fromEntries(Object.entries(params).map(([name, value]) => [`Targets.1.${name}`, value]));
    const answer = await cloud.call('AddNLBTargets', { ...listener, ...addressTargets(['10.9.0.21']), ...odd });
    assert.equal(answer.RetCode, code, String(answer.Message));
    assert.equal(cloud.cloud.objects().balancers[0]?.listeners[0]?.targets.length, 1);
  });

  test('of another VPC is refused', async () => {
    const cloud = await openFastCloud();
    const listener = await makeListener(cloud, await makeBalancer(cloud));
    const { VPCId } = await ok(cloud, 'CreateVPC', { Name: 'other', 'Network.0': '10.40.0.0/16' });
    const { SubnetId } = await ok(cloud, 'CreateSubnet', { VPCId: VPCId as string, Subnet: '10.40.1.0', Netmask: 24 });
    const answer = await cloud.call('AddNLBTargets', {
      ...listener,
      'Targets.0.ResourceType': 'IP',
      'Targets.0.VPCId': VPCId as string,
      'Targets.0.SubnetId': SubnetId as string,
      'Targets.0.ResourceIP': '10.40.1.9',
      'Targets.0.Port': 80,
    });
    assert.equal(answer.RetCode, 63032);
  });
});

test('a cloud that is restored forwards as before at once, and goes on checking', async () => {
  const before = await openFastCloud();
  const NLBId = await makeBalancer(before);
  const listener = await makeListener(before, NLBId);
  await ok(before, 'AddNLBTargets', { ...listener, ...addressTargets(['10.9.0.20']) });
  await until('packets to go', () => forwardsTo(before, NLBId).length === 1);
  await before.cloud.close();
  const after = await openTestCloud({ clock: createFastClock(), restore: before.cloud.snapshot() });
  await until('packets to go again', () => forwardsTo(after, NLBId).length === 1);
  after.world.fall('10.9.0.20', true);
  await until('packets to go no more', () => forwardsTo(after, NLBId).length === 0);
});

test('what the world fails at is tried again, and told among the objects', async () => {
  const cloud = await openFastCloud();
  cloud.world.failAt('balance', 'no such device');
  const NLBId = await makeBalancer(cloud);
  await until('the trouble to be told', () => cloud.cloud.objects().balancers[0]?.trouble === 'no such device');
  cloud.world.failAt('balance', undefined);
  await until('the balancer to be there', () => cloud.world.balancing.has(NLBId));
  assert.equal(cloud.cloud.objects().balancers[0]?.trouble, undefined);
});
