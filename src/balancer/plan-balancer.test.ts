import { expect, test } from 'vitest';
import type { CloudBalancer, CloudListener } from '#cloud/balancer.ts';
import { ms } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import type { Wish, WishedListener } from './parse-wish.ts';
import { type BalancerSeen, planBalancer } from './plan-balancer.ts';

const listening: WishedListener = {
  protocol: 'TCP',
  port: 80,
  nodePort: 30_080,
  scheduler: 'round-robin',
  sticky: ms(0),
  proxyProtocol: false,
  checkPort: 10_256,
};
const wish: Wish = {
  use: 'nlb-theirs',
  isPublic: true,
  isLocal: false,
  subnet: 'subnet-1',
  charge: 'hour',
  quantity: 1,
  listeners: [listening],
  address: { bandwidth: 2, charge: 'hour', quantity: 1, pays: 'bandwidth', operator: undefined },
};

function listener(id: string, change: Partial<CloudListener> = {}): CloudListener {
  const { nodePort, ...own } = listening;
  const backEnds = [{ id: 'target-1', machine: 'uhost-1', port: nodePort, healthy: undefined }];
  return { ...own, id, lastPort: own.port, mark: 'shop', owner: 'u-1', backEnds, ...change };
}

const theirs: CloudBalancer = {
  id: 'nlb-theirs',
  name: 'by hand',
  mark: undefined,
  owner: undefined,
  createdAt: 1,
  vpc: 'vpc-1',
  subnet: 'subnet-9',
  charge: 'month',
  address: ip('10.9.0.9'),
  listeners: [],
};

/** A Service that uses a balancer of somebody else. */
function seenWith(balancer: CloudBalancer | undefined, change: Partial<BalancerSeen> = {}): BalancerSeen {
  return {
    mark: 'shop',
    owner: 'u-1',
    vpc: 'vpc-1',
    wish: { ok: true, wish },
    isClaimed: true,
    record: { uses: 'existing', balancer: 'nlb-theirs' },
    published: [],
    backEnds: { machines: ['uhost-1'], left: [] },
    endpoints: { ready: 1, nodes: new Set(['web-1']) },
    mostListeners: 5,
    cloud: {
      state: 'known',
      balancer,
      surplus: [],
      addresses: [],
      bound: [ip('106.75.0.1')],
      inDoubt: false,
      markLost: undefined,
    },
    ...change,
  };
}

test('a balancer of somebody else gets a listener, its address is published, and it is never changed or removed', () => {
  expect(planBalancer(seenWith(theirs))).toMatchObject({ do: 'listen', balancer: 'nlb-theirs' });
  const served = { ...theirs, listeners: [listener('listener-1')] };
  const ingress = [{ ip: '106.75.0.1', ipMode: 'VIP' }];
  expect(planBalancer(seenWith(served))).toEqual({ do: 'publish', ingress });
  expect(planBalancer(seenWith(served, { published: ingress }))).toMatchObject({ do: 'hold', reason: 'Serving' });
  expect(planBalancer(seenWith(served, { wish: undefined }))).toMatchObject({ do: 'unlisten', listener: 'listener-1' });
  expect(planBalancer(seenWith(theirs, { wish: undefined }))).toEqual({ do: 'unclaim' });
});

test('a port of a shared balancer that another Service has is told, and that Service’s listener is left alone', () => {
  const other = { ...theirs, listeners: [listener('listener-7', { owner: 'u-2' })] };
  const published = [{ ip: '106.75.0.1', ipMode: 'VIP' }];
  expect(planBalancer(seenWith(other, { published }))).toEqual({
    do: 'hold',
    reason: 'PortInUse',
    message:
      'TCP port 80 of load balancer nlb-theirs is already in use by another Service (listener listener-7): use another port',
  });
  expect(planBalancer(seenWith(other, { wish: undefined }))).toEqual({ do: 'unclaim' });
});

test.each<[string, CloudBalancer | undefined, RegExp]>([
  ['that there is not', undefined, /there is no load balancer nlb-theirs in this region and project/],
  ['that was made for a Service', { ...theirs, mark: 'shop', owner: 'u-2' }, /was made for a Service/],
  ['of another VPC', { ...theirs, vpc: 'vpc-2' }, /is in the VPC vpc-2, and the nodes are in vpc-1/],
])('a balancer %s can not be used, and the Service says why', (_title, balancer, message) => {
  expect(planBalancer(seenWith(balancer))).toMatchObject({ do: 'hold', reason: 'BalancerUnknown', message });
});

test('a Service that moves to another balancer cleans the old one before it asks for anything new', () => {
  const old = { ...theirs, listeners: [listener('listener-1'), listener('listener-2', { owner: 'u-2', port: 81 })] };
  const moved = { wish: { ok: true as const, wish: { ...wish, use: undefined } } };
  expect(planBalancer(seenWith(old, moved))).toEqual({
    do: 'unlisten',
    balancer: 'nlb-theirs',
    listener: 'listener-1',
  });
  const cleaned = { ...old, listeners: old.listeners.slice(1) };
  expect(planBalancer(seenWith(cleaned, moved))).toEqual({ do: 'record', record: { uses: 'made' } });
});

test('a cloud that can not be read is no reason to give anything up', () => {
  const cloud = { state: 'unreadable', why: 'no answer' } as const;
  for (const change of [{}, { wish: undefined }])
    expect(planBalancer(seenWith(undefined, { cloud, ...change }))).toMatchObject({
      do: 'hold',
      reason: 'CloudUnreadable',
    });
});

test('a Service that can not be served any more keeps what it has', () => {
  const refused = { ok: false as const, refusals: [{ reason: 'BadAnnotation' as const, message: 'write public' }] };
  const served = { ...theirs, listeners: [listener('listener-1')] };
  expect(planBalancer(seenWith(served, { wish: refused }))).toEqual({
    do: 'hold',
    reason: 'BadAnnotation',
    message: 'write public',
  });
});

test('no cloud node and no ready pod are told with what helps, and the balancer stays', () => {
  const empty = { ...theirs, listeners: [listener('listener-1', { backEnds: [] })] };
  const published = [{ ip: '106.75.0.1', ipMode: 'VIP' }];
  const lost = { published, backEnds: { machines: [], left: [] }, endpoints: { ready: 0, nodes: new Set<string>() } };
  expect(planBalancer(seenWith(empty, lost))).toMatchObject({
    do: 'hold',
    reason: 'NoCloudNode',
    message: /add one under cloudMachines; no pod of the Service is ready/,
  });
});
