import { expect, test } from 'vitest';
import { ms, seconds } from '#unit/clock.ts';
import type { BalancerWish, Listening } from '../../../src/cloud/balancer.ts';
import type { Owned } from '../../../src/cloud/owned.ts';
import type { PublicAddressWish } from '../../../src/cloud/public-address.ts';
import { type Parameters, type Reply, refusal, success } from './scripted-api.ts';
import { closeScriptedClouds, scriptedCloud } from './scripted-cloud.ts';

closeScriptedClouds();

const owned: Owned = { mark: 'shop', owner: 'uid-1' };
const wish: BalancerWish = {
  ...owned,
  name: 'shop.default.web',
  vpc: 'uvnet-1',
  subnet: 'subnet-1',
  charge: 'hour',
  quantity: 1,
};
const listening: Listening = {
  protocol: 'TCP',
  port: 80,
  scheduler: 'round-robin',
  sticky: ms(0),
  proxyProtocol: false,
  checkPort: 10_256,
};
const address: PublicAddressWish = {
  ...owned,
  name: 'shop.default.web',
  bandwidth: 2,
  charge: 'hour',
  quantity: 1,
  pays: 'bandwidth',
  operator: undefined,
};
const opts = { within: seconds(20) };

function balancer(change: Record<string, unknown> = {}): Record<string, unknown> {
  return { NLBId: 'nlb-1', Name: 'any', Tag: 'isthmus-shop', Remark: 'isthmus/uid-1', CreateTime: 5, ...change };
}
function listed(set: string, ...entries: Record<string, unknown>[]): Reply {
  return { json: { RetCode: 0, TotalCount: entries.length, [set]: entries } };
}

test('a balancer whose create was lost is found by mark and owner, whatever it is called, and asked for once', async () => {
  const { balancers, sent } = await scriptedCloud({
    DescribeNetworkLoadBalancers: (turn) => (turn < 3 ? listed('NLBs') : listed('NLBs', balancer())),
    CreateNetworkLoadBalancer: () => 'cut',
  });
  expect(await balancers.create(wish, opts)).toMatchObject({ ok: true, value: { id: 'nlb-1', owner: 'uid-1' } });
  expect(sent('CreateNetworkLoadBalancer')).toHaveLength(1);
});

test('a balancer of the same name that is not ours is neither adopted nor removed', async () => {
  const theirs = [
    balancer({ NLBId: 'nlb-2', Name: wish.name, Tag: 'Default' }),
    balancer({ NLBId: 'nlb-3', Name: wish.name, Tag: 'isthmus-other' }),
    balancer({ NLBId: 'nlb-4', Name: wish.name, Remark: 'isthmus/uid-2' }),
  ];
  const { balancers, sent } = await scriptedCloud({
    DescribeNetworkLoadBalancers: () => listed('NLBs', ...theirs),
    CreateNetworkLoadBalancer: () => ({ json: { RetCode: 0, NLBId: 'nlb-9' } }),
  });
  expect(await balancers.create(wish, opts)).toMatchObject({ ok: true, value: { id: 'nlb-9' } });
  expect(await balancers.remove('nlb-3', 'shop', opts)).toMatchObject({ ok: false, failure: { kind: 'denied' } });
  expect(sent('DeleteNetworkLoadBalancer')).toEqual([]);
});

test('how it is paid is always said, and a month only when it is asked for', async () => {
  const { balancers, publicAddresses, sent } = await scriptedCloud({
    DescribeNetworkLoadBalancers: () => listed('NLBs'),
    DescribeEIP: () => listed('EIPSet'),
    CreateNetworkLoadBalancer: () => ({ json: { RetCode: 0, NLBId: 'nlb-1' } }),
    AllocateEIP: () => ({ json: { RetCode: 0, EIPSet: [{ EIPId: 'eip-1', EIPAddr: [{ IP: '106.75.1.2' }] }] } }),
  });
  await balancers.create(wish, opts);
  await balancers.create({ ...wish, owner: 'uid-2', charge: 'month', quantity: 3 }, opts);
  expect(sent('CreateNetworkLoadBalancer').map(({ ChargeType, Quantity }) => [ChargeType, Quantity])).toEqual([
    ['Dynamic', undefined],
    ['Month', '3'],
  ]);
  await publicAddresses.allocate(address, opts);
  await publicAddresses.allocate({ ...address, owner: 'uid-2', pays: { shared: 'bwshare-1' }, charge: 'year' }, opts);
  const asked = sent('AllocateEIP').map((call) =>
    ['ChargeType', 'Quantity', 'PayMode', 'Bandwidth'].map((k) => call[k]),
  );
  expect(asked).toEqual([
    ['Dynamic', undefined, 'Bandwidth', '2'],
    ['Year', '1', 'ShareBandwidth', '0'],
  ]);
});

