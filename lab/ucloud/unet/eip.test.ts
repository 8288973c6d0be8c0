import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { createFastClock, makeBalancer, ok, openFastCloud, shown } from '../test-balancer.ts';
import { openTestCloud, type TestCloud, until } from '../test-cloud.ts';

interface Eip {
  readonly EIPId: string;
  readonly Status: string;
  readonly Bandwidth: number;
  readonly Resource: { readonly ResourceID: string };
}

const wish = { OperatorName: 'Bgp', Bandwidth: 2, ChargeType: 'Dynamic' } as const;

async function allocate(cloud: TestCloud, params: Readonly<Record<string, string | number>> = {}) {
  const { EIPSet } = await ok(cloud, 'AllocateEIP', { ...wish, ...params });
  const [{ EIPId, EIPAddr }] = EIPSet as readonly [{ EIPId: string; EIPAddr: readonly [{ IP: string }] }];
  return { EIPId, ip: EIPAddr[0].IP };
}

async function describeOne(cloud: TestCloud, EIPId: string): Promise<Eip | undefined> {
  return ((await ok(cloud, 'DescribeEIP', { 'EIPIds.0': EIPId })).EIPSet as readonly Eip[])[0];
}

const isAt = (cloud: TestCloud, EIPId: string, at: string) =>
  until(`${EIPId} to be ${at}`, () => cloud.cloud.objects().eips.some((eip) => eip.id === EIPId && eip.at === at));

