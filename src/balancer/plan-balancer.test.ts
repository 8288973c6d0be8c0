import { expect, test } from 'vitest';
import type { CloudBalancer, CloudListener } from '#cloud/balancer.ts';
import type { PublicAddress } from '#cloud/public-address.ts';
import { ms } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import type { Wish, WishedListener } from './parse-wish.ts';
import { type BalancerSeen, type BalancerStep, planBalancer } from './plan-balancer.ts';
import { type CloudSeen as SeenOf, textOfStep } from './plan-life.ts';
import { addressExample } from './seen.example.ts';

type CloudSeen = SeenOf<CloudListener>;

const listening: WishedListener = {
  protocol: 'TCP',
  port: 80,
  nodePort: 30_080,
  scheduler: 'round-robin',
  sticky: ms(0),
  proxyProtocol: false,
  checkPort: 10_256,
  name: '',
};
const wish: Wish = {
  layer: 'network',
  use: 'nlb-theirs',
  isPublic: true,
  isLocal: false,
  toPods: false,
  subnet: 'subnet-1',
  charge: 'hour',
  quantity: 1,
  listeners: [listening],
  address: { bandwidth: 2, charge: 'hour', quantity: 1, pays: 'bandwidth', operator: undefined },
};

/** How its port is answered, without what only the cluster knows. */
const { nodePort: _, name: __, ...answering } = listening;

