import { expect, test } from 'vitest';
import { mostAddresses, type PodRangeObject, type PodRangeStatus } from '#kube/api/pod-range.ts';
import { type Instant, seconds } from '#unit/clock.ts';
import { cidr, type Ip, ip, ipOf, numberOf } from '#unit/ip.ts';
import type { HomeSeen } from './choose-home.ts';
import { planPodRange, type RangePolicy } from './plan-pod-ranges.ts';
import { type CloudSeen, type PodRangeSeen, type PodRangeStep, specAfter } from './plan-range-steps.ts';

const at = Date.parse('2026-11-22T12:00:00.000Z') as Instant;
const policy: RangePolicy = {
  sitePods: cidr('172.16.0.0/16'),
  perMachine: 24,
  bridged: undefined,
  usualPodNetwork: 'routed',
  warm: { low: 2, high: 6 },
  settle: seconds(15),
  linger: seconds(60),
};

type State = 'settling' | 'usable' | 'releasing';
const ago = (s: number): string => new Date(at - s * 1000).toISOString();

function range(
  addresses: readonly (readonly [string, State, number])[],
  status: PodRangeStatus = {},
  generation = 7,
): PodRangeObject {
  const entries = addresses.map(([address, state, age]) => ({ ip: address, state, since: ago(age) }));
  return { metadata: { name: 'web-1', generation }, spec: { ground: 'cloud', addresses: entries }, status };
}

const answered = (status: PodRangeStatus): PodRangeStatus => ({ observedGeneration: 7, held: [], ...status });
const known = (more: Partial<CloudSeen & { state: 'known' }> = {}): CloudSeen => ({
  state: 'known',
  homes: [primary()],
  interfaces: [],
  unrecorded: [],
  missing: new Set(),
  lost: new Set(),
  ...more,
});
function primary(more: Partial<HomeSeen> = {}): HomeSeen {
  return { id: undefined, most: undefined, refused: undefined, ...more };
}
/** An interface beside the primary one, as the node is told of it. */
const second = {
  home: 'uni-2',
  mac: '52:54:00:00:00:02',
  address: '10.10.0.5',
  network: '10.10.0.0/24',
  gateway: '10.10.0.1',
};
const twoHomes = (of: { first?: Partial<HomeSeen>; second?: Partial<HomeSeen> } = {}) => ({
  homes: [primary(of.first), { ...primary(of.second), id: 'uni-2' }],
  interfaces: [second],
});
/** A range that knows of the second interface, which has these addresses. */
function rangeOfTwo(...[addresses, status]: Parameters<typeof range>): PodRangeObject {
  const { metadata, spec } = range(addresses);
  const entries = (spec.addresses ?? []).map((entry) =>
    entry.ip.startsWith('10.10.') ? { ...entry, home: 'uni-2' } : entry,
  );
  return {
    metadata,
    spec: { ...spec, addresses: entries, interfaces: [second] },
    ...(status !== undefined && { status }),
  };
}
const cloudNode = { ground: 'cloud', provider: 'ucloud', zone: 'cn-bj2-04', id: 'uhost-1' } as const;
const siteNode = { ground: 'site', machine: 'base-1' } as const;
const noPods = { waiting: 0, addresses: new Set<Ip>() };

function seen(more: Partial<PodRangeSeen>): PodRangeSeen {
  return {
    node: 'web-1',
    ground: cloudNode,
    range: undefined,
    cloud: known(),
    pods: noPods,
    others: new Set<Ip>(),
    freeSubnet: undefined,
    podNetwork: undefined,
    slices: undefined,
    at,
    ...more,
  };
}

const ips = (...texts: readonly string[]): readonly Ip[] => texts.map(ip);
const given = (...texts: readonly string[]) => ips(...texts).map((address) => ({ ip: address }));
const setOf = (...texts: readonly string[]): ReadonlySet<Ip> => new Set(ips(...texts));
/** 10.9.0.1 and those after it. */
const first = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => ipOf(numberOf(ip('10.9.0.0')) + i + 1));
const usable = (count: number, age = 100): (readonly [string, State, number])[] =>
  first(count).map((address) => [address, 'usable', age] as const);