describe('an EIP', () => {
  test('is bound to a balancer, which then has its address, and is unbound and released', async () => {
    const cloud = await openFastCloud();
    const NLBId = await makeBalancer(cloud);
    const { EIPId, ip } = await allocate(cloud);
    const pair = { EIPId, ResourceType: 'ulb', ResourceId: NLBId };
    await ok(cloud, 'BindEIP', pair);
    assert.equal((await cloud.call('BindEIP', pair)).RetCode, 4154);
    await isAt(cloud, EIPId, 'used');
    expect(await describeOne(cloud, EIPId)).toMatchObject({ Status: 'used', Resource: { ResourceID: NLBId } });
    expect((await shown(cloud, NLBId))?.IPInfos.at(-1)).toMatchObject({
      IP: ip,
      Type: 1,
      AddressType: 'Internet',
      Id: EIPId,
    });
    await until('packets for it to go to the balancer', () => cloud.world.balancing.get(NLBId)?.publicIps[0] === ip);
    assert.equal((await cloud.call('ReleaseEIP', { EIPId })).RetCode, 4212);
    await ok(cloud, 'UnBindEIP', pair);
    assert.equal((await cloud.call('UnBindEIP', pair)).RetCode, 4211);
    await isAt(cloud, EIPId, 'free');
    await until('packets for it to go nowhere', () => cloud.world.balancing.get(NLBId)?.publicIps.length === 0);
    await ok(cloud, 'ReleaseEIP', { EIPId });
    assert.equal((await cloud.call('ReleaseEIP', { EIPId })).RetCode, 8039);
    assert.equal((await ok(cloud, 'DescribeEIP', { 'EIPIds.0': EIPId })).TotalCount, 0);
  });

  test('is bound a little after BindEIP was answered', async () => {
    const cloud = await openTestCloud({ speed: 1 });
    cloud.clock.stand();
    const { NLBId } = await ok(cloud, 'CreateNetworkLoadBalancer', { VPCId: 'uvnet-lab', SubnetId: 'subnet-lab' });
    const { EIPId } = await allocate(cloud);
    await ok(cloud, 'BindEIP', { EIPId, ResourceType: 'ulb', ResourceId: NLBId as string });
    expect(await describeOne(cloud, EIPId)).toMatchObject({ Status: 'free', Resource: { ResourceID: '' } });
    cloud.clock.go();
    await isAt(cloud, EIPId, 'used');
  });

  test('of a balancer that is deleted is free, or released with it where that was asked for', async () => {
    const cloud = await openFastCloud();
    for (const [ReleaseEIP, left] of [
      ['true', undefined],
      ['false', 'free'],
    ] as const) {
      const NLBId = await makeBalancer(cloud);
      const { EIPId } = await allocate(cloud);
      await ok(cloud, 'BindEIP', { EIPId, ResourceType: 'ulb', ResourceId: NLBId });
      await isAt(cloud, EIPId, 'used');
      await ok(cloud, 'DeleteNetworkLoadBalancer', { NLBId, ReleaseEIP });
      if (left !== undefined) await isAt(cloud, EIPId, 'free');
      assert.equal((await describeOne(cloud, EIPId))?.Status, left);
    }
  });

  test('is found by its id or its address, and both together mean either', async () => {
    const cloud = await openFastCloud();
    const [one, two] = [await allocate(cloud), await allocate(cloud)];
    await allocate(cloud);
    const found = await ok(cloud, 'DescribeEIP', { 'EIPIds.0': one.EIPId, 'IPs.0': two.ip });
    expect(found).toMatchObject({ TotalCount: 2, UnbindCount: 2, TotalBandwidth: 4 });
  });

  test('has its bandwidth, pay mode, name and remark changed', async () => {
    const cloud = await openFastCloud();
    const { EIPId } = await allocate(cloud, { OperatorName: 'BGP' });
    await ok(cloud, 'ModifyEIPBandwidth', { EIPId, Bandwidth: 10_000 });
    assert.equal((await cloud.call('SetEIPPayMode', { EIPId, PayMode: 'Traffic', Bandwidth: 301 })).RetCode, 230);
    await ok(cloud, 'SetEIPPayMode', { EIPId, PayMode: 'Traffic', Bandwidth: 300 });
    await ok(cloud, 'UpdateEIPAttribute', { EIPId, Name: 'shop', Remark: 'mine' });
    assert.equal((await cloud.call('UpdateEIPAttribute', { EIPId })).RetCode, 220);
    expect(await describeOne(cloud, EIPId)).toMatchObject({
      Bandwidth: 300,
      PayMode: 'Traffic',
      Name: 'shop',
      Remark: 'mine',
    });
  });

  test('is one of thirty at the most that a balancer has', async () => {
    const cloud = await openFastCloud();
    const NLBId = await makeBalancer(cloud);
    const codes = [];
    for (let n = 0; n < 31; n++) {
      const { EIPId } = await allocate(cloud);
      codes.push((await cloud.call('BindEIP', { EIPId, ResourceType: 'ulb', ResourceId: NLBId })).RetCode);
    }
    assert.deepEqual([codes.slice(0, 30).every((code) => code === 0), codes[30]], [true, 4207]);
  });

  const refused: readonly [string, Readonly<Record<string, string | number>>, number][] = [
    ['of a line that the region does not have', { OperatorName: 'International' }, 230],
    ['without bandwidth', { Bandwidth: 0 }, 230],
    ['of more traffic than there is', { PayMode: 'Traffic', Bandwidth: 301 }, 230],
    ['with ten others', { Count: 11 }, 4232],
    [
      'in a shared bandwidth that does not exist',
      { PayMode: 'ShareBandwidth', ShareBandwidthId: 'bwshare-1', Bandwidth: 0 },
      8039,
    ],
  ];
  test.each(refused)('%s is refused and not given', async (_, params, code) => {
    const cloud = await openFastCloud();
    assert.equal((await cloud.call('AllocateEIP', { ...wish, ...params })).RetCode, code);
    assert.deepEqual(cloud.cloud.objects().eips, []);
  });

  test('is bound to a load balancer alone', async () => {
    const cloud = await openFastCloud();
    const { EIPId } = await allocate(cloud);
    const codes = [];
    for (const [ResourceType, ResourceId] of [
      ['uhost', 'uhost-1'],
      ['ulb', 'nlb-none'],
    ] as const)
      codes.push((await cloud.call('BindEIP', { EIPId, ResourceType, ResourceId })).RetCode);
    assert.deepEqual(codes, [230, 4210]);
  });

  test('goes on to be bound in a cloud that was restored meanwhile, and quotas hold', async () => {
    const before = await openTestCloud({ speed: 1 });
    before.clock.stand();
    const { NLBId } = await ok(before, 'CreateNetworkLoadBalancer', { VPCId: 'uvnet-lab', SubnetId: 'subnet-lab' });
    const { EIPId } = await allocate(before);
    await ok(before, 'BindEIP', { EIPId, ResourceType: 'ulb', ResourceId: NLBId as string });
    await before.cloud.close();
    const after = await openTestCloud({ clock: createFastClock(), restore: before.cloud.snapshot() });
    await isAt(after, EIPId, 'used');
    after.cloud.limit({ eips: 2 });
    assert.equal((await after.call('AllocateEIP', { ...wish, Count: 2 })).RetCode, 4207);
  });

  test('is given with half of the others when the cloud makes fewer, and all of a lost answer are there', async () => {
    const cloud = await openFastCloud();
    cloud.plant({ action: 'AllocateEIP', kind: 'fewer', times: 1 });
    assert.equal(((await ok(cloud, 'AllocateEIP', { ...wish, Count: 4 })).EIPSet as readonly unknown[]).length, 2);
    cloud.plant({ action: 'AllocateEIP', kind: 'timeout-done', times: 1 });
    assert.equal((await cloud.call('AllocateEIP', wish)).RetCode, 110);
    assert.equal((await ok(cloud, 'DescribeEIP')).TotalCount, 3);
  });
});