test('a listener is of one port, keeps no client at a back end unless asked, and says whose it is', async () => {
  const { balancers, sent } = await scriptedCloud({
    DescribeNLBListeners: () => listed('Listeners'),
    CreateNLBListener: () => ({ json: { RetCode: 0, ListenerId: 'listener-1' } }),
  });
  await balancers.listen('nlb-1', { ...listening, ...owned }, opts);
  expect(sent('CreateNLBListener')[0]).toMatchObject({
    StartPort: '80',
    EndPort: '80',
    StickinessTimeout: '0',
    ForwardSrcIPMethod: 'None',
    'HealthCheckConfig.Type': 'Port',
    'HealthCheckConfig.Port': '10256',
    Remark: 'isthmus-shop/uid-1',
  });
});

test('a port that has the listener of another Service is in use, and one of a range of ports too', async () => {
  const theirs = { ListenerId: 'listener-7', Protocol: 'TCP', StartPort: 1, EndPort: 65_535, Remark: 'by hand' };
  const { balancers, sent } = await scriptedCloud({ DescribeNLBListeners: () => listed('Listeners', theirs) });
  const asked = await balancers.listen('nlb-1', { ...listening, ...owned }, opts);
  expect(asked).toMatchObject({
    ok: false,
    failure: { kind: 'inUse', raw: { message: expect.stringMatching(/listener-7/) } },
  });
  expect(sent('CreateNLBListener')).toEqual([]);
});

test.each([
  ['a list that lacks it', 4, (id: string, left: ReadonlySet<string>) => left.has(id)],
  ['a list that still shows it', 20, () => true],
])(
  'ninety back ends go in calls of at most forty, and one that went meanwhile does not keep the rest: %s',
  async (_list, most, isShown) => {
    const ids = Array.from({ length: 90 }, (_, at) => `target-${at}`);
    const left = new Set(ids);
    left.delete('target-50');
    const idsOf = (call: Parameters): readonly string[] =>
      Object.entries(call).flatMap(([key, value]) => (key.startsWith('Ids.') ? [value] : []));
    const { balancers, sent } = await scriptedCloud({
      RemoveNLBTargets(_turn, call) {
        if (idsOf(call).some((id) => !left.has(id))) return refusal(4093);
        for (const id of idsOf(call)) left.delete(id);
        return success;
      },
      DescribeNLBListeners: () => {
        const targets = ids.filter((id) => isShown(id, left)).map((Id) => ({ Id, ResourceId: 'uhost-1', Port: 80 }));
        const ports = { Protocol: 'TCP', StartPort: 80, EndPort: 80 };
        return listed('Listeners', { ListenerId: 'listener-1', ...ports, Targets: targets });
      },
    });
    expect(await balancers.drop('nlb-1', 'listener-1', ids, opts)).toMatchObject({ ok: true });
    expect([...left]).toEqual([]);
    const sizes = sent('RemoveNLBTargets').map((call) => idsOf(call).length);
    expect(sizes.slice(0, 3)).toEqual([40, 40, 10]);
    expect(sizes.length).toBeLessThanOrEqual(most);
    // All are gone now, and one look tells it where the list does.
    const before = sent('RemoveNLBTargets').length;
    expect(await balancers.drop('nlb-1', 'listener-1', ids.slice(0, 40), opts)).toMatchObject({ ok: true });
    if (most === 4) expect(sent('RemoveNLBTargets').length - before).toBe(1);
  },
);