const rows: readonly (readonly [string, PodRangeSeen, readonly PodRangeStep[]])[] = [
  [
    'drops the range of a node that is gone',
    seen({ ground: undefined, range: range([]) }),
    [{ do: 'drop', why: 'node-is-gone' }],
  ],
  [
    'has nothing to do for a name that is neither node nor range',
    seen({ ground: undefined }),
    [{ do: 'hold', why: 'neither node nor range' }],
  ],
  [
    'touches nothing while it is unclear where a node stands',
    seen({ ground: { ground: 'unclear', why: 'the Node has no spec.providerID yet' }, range: range(usable(1)) }),
    [{ do: 'hold', why: 'the Node has no spec.providerID yet', reason: 'NodeUnclear' }],
  ],
  [
    'never turns the range of one side into one of the other',
    seen({ ground: siteNode, range: range(usable(1)) }),
    [
      {
        do: 'hold',
        why: 'the PodRange is for a cloud node, the Node is a site node; delete the Node, reset the machine and run isthmus up to join it again',
        reason: 'NodeUnclear',
      },
    ],
  ],
  [
    'gives a site machine the subnet that is free',
    seen({ ground: siteNode, freeSubnet: cidr('172.16.4.0/24') }),
    [{ do: 'assign', subnet: cidr('172.16.4.0/24'), why: 'node-has-none' }],
  ],
  [
    'a site machine keeps its subnet',
    seen({
      ground: siteNode,
      range: { metadata: { name: 'base-1' }, spec: { ground: 'site', subnet: '172.16.0.0/24' } },
    }),
    [{ do: 'hold', why: 'has its subnet' }],
  ],
  [
    'says what to do when the site has no part left',
    seen({ ground: siteNode }),
    [
      {
        do: 'hold',
        why: 'no free /24 is left in 172.16.0.0/16: remove machines that are no longer used, or make network.site.pods larger',
        reason: 'NoSubnetLeft',
      },
    ],
  ],
  [
    'opens a ledger before it asks the cloud for anything',
    seen({}),
    [{ do: 'open', spec: { ground: 'cloud', addresses: [] }, why: 'node-has-none' }],
  ],
  [
    'asks for half the band when a ledger is empty',
    seen({ range: range([]) }),
    [{ do: 'extend', count: 4, why: 'below-low' }],
  ],
  [
    'a ledger without a list of addresses is an empty one',
    seen({
      range: { metadata: { name: 'web-1', generation: 7 }, spec: { ground: 'cloud' } },
      cloud: known({ homes: [primary({ most: 4 })] }),
    }),
    [{ do: 'extend', count: 4, why: 'below-low' }],
  ],
  [
    'counts what settles and what it is about to adopt before it asks for more',
    seen({ range: range([['10.9.0.1', 'settling', 3]]), cloud: known({ unrecorded: given('10.9.0.10', '10.9.0.9') }) }),
    [{ do: 'adopt', ips: ips('10.9.0.9', '10.9.0.10'), why: 'cloud-gave-unrecorded' }],
  ],
  [
    'lets pods have an address when the network has had its time, not a moment earlier',
    seen({
      range: range([
        ['10.9.0.1', 'settling', 15],
        ['10.9.0.2', 'settling', 14],
      ]),
    }),
    [{ do: 'settle', ips: ips('10.9.0.1'), why: 'network-knows-them' }],
  ],
  [
    'settles addresses while the cloud cannot be read',
    seen({ range: range([['10.9.0.1', 'settling', 20]]), cloud: { state: 'unreadable', why: 'no answer' } }),
    [
      { do: 'settle', ips: ips('10.9.0.1'), why: 'network-knows-them' },
      { do: 'hold', why: 'no answer', reason: 'MachineUnclear' },
    ],
  ],
  [
    'opens no ledger while the cloud cannot be read',
    seen({ cloud: { state: 'unreadable', why: 'no answer' } }),
    [{ do: 'hold', why: 'no answer', reason: 'MachineUnclear' }],
  ],
  [
    'does nothing for a cloud node whose cloud was not asked',
    seen({ range: range(usable(1)), cloud: undefined }),
    [{ do: 'hold', why: 'the cloud was not asked', reason: 'MachineUnclear' }],
  ],
  [
    'an address that a clock a year ahead dated settles from now on',
    seen({
      range: range([
        ['10.9.0.1', 'settling', -31_536_000],
        ['10.9.0.2', 'settling', -15],
      ]),
    }),
    [{ do: 'redate', ips: ips('10.9.0.1'), why: 'dated-in-the-future' }],
  ],
  [
    'an address that the last list lacks goes to no pod yet',
    seen({
      range: range([...usable(2), ['10.9.0.9', 'settling', 20]], answered({})),
      cloud: known({ missing: setOf('10.9.0.9') }),
    }),
    [{ do: 'hold', why: 'in band' }],
  ],
  [
    'a settling address that the cloud lists no more is withdrawn',
    seen({
      range: range([...usable(3), ['10.9.0.9', 'settling', 20]], answered({})),
      cloud: known({ missing: setOf('10.9.0.9'), lost: setOf('10.9.0.9') }),
    }),
    [{ do: 'withdraw', ips: ips('10.9.0.9'), why: 'cloud-lists-no-more' }],
  ],
  [
    'a usable address that the cloud lists no more is withdrawn once, and what it leaves short is asked for',
    seen({
      range: range(usable(2), answered({})),
      cloud: known({ missing: setOf('10.9.0.1', '10.9.0.2'), lost: setOf('10.9.0.2') }),
      others: setOf('10.9.0.2'),
    }),
    [
      { do: 'withdraw', ips: ips('10.9.0.2'), why: 'cloud-lists-no-more' },
      { do: 'extend', count: 3, why: 'below-low' },
    ],
  ],
  [
    'withdraws an address that a node or another range has, whoever has it',
    seen({
      range: range(usable(4), answered({ held: ['10.9.0.2'] })),
      others: setOf('10.9.0.2'),
    }),
    [{ do: 'withdraw', ips: ips('10.9.0.2'), why: 'used-by-others' }],
  ],
  [
    'an address that somebody else has does not settle',
    seen({
      range: range([...usable(3), ['10.9.0.9', 'settling', 20]], answered({})),
      others: setOf('10.9.0.9'),
    }),
    [{ do: 'withdraw', ips: ips('10.9.0.9'), why: 'used-by-others' }],
  ],
  [
    'forty pods that wait are asked for all at once, beside half the band',
    seen({
      range: range(usable(3), answered({ held: first(3) })),
      pods: { waiting: 40, addresses: setOf(...first(3)) },
    }),
    [{ do: 'extend', count: 44, why: 'pods-wait' }],
  ],
  [
    'pods that wait are not asked for again while addresses settle for them',
    seen({
      range: range(
        [...usable(3), ...first(30).map((a) => [a.replace('10.9.0', '10.9.1'), 'settling', 3] as const)],
        answered({ held: first(3) }),
      ),
      pods: { waiting: 28, addresses: setOf(...first(3)) },
    }),
    [{ do: 'hold', why: 'in band' }],
  ],
  [
    'a pod that was given its address, and is not known by it yet, does not wait',
    seen({
      range: range(usable(8), answered({ held: first(5) })),
      pods: { waiting: 4, addresses: setOf('10.9.0.1') },
    }),
    [{ do: 'hold', why: 'in band' }],
  ],
  [
    'an address of a pod that is gone hides nobody who waits: it rests',
    seen({
      range: range(usable(8), answered({ held: [], resting: first(5) })),
      pods: { waiting: 4, addresses: new Set() },
    }),
    [{ do: 'extend', count: 5, why: 'pods-wait' }],
  ],
  [
    'an address that the API server knows a pod by is in use before the node says so',
    seen({ range: range(usable(3), answered({})), pods: { waiting: 0, addresses: setOf('10.9.0.1', '10.9.0.2') } }),
    [{ do: 'extend', count: 3, why: 'below-low' }],
  ],
  [
    'what a pod has is in use by an old answer too',
    seen({ range: range(usable(7), { observedGeneration: 6, held: first(6) }) }),
    [{ do: 'extend', count: 3, why: 'below-low' }],
  ],
  [
    'a band from 0 on gives a new node one address, or it would never be ready',
    seen({ range: range([]) }),
    [{ do: 'extend', count: 4, why: 'below-low' }],
  ],
  [
    'never asks for more than a range can hold',
    seen({
      range: range(usable(mostAddresses - 3), answered({ held: first(mostAddresses - 3) })),
      pods: { waiting: 40, addresses: new Set() },
    }),
    [{ do: 'extend', count: 3, why: 'below-low' }],
  ],
  [
    'a range that is full says so, and takes no more of what the cloud lists',
    seen({
      range: range(usable(mostAddresses), answered({ held: first(mostAddresses) })),
      cloud: known({ unrecorded: given('10.10.0.1') }),
    }),
    [{ do: 'hold', why: 'the range has 1024 addresses and cannot hold more; add a node', reason: 'RangeFull' }],
  ],
  [
    'leaves a cloud alone that had no more a moment ago',
    seen({
      range: range(usable(1), answered({})),
      cloud: known({ homes: [primary({ refused: 'the subnet is full' })] }),
    }),
    [{ do: 'hold', why: 'the subnet is full', reason: 'CloudRefuses' }],
  ],
  [
    'a cloud that refuses does not keep addresses from going back',
    seen({
      range: range([...usable(1), ['10.9.0.9', 'releasing', 5]], answered({ released: ['10.9.0.9'] })),
      cloud: known({ homes: [primary({ refused: 'the subnet is full' })] }),
    }),
    [
      { do: 'hold', why: 'the subnet is full', reason: 'CloudRefuses' },
      { do: 'give-back', ips: ips('10.9.0.9'), why: 'node-says-free' },
    ],
  ],
  [
    'asks for more at the interface beside a full one',
    seen({
      range: rangeOfTwo(usable(1), answered({})),
      cloud: known(twoHomes({ first: { refused: 'the interface is full' } })),
    }),
    [{ do: 'extend', count: 3, home: 'uni-2', why: 'below-low' }],
  ],
  [
    'asks for no more than the interface has room for, and for the rest later',
    seen({ range: rangeOfTwo(usable(1), answered({})), cloud: known(twoHomes({ first: { most: 2 } })) }),
    [{ do: 'extend', count: 1, why: 'below-low' }],
  ],
  [
    'tells the node of an interface that was attached',
    seen({ range: range(usable(2), answered({})), cloud: known(twoHomes()) }),
    [{ do: 'connect', interfaces: [second], why: 'interfaces-changed' }],
  ],
  [
    'tells the node of an interface that was taken out',
    seen({ range: rangeOfTwo(usable(2), answered({})) }),
    [{ do: 'connect', interfaces: [], why: 'interfaces-changed' }],
  ],
  [
    'takes over what each interface has that the ledger lacks, with its interface',
    seen({
      range: rangeOfTwo(usable(2), answered({})),
      cloud: known({
        ...twoHomes(),
        unrecorded: [
          { ip: ip('10.10.0.9'), home: 'uni-2' },
          ...given('10.9.0.9'),
          { ip: ip('10.10.0.8'), home: 'uni-2' },
        ],
      }),
    }),
    [
      { do: 'adopt', ips: ips('10.9.0.9'), why: 'cloud-gave-unrecorded' },
      { do: 'adopt', ips: ips('10.10.0.8', '10.10.0.9'), home: 'uni-2', why: 'cloud-gave-unrecorded' },
    ],
  ],
  ['holds at the upper edge of the band', seen({ range: range(usable(6), answered({})) }), [hold('in band')]],
  ['holds at the lower edge of the band', seen({ range: range(usable(2), answered({})) }), [hold('in band')]],
  [
    'retires of what is above the band what the node would give last',
    seen({ range: range([...usable(6), ['10.9.0.40', 'usable', 60], ['10.9.0.41', 'usable', 60]], answered({})) }),
    [{ do: 'retire', ips: ips('10.9.0.40', '10.9.0.41'), why: 'above-high' }],
  ],
  [
    'never retires an address that a pod has, had a moment ago or is known by',
    seen({
      range: range(usable(11), answered({ held: ['10.9.0.11'], resting: ['10.9.0.10'] })),
      pods: { waiting: 0, addresses: setOf('10.9.0.9') },
    }),
    [{ do: 'retire', ips: ips('10.9.0.7', '10.9.0.8'), why: 'above-high' }],
  ],
  [
    'retires nothing that pods are about to get',
    seen({ range: range(usable(10), answered({})), pods: { waiting: 4, addresses: new Set() } }),
    [hold('in band')],
  ],
  [
    'retires nothing that has only just come: the next burst is close behind the last',
    seen({ range: range(usable(9, 59), answered({})) }),
    [hold('in band')],
  ],
  [
    'an address that a clock a year ahead dated is retired like another',
    seen({ range: range(usable(7, -31_536_000), answered({})) }),
    [{ do: 'retire', ips: ips('10.9.0.7'), why: 'above-high' }],
  ],
  [
    'retires nothing before the node has answered the last change',
    seen({ range: range(usable(8), { observedGeneration: 6, held: [] }) }),
    [hold('in band')],
  ],
  [
    'retires nothing by the word of an agent that does not say which addresses are in use',
    seen({ range: range(usable(8), { observedGeneration: 7, free: 8 }) }),
    [hold('in band')],
  ],
  [
    'keeps an address that the node will not do without, and counts it once',
    seen({
      range: range(
        [...usable(4), ['10.9.0.40', 'releasing', 5], ['10.9.0.41', 'releasing', 5], ['10.9.0.42', 'releasing', 5]],
        answered({ held: ['10.9.0.40'], resting: ['10.9.0.42'], released: ['10.9.0.41'] }),
      ),
    }),
    [
      { do: 'keep', ips: ips('10.9.0.40', '10.9.0.42'), why: 'pods-have-them' },
      { do: 'give-back', ips: ips('10.9.0.41'), why: 'node-says-free' },
    ],
  ],
  [
    'what the cloud lists no more and what others have is not kept, though a pod has it',
    seen({
      range: range(
        [...usable(4), ['10.9.0.40', 'releasing', 5], ['10.9.0.41', 'releasing', 5]],
        answered({ held: ['10.9.0.40', '10.9.0.41'] }),
      ),
      cloud: known({ missing: setOf('10.9.0.40') }),
      others: setOf('10.9.0.41'),
    }),
    [hold('in band')],
  ],
  [
    'an address on its way out is no help to pods that wait',
    seen({
      range: range(
        [...usable(3), ['10.9.0.40', 'releasing', 5], ['10.9.0.41', 'releasing', 5]],
        answered({ held: first(3) }),
      ),
      pods: { waiting: 1, addresses: setOf(...first(3)) },
    }),
    [{ do: 'extend', count: 5, why: 'pods-wait' }],
  ],
  [
    'gives back what the node says is free, and only that',
    seen({
      range: range(
        [...usable(4), ['10.9.0.40', 'releasing', 5], ['10.9.0.41', 'releasing', 5]],
        answered({ released: ['10.9.0.41', '10.9.0.1'] }),
      ),
    }),
    [{ do: 'give-back', ips: ips('10.9.0.41'), why: 'node-says-free' }],
  ],
  [
    'gives nothing back that the API server still knows a pod by',
    seen({
      range: range([...usable(4), ['10.9.0.41', 'releasing', 5]], answered({ released: ['10.9.0.41'] })),
      pods: { waiting: 0, addresses: setOf('10.9.0.41') },
      others: setOf('10.9.0.41'),
    }),
    [hold('in band')],
  ],
  [
    'does not believe an answer to an earlier state of the range',
    seen({
      range: range([...usable(4), ['10.9.0.41', 'releasing', 5]], {
        observedGeneration: 6,
        held: [],
        released: ['10.9.0.41'],
      }),
    }),
    [hold('in band')],
  ],
];