function listener(id: string, change: Partial<CloudListener> = {}): CloudListener {
  const { nodePort, name: _, ...own } = listening;
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
    layer: 'network',
    mark: 'shop',
    owner: 'u-1',
    vpc: 'vpc-1',
    subnet: 'subnet-1',
    wish: { ok: true, wish },
    ports: [listening],
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
      certificates: [],
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

test('the nodes behind a classic balancer answer on the port of the Service, whether it has a node port or not', () => {
  const own: WishedListener = { ...listening, nodePort: 0, checkPort: 80 };
  const wanted: Wish = { ...wish, layer: 'direct', use: undefined, subnet: 'subnet-9', listeners: [own] };
  const published = [{ ip: '106.75.0.9', ipMode: 'VIP' }];
  const clb: CloudBalancer = { ...theirs, id: 'ulb-1', mark: 'shop', owner: 'u-1', isPublic: true, address: undefined };
  const seenOf = (listeners: readonly CloudListener[], isReadable = true): BalancerSeen =>
    seenWith(
      { ...clb, listeners },
      {
        layer: 'direct',
        wish: isReadable
          ? { ok: true, wish: wanted }
          : { ok: false, refusals: [{ reason: 'BadAnnotation', message: 'write public' }] },
        ports: [own],
        record: { uses: 'made', layer: 'direct', balancer: 'ulb-1', address: 'eip-1' },
        published,
        cloud: {
          state: 'known',
          balancer: { ...clb, charge: undefined, listeners },
          surplus: [],
          addresses: [{ ...addressExample, boundTo: 'ulb-1' }],
          certificates: [],
          bound: [],
          inDoubt: false,
          markLost: undefined,
        },
      },
    );
  expect(planBalancer(seenOf([]))).toMatchObject({ do: 'listen', wish: { port: 80, checkPort: 80 } });
  const there = listener('vserver-1', { checkPort: 80, backEnds: [] });
  const add = { do: 'add', balancer: 'ulb-1', listener: 'vserver-1', backEnds: [{ machine: 'uhost-1', port: 80 }] };
  expect(planBalancer(seenOf([there]))).toEqual(add);
  // So it is while the Service cannot be understood.
  expect(planBalancer(seenOf([there], false))).toEqual(add);
  const backEnds = [{ id: 'backend-1', machine: 'uhost-1', port: 80, healthy: true }];
  expect(planBalancer(seenOf([{ ...there, backEnds }]))).toMatchObject({ do: 'hold', reason: 'Serving' });
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
  expect(planBalancer(seenWith(balancer))).toEqual({
    do: 'hold',
    reason: 'BalancerUnknown',
    message: expect.stringMatching(message),
  });
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

const refused = { ok: false as const, refusals: [{ reason: 'BadAnnotation' as const, message: 'write public' }] };

test('a Service that is changed to what cannot be served goes on as it was, and says so', () => {
  const served = { ...theirs, listeners: [listener('listener-1')] };
  expect(planBalancer(seenWith(served, { wish: refused }))).toEqual({
    do: 'hold',
    reason: 'BadAnnotation',
    message: 'write public; load balancer nlb-theirs serves as before',
  });
  // Of what is not its own, or is not there, nothing is said.
  const { cloud } = seenWith(served);
  for (const change of [
    { isClaimed: false },
    { owner: 'u-9' },
    { cloud: { state: 'unreadable', why: '' } as const },
    { cloud: { ...cloud, markLost: 'nlb-theirs' } as CloudSeen },
    { cloud: { ...cloud, balancer: undefined } as CloudSeen },
  ])
    expect(planBalancer(seenWith(served, { wish: refused, ...change }))).toEqual({
      do: 'hold',
      reason: 'BadAnnotation',
      message: 'write public',
    });
});

test('the back ends of a Service that cannot be served any more are still kept right, and nothing else of it is changed', () => {
  const settings = { scheduler: 'source-hash', checkPort: 9 } as const;
  const there = listener('listener-1', {
    ...settings,
    backEnds: [{ id: 'target-9', machine: 'uhost-9', port: 30_080, healthy: true }],
  });
  const at = { balancer: 'nlb-theirs', listener: 'listener-1' };
  const seen = (one: CloudListener, change: Partial<BalancerSeen> = {}): BalancerSeen =>
    seenWith({ ...theirs, listeners: [one] }, { wish: refused, ...change });
  const well = listener('').backEnds.map((one) => ({ ...one, healthy: true }));
  const come = { ...there, backEnds: [...there.backEnds, ...well] };
  expect(planBalancer(seen(there))).toEqual({
    do: 'add',
    ...at,
    backEnds: [{ machine: 'uhost-1', port: 30_080 }],
  });
  expect(planBalancer(seen(come))).toEqual({ do: 'drop', ...at, ids: ['target-9'] });
  // A port that it does not have any more, or that has no node port, is left as it is.
  for (const ports of [[], [{ ...listening, nodePort: 0 }], [{ ...listening, port: 81 }]])
    expect(planBalancer(seen(come, { ports }))).toMatchObject({ do: 'hold', reason: 'BadAnnotation' });
  // Pods need none.
  const { address, ...pod } = { address: ip('10.9.128.7'), machine: 'uhost-1', ports: { '': 8080 } };
  const direct = { machines: [], left: [], pods: [{ address, ...pod }] };
  expect(planBalancer(seen(come, { ports: [{ ...listening, nodePort: 0 }], backEnds: direct }))).toEqual({
    do: 'add',
    ...at,
    backEnds: [{ address, vpc: 'vpc-1', subnet: 'subnet-1', port: 8080 }],
  });
  const { cloud } = seen(there);
  // What may be there already is not asked for, and what serves is kept until something else is well.
  expect(planBalancer(seen(there, { cloud: { ...cloud, inDoubt: true } as CloudSeen }))).toMatchObject({
    do: 'hold',
    reason: 'BadAnnotation',
    checks: true,
  });
  expect(planBalancer(seen(come, { cloud: { ...seen(come).cloud, inDoubt: true } as CloudSeen }))).toEqual({
    do: 'drop',
    ...at,
    ids: ['target-9'],
  });
  const settled = { ...there, id: 'listener-2', port: 81, lastPort: 81, backEnds: well };
  const both = seenWith({ ...theirs, listeners: [settled, there] });
  expect(
    planBalancer({
      ...both,
      wish: refused,
      ports: [listening, { ...listening, port: 81 }],
      cloud: { ...both.cloud, inDoubt: true } as CloudSeen,
    }),
  ).toMatchObject({ do: 'hold', checks: true });
});

test('a Service that names a balancer which cannot be used keeps the one that it has', () => {
  const had = { ...theirs, id: 'nlb-had', listeners: [listener('listener-1')] };
  const seen = (named: BalancerSeen['named']): BalancerSeen =>
    seenWith(had, { record: { uses: 'existing', balancer: 'nlb-had' }, ...(named !== undefined && { named }) });
  const held = { do: 'hold', reason: 'BalancerUnknown' };
  expect(planBalancer(seen({ state: 'known', found: undefined }))).toEqual({
    ...held,
    message:
      'there is no load balancer nlb-theirs in this region and project: name another one; load balancer nlb-had serves as before',
  });
  expect(planBalancer(seen({ state: 'known', found: { ...theirs, vpc: 'vpc-2' } }))).toMatchObject(held);
  expect(planBalancer(seen({ state: 'known', found: { ...theirs, mark: 'shop' } }))).toMatchObject(held);
  for (const named of [undefined, { state: 'unreadable', why: 'no answer' } as const])
    expect(planBalancer(seen(named))).toMatchObject({ do: 'hold', reason: 'CloudUnreadable' });
  expect(planBalancer(seen({ state: 'known', found: theirs }))).toEqual({
    do: 'unlisten',
    balancer: 'nlb-had',
    listener: 'listener-1',
  });
});

test('nodes that serve although their label keeps them out, because no other can, are told', () => {
  const served = { ...theirs, listeners: [listener('listener-1')] };
  const backEnds = { machines: ['uhost-1'], left: [], last: ['web-1'] };
  const published = [{ ip: '106.75.0.1', ipMode: 'VIP' as const }];
  expect(planBalancer(seenWith(served, { backEnds, published }))).toEqual({
    do: 'hold',
    reason: 'OnlyExcluded',
    message:
      'every cloud node carries the label node.kubernetes.io/exclude-from-external-load-balancers: the load balancer goes on sending to web-1, so that clients are answered; take the label from a node, or add a cloud node',
  });
});

test('pods are back ends whatever the labels of nodes say', () => {
  const served = { ...theirs, listeners: [listener('listener-1', { backEnds: [], checkPort: 8080 })] };
  const backEnds = { machines: [], left: [], last: ['web-1'], pods: [] };
  const published = [{ ip: '106.75.0.1', ipMode: 'VIP' as const }];
  const wished = { ok: true as const, wish: { ...wish, listeners: [{ ...listening, checkPort: 8080 }] } };
  expect(planBalancer(seenWith(served, { backEnds, published, wish: wished }))).toEqual({
    do: 'hold',
    reason: 'Serving',
    message: 'load balancer nlb-theirs sends to 0 pods directly',
  });
});

test('no cloud node and no ready pod are told with what helps, and the balancer stays', () => {
  const empty = { ...theirs, listeners: [listener('listener-1', { backEnds: [] })] };
  const published = [{ ip: '106.75.0.1', ipMode: 'VIP' }];
  const lost = { published, backEnds: { machines: [], left: [] }, endpoints: { ready: 0, nodes: new Set<string>() } };
  expect(planBalancer(seenWith(empty, lost))).toEqual({
    do: 'hold',
    reason: 'NoCloudNode',
    message: expect.stringMatching(
      /^there is no cloud node, and only cloud nodes can be back ends: add one under cloudMachines; the Service has no selector/,
    ),
  });
});

const ours: CloudBalancer = {
  ...theirs,
  id: 'nlb-1',
  name: 'shop-default-web',
  mark: 'shop',
  owner: 'u-1',
  subnet: 'subnet-1',
  charge: 'hour',
  listeners: [listener('listener-1')],
};
const eip: PublicAddress = {
  id: 'eip-1',
  ip: ip('106.75.0.7'),
  mark: 'shop',
  owner: 'u-1',
  createdAt: 1,
  bandwidth: 2,
  boundTo: 'nlb-1',
};
const published = [{ ip: '106.75.0.7', ipMode: 'VIP' }];

interface MadeChange extends Partial<Omit<BalancerSeen, 'cloud' | 'wish'>> {
  readonly cloud?: Partial<Extract<CloudSeen, { readonly state: 'known' }>>;
  readonly wish?: Partial<Wish> | undefined;
}

/** A Service that is served by a balancer of ours, and then something else. */
function madeWith(change: MadeChange = {}): BalancerSeen {
  const { cloud, ...rest } = change;
  const isGone = 'wish' in change && change.wish === undefined;
  return {
    ...seenWith(ours, { record: { uses: 'made', balancer: 'nlb-1', address: 'eip-1' }, published }),
    named: { state: 'known', found: theirs },
    ...rest,
    wish: isGone ? undefined : { ok: true, wish: { ...wish, use: undefined, ...change.wish } },
    cloud: {
      state: 'known',
      balancer: ours,
      surplus: [],
      addresses: [eip],
      certificates: [],
      bound: [eip.ip],
      inDoubt: false,
      markLost: undefined,
      ...cloud,
    },
  };
}

const own: Wish = { ...wish, use: undefined };
const doubt: BalancerStep = {
  do: 'hold',
  reason: 'InDoubt',
  message: 'the cloud may have made something that its lists do not show yet: waiting before asking again',
};
const at80 = { balancer: 'nlb-1', listener: 'listener-1' } as const;
const withListeners = (...listeners: readonly CloudListener[]): MadeChange => ({
  cloud: { balancer: { ...ours, listeners } },
});
const held = (reason: string, message: string): object => ({ do: 'hold', reason, message });
const toPods = (...lasts: readonly number[]): MadeChange => ({
  backEnds: {
    machines: [],
    left: [],
    pods: lasts.map((last) => ({ address: ip(`10.9.128.${last}`), machine: 'uhost-1', ports: { '': 8080 } })),
  },
});
const podEnd = (id: string, last: number, healthy?: boolean) => {
  const place = { address: ip(`10.9.128.${last}`), vpc: 'vpc-1', subnet: 'subnet-1', port: 8080 };
  return { place, seen: { ...place, id, healthy } };
};
/** A listener that checks pods. */
const withPods = (...backEnds: CloudListener['backEnds']): MadeChange =>
  withListeners(listener('listener-1', { backEnds, checkPort: 8080 }));
const backEnd = (id: string, machine: string, port = 30_080) => ({ id, machine, port, healthy: undefined });

test.each<[string, MadeChange, object]>([
  ['at rest when all is as it should be', {}, held('Serving', 'load balancer nlb-1 sends to 1 cloud node')],
  [
    'at rest with two nodes',
    {
      backEnds: { machines: ['uhost-1', 'uhost-2'], left: [] },
      ...withListeners(listener('listener-1', { backEnds: [backEnd('t-1', 'uhost-1'), backEnd('t-2', 'uhost-2')] })),
    },
    held('Serving', 'load balancer nlb-1 sends to 2 cloud nodes'),
  ],
  [
    'at rest with as many cloud nodes as it takes, and tells how many are left out',
    { backEnds: { machines: ['uhost-1'], left: [], over: 2 } },
    held(
      'Serving',
      'load balancer nlb-1 sends to 1 cloud node and to no more: it takes 1 back ends for each port, and there are 2 more',
    ),
  ],
  ['not ours', { wish: undefined, isClaimed: false }, { do: 'ignore', why: 'not-ours' }],
  ['claimed before the cloud is asked', { isClaimed: false }, { do: 'claim', record: { uses: 'made' } }],
  [
    'claimed with the balancer that it names',
    { isClaimed: false, wish: { use: 'nlb-9' } },
    { do: 'claim', record: { uses: 'existing', balancer: 'nlb-9' } },
  ],
  [
    'cleaned first when it moves to a balancer of the user',
    { wish: { use: 'nlb-9' } },
    { do: 'release', address: 'eip-1', why: 'not-wanted' },
  ],
  [
    'recorded anew when it is clean',
    { wish: { use: 'nlb-9' }, cloud: { balancer: undefined, addresses: [] } },
    { do: 'record', record: { uses: 'existing', balancer: 'nlb-9' } },
  ],
  [
    'cleaned first when it is to be of the other layer, be that recorded already',
    { wish: { layer: 'direct' }, record: { uses: 'made', layer: 'direct' } },
    { do: 'release', address: 'eip-1', why: 'not-wanted' },
  ],
  [
    'cleaned when it names another balancer than before',
    { wish: { use: 'nlb-9' }, record: { uses: 'existing', balancer: 'nlb-8' } },
    { do: 'unlisten', ...at80 },
  ],
  // Giving up, in the order in which nothing is left over.
  ['given up: the address first', { wish: undefined }, { do: 'release', address: 'eip-1', why: 'not-wanted' }],
  [
    'given up: one that is too many before the balancer itself',
    { wish: undefined, cloud: { addresses: [], surplus: [{ ...ours, id: 'nlb-2' }] } },
    { do: 'remove', balancer: 'nlb-2', why: 'not-wanted' },
  ],
  [
    'given up: the balancer',
    { wish: undefined, cloud: { addresses: [] } },
    { do: 'remove', balancer: 'nlb-1', why: 'not-wanted' },
  ],
  ['given up: nothing is left', { wish: undefined, cloud: { addresses: [], balancer: undefined } }, { do: 'unclaim' }],
  [
    'given up: something may have been made',
    { wish: undefined, cloud: { addresses: [], balancer: undefined, inDoubt: true } },
    doubt,
  ],
  [
    'given up: a listener that may have been made on a balancer of the user',
    { wish: undefined, record: { uses: 'existing', balancer: 'nlb-9' }, cloud: { balancer: undefined, inDoubt: true } },
    doubt,
  ],
  [
    'given up: a balancer that lost our mark is left to people',
    { wish: undefined, cloud: { markLost: 'nlb-1' } },
    held(
      'MarkLost',
      'load balancer nlb-1 no longer carries the mark of this cluster, so it is neither changed nor removed: set its business group to isthmus-shop again',
    ),
  ],
  // Finding and making.
  ['made', { cloud: { balancer: undefined, addresses: [] } }, { do: 'create', wish: own }],
  ['not made twice', { cloud: { balancer: undefined, addresses: [], inDoubt: true } }, doubt],
  [
    'not made beside one that lost our mark',
    { cloud: { balancer: undefined, markLost: 'nlb-1' } },
    { do: 'hold', reason: 'MarkLost' },
  ],
  [
    'recorded when it was made',
    { record: { uses: 'made', address: 'eip-1' } },
    { do: 'record', record: { uses: 'made', balancer: 'nlb-1', address: 'eip-1' } },
  ],
  [
    'rid of one that is too many, the recorded one stays',
    { cloud: { surplus: [{ ...ours, id: 'nlb-2' }] } },
    { do: 'remove', balancer: 'nlb-2', why: 'surplus' },
  ],
  // Listeners.
  ['given a listener', withListeners(), { do: 'listen', balancer: 'nlb-1', listener: '', wish: answering }],
  [
    'given a listener beside those of others',
    withListeners(listener('listener-9', { owner: 'u-2', port: 81, lastPort: 81 })),
    { do: 'listen', balancer: 'nlb-1', listener: '', wish: answering },
  ],
  ['not given a listener that may be there', { cloud: { balancer: { ...ours, listeners: [] }, inDoubt: true } }, doubt],
  [
    'given a listener for UDP beside that for TCP of one port',
    { wish: { listeners: [listening, { ...listening, protocol: 'UDP' }] } },
    { do: 'listen', balancer: 'nlb-1', wish: { ...answering, protocol: 'UDP' } },
  ],
  [
    'rid of a listener for a port that is not wanted, before a new one is asked for',
    { ...withListeners(listener('listener-8', { port: 81, lastPort: 81 })) },
    { do: 'unlisten', balancer: 'nlb-1', listener: 'listener-8' },
  ],
  [
    'rid of a range of ours that only begins with the port',
    withListeners(listener('listener-8', { lastPort: 90 })),
    { do: 'unlisten', balancer: 'nlb-1', listener: 'listener-8' },
  ],
  [
    'told of a range by hand that has its port',
    withListeners(listener('listener-8', { mark: undefined, owner: undefined, port: 70, lastPort: 80 })),
    held(
      'PortInUse',
      'TCP port 80 of load balancer nlb-1 is already in use by somebody else (listener listener-8): use another port',
    ),
  ],
  [
    'not disturbed by ranges beside its port, or by its port with another protocol',
    withListeners(
      listener('listener-1'),
      listener('listener-5', { owner: 'u-2', port: 70, lastPort: 79 }),
      listener('listener-6', { owner: 'u-2', port: 81, lastPort: 90 }),
      listener('listener-7', { mark: 'mall', protocol: 'UDP' }),
    ),
    held('Serving', 'load balancer nlb-1 sends to 1 cloud node'),
  ],
  [
    'told that the balancer is full',
    { mostListeners: 1, wish: { listeners: [listening, { ...listening, port: 443 }] } },
    held('TooManyPorts', 'load balancer nlb-1 has 1 listeners and takes no more, so port 443 is not served'),
  ],
  [
    'answered as it should be',
    { wish: { listeners: [{ ...listening, scheduler: 'source-hash' }] } },
    { do: 'change', ...at80, wish: { scheduler: 'source-hash' } },
  ],
  [
    'answered as it should be before a back end goes',
    {
      wish: { listeners: [{ ...listening, scheduler: 'source-hash' }] },
      ...withListeners(
        listener('listener-1', {
          backEnds: [
            { ...backEnd('t-1', 'uhost-1'), healthy: true },
            { ...backEnd('t-2', 'uhost-2'), healthy: false },
          ],
        }),
      ),
    },
    { do: 'change', ...at80, wish: { scheduler: 'source-hash' } },
  ],
  ['sticky', { wish: { listeners: [{ ...listening, sticky: ms(60_000) }] } }, { do: 'change', ...at80 }],
  ['told who asks', { wish: { listeners: [{ ...listening, proxyProtocol: true }] } }, { do: 'change', ...at80 }],
  ['checked elsewhere', { wish: { listeners: [{ ...listening, checkPort: 30_000 }] } }, { do: 'change', ...at80 }],
  // Back ends.
  [
    'given a back end before another goes',
    { backEnds: { machines: ['uhost-2'], left: [] } },
    { do: 'add', ...at80, backEnds: [{ machine: 'uhost-2', port: 30_080 }] },
  ],
  [
    'not given a back end that may be there',
    { backEnds: { machines: ['uhost-2'], left: [] }, cloud: { inDoubt: true } },
    doubt,
  ],
  [
    'rid of back ends that are no nodes any more, have another port or are there twice',
    withListeners(
      listener('listener-1', {
        backEnds: [
          { ...backEnd('t-1', 'uhost-1'), healthy: true },
          backEnd('t-2', 'uhost-2'),
          backEnd('t-3', 'uhost-1', 30_081),
          backEnd('t-4', 'uhost-1'),
        ],
      }),
    ),
    { do: 'drop', ...at80, ids: ['t-2', 't-3', 't-4'] },
  ],
  [
    'rid of a back end although something is in doubt',
    {
      cloud: {
        inDoubt: true,
        balancer: {
          ...ours,
          listeners: [
            listener('listener-1', {
              backEnds: [{ ...backEnd('t-1', 'uhost-1'), healthy: true }, backEnd('t-2', 'uhost-2')],
            }),
          ],
        },
      },
    },
    { do: 'drop', ...at80, ids: ['t-2'] },
  ],
  [
    'not rid of the node that serves before one that stays is found healthy',
    withListeners(
      listener('listener-1', {
        backEnds: [backEnd('t-1', 'uhost-1'), { ...backEnd('t-2', 'uhost-2'), healthy: true }],
      }),
    ),
    {
      ...held(
        'Making',
        'load balancer nlb-1 still checks the new back ends of port 80; the old ones serve until one of them is well',
      ),
      checks: true,
    },
  ],
  [
    'not rid of the nodes that serve two ports before the new ones are found healthy on both',
    {
      wish: { listeners: [{ ...listening, port: 79 }, listening, { ...listening, port: 443 }] },
      ...withListeners(
        listener('listener-9', { owner: 'u-9', port: 81, lastPort: 81, backEnds: [] }),
        listener('listener-3', { port: 79, lastPort: 79 }),
        ...[80, 443].map((port) =>
          listener(`listener-${port}`, {
            port,
            lastPort: port,
            backEnds: [backEnd('t-1', 'uhost-1'), { ...backEnd('t-2', 'uhost-2'), healthy: true }],
          }),
        ),
      ),
    },
    {
      ...held(
        'Making',
        'load balancer nlb-1 still checks the new back ends of port 80, 443; the old ones serve until one of them is well',
      ),
      checks: true,
    },
  ],
  ['rid of its last node', { backEnds: { machines: [], left: [] } }, { do: 'drop', ...at80, ids: ['target-1'] }],
  [
    'rid of a node that fails its checks, whether or not another one is found healthy',
    withListeners(
      listener('listener-1', {
        backEnds: [backEnd('t-1', 'uhost-1'), { ...backEnd('t-2', 'uhost-2'), healthy: false }],
      }),
    ),
    { do: 'drop', ...at80, ids: ['t-2'] },
  ],
  // Straight to pods.
  [
    'given a listener that checks the port of its pods',
    { ...toPods(7), ...withListeners() },
    { do: 'listen', balancer: 'nlb-1', wish: { ...answering, checkPort: 8080 } },
  ],
  [
    'given a listener that checks nodes while there is no pod',
    { ...toPods(), ...withListeners() },
    { do: 'listen', balancer: 'nlb-1', wish: answering },
  ],
  [
    'given pods before it is told to check their port',
    toPods(7),
    { do: 'add', ...at80, backEnds: [podEnd('', 7).place] },
  ],
  [
    'told to check the port of pods when they are there',
    { ...toPods(7), ...withListeners(listener('listener-1', { backEnds: [podEnd('t-7', 7).seen] })) },
    { do: 'change', ...at80, wish: { ...answering, checkPort: 8080 } },
  ],
  [
    'left with its nodes until a pod is found healthy',
    { ...toPods(7), ...withPods(backEnd('t-1', 'uhost-1'), podEnd('t-7', 7, false).seen) },
    {
      ...held(
        'Making',
        'load balancer nlb-1 still checks the new back ends of port 80; the old ones serve until one of them is well',
      ),
      checks: true,
    },
  ],
  [
    'left with its nodes, which are checked on the port of pods and so found unwell',
    {
      ...toPods(7),
      ...withPods({ ...backEnd('t-1', 'uhost-1'), healthy: false }, podEnd('t-7', 7).seen),
    },
    { do: 'hold', reason: 'Making', checks: true },
  ],
  [
    'looked at again for the sake of its nodes, also when a port is not answered',
    {
      backEnds: {
        machines: [],
        left: [],
        pods: [{ address: ip('10.9.128.7'), machine: 'uhost-1', ports: { '': 8080 } }],
      },
      endpoints: { ready: 0, nodes: new Set<string>() },
      ...withPods(backEnd('t-1', 'uhost-1'), podEnd('t-7', 7, undefined).seen),
    },
    { do: 'hold', reason: 'NoEndpoint', checks: true },
  ],
  [
    'rid of its nodes when a pod is found healthy',
    { ...toPods(7, 8), ...withPods(backEnd('t-1', 'uhost-1'), podEnd('t-7', 7, true).seen, podEnd('t-8', 8).seen) },
    { do: 'drop', ...at80, ids: ['t-1'] },
  ],
  [
    'at rest with its pods',
    { ...toPods(7, 8), ...withPods(podEnd('t-7', 7).seen, podEnd('t-8', 8).seen) },
    held('Serving', 'load balancer nlb-1 sends to 2 pods directly'),
  ],
  [
    'not rid of a pod that ends and still answers before another one is found healthy',
    {
      backEnds: {
        machines: [],
        left: [],
        pods: [{ address: ip('10.9.128.8'), machine: 'uhost-1', ports: { '': 8080 } }],
        ending: [ip('10.9.128.7')],
      },
      ...withPods(podEnd('t-7', 7, true).seen, podEnd('t-8', 8, false).seen),
    },
    { do: 'hold', reason: 'Making', checks: true },
  ],
  [
    'rid of a pod that has ended, whether or not another one is healthy',
    { ...toPods(8), ...withPods(podEnd('t-7', 7, true).seen, podEnd('t-8', 8, false).seen) },
    { do: 'drop', ...at80, ids: ['t-7'] },
  ],
  [
    'rid of all back ends when no pod is left, and not checked elsewhere',
    { ...toPods(), ...withPods(podEnd('t-7', 7, true).seen) },
    { do: 'drop', ...at80, ids: ['t-7'] },
  ],
  [
    'not given a pod that lacks the port',
    {
      backEnds: {
        machines: [],
        left: [],
        pods: [{ address: ip('10.9.128.7'), machine: 'uhost-1', ports: { other: 1 } }],
      },
      ...withPods(),
    },
    held('Serving', 'load balancer nlb-1 sends to 1 pod directly'),
  ],
  [
    'given nodes again when a pod cannot be a back end, and the pods serve until a node is found healthy',
    withPods(podEnd('t-7', 7, true).seen),
    { do: 'add', ...at80, backEnds: [{ machine: 'uhost-1', port: 30_080 }] },
  ],
  [
    'told to check nodes again',
    withPods(podEnd('t-7', 7, true).seen, backEnd('t-1', 'uhost-1')),
    { do: 'change', ...at80, wish: { ...answering, checkPort: 10_256 } },
  ],
  [
    'left with its pods, which may be gone, until a node is found healthy',
    withListeners(listener('listener-1', { backEnds: [podEnd('t-7', 7, true).seen, backEnd('t-1', 'uhost-1')] })),
    { do: 'hold', reason: 'Making', checks: true },
  ],
  [
    'rid of its pods when a node is found healthy',
    withListeners(
      listener('listener-1', {
        backEnds: [podEnd('t-7', 7, true).seen, { ...backEnd('t-1', 'uhost-1'), healthy: true }],
      }),
    ),
    { do: 'drop', ...at80, ids: ['t-7'] },
  ],
  [
    'at rest with nodes, and told why not with pods',
    { backEnds: { machines: ['uhost-1'], left: [], whyNotPods: 'pod web-2 is on base-1, which is not in the VPC' } },
    held(
      'Serving',
      'load balancer nlb-1 sends to 1 cloud node, and not straight to pods: pod web-2 is on base-1, which is not in the VPC',
    ),
  ],
  [
    'told that no pod is ready',
    { ...toPods(), endpoints: { ready: 0, nodes: new Set<string>() }, ...withPods() },
    { do: 'hold', reason: 'NoEndpoint' },
  ],
  // Addresses.
  [
    'given an address',
    { record: { uses: 'made', balancer: 'nlb-1' }, cloud: { addresses: [] } },
    { do: 'allocate', wish: own },
  ],
  ['not given a second address', { cloud: { addresses: [], inDoubt: true } }, doubt],
  [
    'recorded with its address',
    { record: { uses: 'made', balancer: 'nlb-1' } },
    { do: 'record', record: { uses: 'made', balancer: 'nlb-1', address: 'eip-1' } },
  ],
  [
    'bound',
    { cloud: { addresses: [{ ...eip, boundTo: undefined }] } },
    { do: 'bind', address: 'eip-1', balancer: 'nlb-1' },
  ],
  [
    'told that its address was bound elsewhere by hand',
    { cloud: { addresses: [{ ...eip, boundTo: 'uhost-9' }] } },
    held(
      'AddressTaken',
      'public address eip-1 was bound to uhost-9 by hand: unbind it there, and it is bound to load balancer nlb-1 again',
    ),
  ],
  [
    'given its bandwidth',
    { wish: { address: { ...wish.address, bandwidth: 10 } } },
    { do: 'resize', address: 'eip-1', bandwidth: 10 },
  ],
  [
    'left with what a shared bandwidth gives',
    { wish: { address: { ...wish.address, bandwidth: 10, pays: { shared: 'bw-1' } } } },
    { do: 'hold', reason: 'Serving' },
  ],
  ['published', { published: [] }, { do: 'publish', ingress: published }],
  [
    'published with the mode that PROXY protocol needs',
    {
      wish: { listeners: [{ ...listening, proxyProtocol: true }] },
      ...withListeners(listener('listener-1', { proxyProtocol: true })),
    },
    { do: 'publish', ingress: [{ ip: '106.75.0.7', ipMode: 'Proxy' }] },
  ],
  [
    'published with the mode that PROXY protocol of one of its ports needs',
    {
      wish: { listeners: [listening, { ...listening, port: 443, proxyProtocol: true }] },
      ...withListeners(
        listener('listener-1'),
        listener('listener-2', { port: 443, lastPort: 443, proxyProtocol: true }),
      ),
    },
    { do: 'publish', ingress: [{ ip: '106.75.0.7', ipMode: 'Proxy' }] },
  ],
  [
    'rid of an address that is too many',
    { cloud: { addresses: [eip, { ...eip, id: 'eip-2' }] } },
    { do: 'release', address: 'eip-2', why: 'surplus' },
  ],
  // Private ones.
  [
    'private: its address in the VPC is published before the public one goes',
    { wish: { isPublic: false } },
    { do: 'publish', ingress: [{ ip: '10.9.0.9', ipMode: 'VIP' }] },
  ],
  [
    'private: the public address goes',
    { wish: { isPublic: false }, published: [{ ip: '10.9.0.9', ipMode: 'VIP' }] },
    { do: 'release', address: 'eip-1', why: 'not-wanted' },
  ],
  [
    'private: at rest',
    { wish: { isPublic: false }, published: [{ ip: '10.9.0.9', ipMode: 'VIP' }], cloud: { addresses: [] } },
    { do: 'hold', reason: 'Serving' },
  ],
  [
    'private: without an address yet',
    { wish: { isPublic: false }, published: [], cloud: { balancer: { ...ours, address: undefined } } },
    { ...held('Making', 'load balancer nlb-1 has no address yet'), checks: true },
  ],
  // What stands against it all the same.
  [
    'told that with Local no pod can be reached',
    {
      wish: { isLocal: true },
      backEnds: { machines: [], left: [] },
      endpoints: { ready: 2, nodes: new Set(['base-2', 'base-1']) },
      ...withListeners(listener('listener-1', { backEnds: [] })),
    },
    held(
      'LocalUnreachable',
      'externalTrafficPolicy is Local, but all ready pods are on nodes that cannot be back ends (base-1, base-2): set externalTrafficPolicy to Cluster, or run a pod on a cloud node',
    ),
  ],
  [
    'told with Local that no pod is ready, and no more',
    {
      wish: { isLocal: true },
      backEnds: { machines: [], left: [] },
      endpoints: { ready: 0, nodes: new Set() },
      ...withListeners(listener('listener-1', { backEnds: [] })),
    },
    { do: 'hold', reason: 'NoEndpoint', message: expect.stringMatching(/^the Service has no selector/) as string },
  ],
  [
    'told why no node can be a back end',
    {
      backEnds: {
        machines: [],
        left: [
          { node: 'web-1', why: 'it is not ready' },
          { node: 'web-2', why: 'it is being deleted' },
        ],
      },
      ...withListeners(listener('listener-1', { backEnds: [] })),
    },
    held('NoCloudNode', 'no cloud node can be a back end (web-1: it is not ready, web-2: it is being deleted)'),
  ],
  [
    'told which security group closes its node port, what nobody answers, and that this is looked at again',
    {
      cloud: { balancer: { ...ours, senders: [ip('10.9.0.3')], listeners: [listener('listener-1')] } },
      inbound: new Map([['uhost-1', { guarded: true, groups: ['g-1'], rules: [] } as const]]),
      expected: { selector: undefined, ports: [{ name: 'web', port: 80, target: 'web' }] },
      endpoints: { ready: 1, nodes: new Set(['web-1']), all: [] },
    },
    {
      ...held(
        'PortClosed',
        'the security group g-1 closes TCP port 30080 of uhost-1 to the load balancer (10.9.0.3): add a rule that accepts TCP 30000-32767 from subnet subnet-1; no ready pod answers port 80: its targetPort "web" is the name of no container port of theirs; add the name to the pods, or write the number as targetPort',
      ),
      checks: true,
    },
  ],
  [
    'at rest behind a closed security group when nobody knows from where the balancer sends',
    { inbound: new Map([['uhost-1', { guarded: true, groups: ['g-1'], rules: [] } as const]]) },
    held('Serving', 'load balancer nlb-1 sends to 1 cloud node'),
  ],
  [
    'at rest when nobody says which ports its pods should answer',
    { endpoints: { ready: 1, nodes: new Set(['web-1']), all: [] } },
    held('Serving', 'load balancer nlb-1 sends to 1 cloud node'),
  ],
  [
    'told which security group closes the port of its pods',
    {
      ...toPods(7),
      cloud: {
        balancer: {
          ...ours,
          senders: [ip('10.9.0.3')],
          listeners: [listener('listener-1', { backEnds: [podEnd('t-7', 7, true).seen], checkPort: 8080 })],
        },
      },
      inbound: new Map([['uhost-1', { guarded: true, groups: ['g-1'], rules: [] } as const]]),
    },
    {
      ...held(
        'PortClosed',
        'the security group g-1 closes TCP port 8080 of uhost-1 to the load balancer (10.9.0.3): add a rule that accepts TCP 8080 from subnet subnet-1',
      ),
      checks: true,
    },
  ],
  [
    'told that no check of its own listener passes',
    withListeners(
      listener('listener-1', { backEnds: [{ id: 'target-1', machine: 'uhost-1', port: 30_080, healthy: false }] }),
      listener('listener-9', {
        owner: 'u-9',
        port: 81,
        lastPort: 81,
        backEnds: [{ id: 'target-9', machine: 'uhost-1', port: 30_081, healthy: false }],
      }),
    ),
    {
      do: 'hold',
      reason: 'ChecksFail',
      checks: true,
      message: expect.stringMatching(/^no back end of TCP port 80 passes [^;]+$/) as string,
    },
  ],
  [
    'told what cannot be changed any more',
    { wish: { subnet: 'subnet-2', charge: 'month' } },
    held(
      'CannotChange',
      'load balancer nlb-1 serves, but cannot be changed to what its annotations say (its subnet is subnet-1, not subnet-2, it is paid by the hour, not by the month): change them back, or delete and create the Service',
    ),
  ],
  [
    'at peace with a cloud that does not say how it is paid',
    { wish: { charge: 'month' }, cloud: { balancer: { ...ours, charge: undefined } } },
    { do: 'hold', reason: 'Serving' },
  ],
])('a Service of a balancer of ours is %s', (_title, change, expected) => {
  expect(planBalancer(madeWith(change))).toMatchObject(expected);
});

test('a balancer of somebody else without a public address, or for a private Service, is published by its address in the VPC', () => {
  const served = { ...theirs, listeners: [listener('listener-1')] };
  const inside = { do: 'publish', ingress: [{ ip: '10.9.0.9', ipMode: 'VIP' }] };
  const bare = seenWith(served);
  expect(planBalancer({ ...bare, cloud: { ...bare.cloud, bound: [] } as CloudSeen })).toEqual(inside);
  expect(planBalancer(seenWith(served, { wish: { ok: true, wish: { ...wish, isPublic: false } } }))).toEqual(inside);
});

test('several refusals of what the Service asks for are told together', () => {
  const refusals = [
    { reason: 'BadAnnotation' as const, message: 'write public' },
    { reason: 'NotSupported' as const, message: 'SCTP is not served' },
  ];
  expect(planBalancer(seenWith(undefined, { wish: { ok: false, refusals } }))).toEqual({
    do: 'hold',
    reason: 'BadAnnotation',
    message: 'write public; SCTP is not served',
  });
});

test('a port that the cloud refuses does not keep the others from being kept right, and is asked for after them', () => {
  const wished: Wish = { ...wish, listeners: [{ ...listening, port: 81 }, listening] };
  const seenOf = (backEnds: CloudListener['backEnds'], refused?: ReadonlySet<string>): BalancerSeen =>
    seenWith(
      { ...theirs, listeners: [listener('listener-1', { backEnds })] },
      { wish: { ok: true, wish: wished }, refused },
    );
  const listen = planBalancer(seenOf([]));
  expect(listen).toMatchObject({ do: 'listen', wish: { port: 81 } });
  const refused = new Set([textOfStep(listen)]);
  expect(planBalancer(seenOf([], refused))).toMatchObject({ do: 'add', listener: 'listener-1' });
  expect(planBalancer(seenOf(listener('').backEnds, refused))).toEqual(listen);
});

test('a listener that the cloud does not remove does not keep the others from being kept right', () => {
  const own = [listener('listener-1', { backEnds: [] }), listener('listener-2', { port: 81, lastPort: 81 })];
  const unlisten = planBalancer(seenWith({ ...theirs, listeners: own }));
  expect(unlisten).toEqual({ do: 'unlisten', balancer: 'nlb-theirs', listener: 'listener-2' });
  const refused = new Set([textOfStep(unlisten)]);
  expect(planBalancer(seenWith({ ...theirs, listeners: own }, { refused }))).toMatchObject({ do: 'add' });
});