test('after a lost answer a listener that somebody else has opened on the port is not adopted, and nothing is asked for twice', async () => {
  const foreign = { ListenerId: 'listener-9', Protocol: 'TCP', StartPort: 80, EndPort: 80, Remark: 'by hand' };
  const { balancers, sent } = await scriptedCloud({
    DescribeNLBListeners: (turn) => (turn < 2 ? listed('Listeners') : listed('Listeners', foreign)),
    CreateNLBListener: () => 'cut',
  });
  const answer = await balancers.listen('nlb-1', { ...listening, ...owned }, opts);
  expect(answer.ok ? answer.value : answer.failure).toMatchObject({
    kind: 'inUse',
    raw: { message: 'TCP port 80 of nlb-1 is in use by the listener listener-9' },
  });
  expect(sent('CreateNLBListener')).toHaveLength(1);
});

test('an address that is bound to something else is in use, and one that is bound already is success', async () => {
  const bound = (to: string) =>
    listed('EIPSet', { EIPId: 'eip-1', EIPAddr: [{ IP: '106.75.1.2' }], Resource: { ResourceID: to } });
  for (const [to, outcome] of [
    ['nlb-1', { ok: true }],
    ['uhost-9', { ok: false, failure: { kind: 'inUse', raw: { message: 'eip-1 is bound to uhost-9' } } }],
  ] as const) {
    const { publicAddresses } = await scriptedCloud({ BindEIP: () => refusal(4154), DescribeEIP: () => bound(to) });
    expect(await publicAddresses.bind('eip-1', 'nlb-1', opts)).toMatchObject(outcome);
  }
});

test('an address is called in use only when a look has shown by whom', async () => {
  const eip = (to: string) =>
    listed('EIPSet', { EIPId: 'eip-1', EIPAddr: [{ IP: '106.75.1.2' }], Resource: { ResourceID: to } });
  const refused = { BindEIP: () => refusal(4154) };
  const unseen = await scriptedCloud({ ...refused, DescribeEIP: () => refusal(9001) });
  expect(await unseen.publicAddresses.bind('eip-1', 'nlb-1', opts)).toMatchObject({ failure: { kind: 'unknown' } });
  const onItsWay = await scriptedCloud({ ...refused, DescribeEIP: (turn) => eip(turn < 3 ? '' : 'nlb-1') });
  expect(await onItsWay.publicAddresses.bind('eip-1', 'nlb-1', opts)).toMatchObject({ ok: true });
  const neverThere = await scriptedCloud({ ...refused, DescribeEIP: () => eip('') });
  expect(await neverThere.publicAddresses.bind('eip-1', 'nlb-1', opts)).toMatchObject({ failure: { kind: 'state' } });
  expect(neverThere.sent('BindEIP')).toHaveLength(1);
});

test('an address is unbound before it is released, and one of somebody else stays', async () => {
  const eip = (change: object) => ({
    EIPId: 'eip-1',
    Tag: 'isthmus-shop',
    EIPAddr: [{ IP: '106.75.1.2' }],
    Resource: { ResourceID: 'nlb-1' },
    ...change,
  });
  const ours = await scriptedCloud({
    DescribeEIP: (turn) => listed('EIPSet', eip(turn === 1 ? {} : { Resource: { ResourceID: '' } })),
  });
  expect(await ours.publicAddresses.release('eip-1', 'shop', opts)).toMatchObject({ ok: true });
  expect(ours.sent('UnBindEIP')).toMatchObject([{ ResourceId: 'nlb-1' }]);
  expect(ours.sent('ReleaseEIP')).toHaveLength(1);
  const theirs = await scriptedCloud({ DescribeEIP: () => listed('EIPSet', eip({ Tag: 'Default' })) });
  expect(await theirs.publicAddresses.release('eip-1', 'shop', opts)).toMatchObject({ failure: { kind: 'denied' } });
  expect(theirs.sent('ReleaseEIP')).toEqual([]);
});