test.each(rows)('%s', (_title, world, steps) => {
  expect(planPodRange(world, policy)).toStrictEqual(steps);
});

function hold(why: string): PodRangeStep {
  return { do: 'hold', why };
}

test.each<readonly [string, Partial<PodRangeSeen>, PodRangeStep]>([
  ['a new node gets one address, or it would never be ready', { range: range([]) }, extend(1, 'below-low')],
  [
    'a node whose pods have all that it has needs no more',
    { range: range(usable(2), answered({ held: first(2) })), pods: { waiting: 0, addresses: setOf(...first(2)) } },
    hold('in band'),
  ],
  [
    'pods that wait for no more than is free and on its way need no more',
    {
      range: range([...usable(1), ['10.9.0.9', 'settling', 3]], answered({})),
      pods: { waiting: 2, addresses: new Set() },
    },
    hold('in band'),
  ],
  [
    'pods that wait get theirs, though addresses that no pod is known by are held',
    { range: range(usable(2), answered({ held: first(2) })), pods: { waiting: 2, addresses: new Set() } },
    extend(1, 'below-low'),
  ],
])('with a band from 0 to 1, %s', (_title, world, step) => {
  expect(planPodRange(seen(world), { ...policy, warm: { low: 0, high: 1 } })).toEqual([step]);
});

function extend(count: number, why: 'below-low' | 'pods-wait'): PodRangeStep {
  return { do: 'extend', count, why };
}

test('the ledger after a turn is sorted by number and dates only what changed', () => {
  const before = range([
    ['10.9.0.10', 'usable', 100],
    ['10.9.0.9', 'settling', 20],
    ['10.9.0.11', 'usable', 100],
    ['10.9.0.12', 'releasing', 100],
  ]).spec;
  const after = specAfter(
    before,
    [
      { do: 'settle', ips: ips('10.9.0.9'), why: 'network-knows-them' },
      { do: 'adopt', ips: ips('10.9.0.2'), why: 'cloud-gave-unrecorded' },
      { do: 'retire', ips: ips('10.9.0.11'), why: 'above-high' },
      { do: 'keep', ips: ips('10.9.0.12'), why: 'pods-have-them' },
      { do: 'give-back', ips: ips('10.9.0.10'), why: 'node-says-free' },
      { do: 'extend', count: 3, why: 'below-low' },
    ],
    at,
  );
  expect(after.addresses).toEqual([
    { ip: '10.9.0.2', state: 'settling', since: ago(0) },
    { ip: '10.9.0.9', state: 'usable', since: ago(0) },
    { ip: '10.9.0.10', state: 'usable', since: ago(100) },
    { ip: '10.9.0.11', state: 'releasing', since: ago(0) },
    { ip: '10.9.0.12', state: 'usable', since: ago(0) },
  ]);
});

test('an address keeps its interface in every state, and what an interface gave is recorded with it', () => {
  const third = { ...second, home: 'uni-3' };
  const before = rangeOfTwo([
    ['10.9.0.1', 'settling', 20],
    ['10.10.0.7', 'settling', 20],
    ['10.10.0.8', 'usable', 100],
  ]).spec;
  const after = specAfter(
    before,
    [
      { do: 'settle', ips: ips('10.9.0.1', '10.10.0.7'), why: 'network-knows-them' },
      { do: 'adopt', ips: ips('10.10.0.9'), home: 'uni-2', why: 'cloud-gave-unrecorded' },
      { do: 'retire', ips: ips('10.10.0.8'), why: 'above-high' },
      { do: 'connect', interfaces: [third], why: 'interfaces-changed' },
    ],
    at,
  );
  expect(after.addresses).toStrictEqual([
    { ip: '10.9.0.1', state: 'usable', since: ago(0) },
    { ip: '10.10.0.7', state: 'usable', since: ago(0), home: 'uni-2' },
    { ip: '10.10.0.8', state: 'releasing', since: ago(0), home: 'uni-2' },
    { ip: '10.10.0.9', state: 'settling', since: ago(0), home: 'uni-2' },
  ]);
  expect(after.interfaces).toEqual([third]);
});

test.each(['home', 'mac', 'address', 'network', 'gateway'] as const)(
  'a node is told when %s of an interface changes',
  (field) => {
    const changed = { ...second, [field]: 'other' };
    const world = seen({
      range: rangeOfTwo(usable(2), answered({})),
      cloud: known({ ...twoHomes(), interfaces: [changed] }),
    });
    expect(planPodRange(world, policy)).toEqual([{ do: 'connect', interfaces: [changed], why: 'interfaces-changed' }]);
  },
);

test('an address that others have leaves the pool, and one whose date was wrong begins to settle anew', () => {
  const before = range([
    ['10.9.0.1', 'usable', 100],
    ['10.9.0.2', 'settling', -100],
  ]).spec;
  const after = specAfter(
    before,
    [
      { do: 'withdraw', ips: ips('10.9.0.1'), why: 'used-by-others' },
      { do: 'redate', ips: ips('10.9.0.2'), why: 'dated-in-the-future' },
      { do: 'hold', why: 'in band' },
    ],
    at,
  );
  expect(after.addresses).toEqual([
    { ip: '10.9.0.1', state: 'releasing', since: ago(0) },
    { ip: '10.9.0.2', state: 'settling', since: ago(0) },
  ]);
});

test.each<PodRangeStep>([
  { do: 'hold', why: 'in band' },
  { do: 'open', spec: { ground: 'cloud', addresses: [] }, why: 'node-has-none' },
  { do: 'assign', subnet: cidr('172.16.4.0/24'), why: 'node-has-none' },
  { do: 'give-back', ips: ips('10.9.0.1'), why: 'node-says-free' },
  { do: 'drop', why: 'node-is-gone' },
])('what is done outside the ledger changes nothing in it: $do', (step) => {
  const before = range(usable(2)).spec;
  expect(specAfter(before, [step], at)).toBe(before);
});
