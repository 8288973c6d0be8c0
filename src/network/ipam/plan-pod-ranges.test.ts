import { expect, test } from 'vitest';
import type { PodRangeObject, PodRangeStatus } from '#kube/api/pod-range.ts';
import { type Instant, seconds } from '#unit/clock.ts';
import { cidr, type Ip, ip } from '#unit/ip.ts';
import {
  type CloudSeen,
  type PodRangeSeen,
  type PodRangeStep,
  planPodRange,
  type RangePolicy,
  specAfter,
} from './plan-pod-ranges.ts';

const at = Date.parse('2026-11-22T12:00:00.000Z') as Instant;
const policy: RangePolicy = {
  sitePods: cidr('172.16.0.0/16'),
  perMachine: 24,
  warm: { low: 2, high: 6 },
  settle: seconds(15),
  lostAfter: seconds(60),
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

const answered = (status: PodRangeStatus): PodRangeStatus => ({ observedGeneration: 7, ...status });
const known = (more: Partial<CloudSeen & { state: 'known' }> = {}): CloudSeen => ({
  state: 'known',
  listed: undefined,
  missing: new Map(),
  refused: undefined,
  ...more,
});
const cloudNode = { ground: 'cloud', provider: 'ucloud', zone: 'cn-bj2-04', id: 'uhost-1' } as const;
const siteNode = { ground: 'site', machine: 'base-1' } as const;
const nothingTaken = { ranges: [], addresses: new Set<Ip>() };

function seen(more: Partial<PodRangeSeen>): PodRangeSeen {
  return { node: 'web-1', ground: cloudNode, range: undefined, cloud: known(), taken: nothingTaken, at, ...more };
}

const ips = (...texts: readonly string[]): readonly Ip[] => texts.map(ip);
const usable = (count: number, age = 100): (readonly [string, State, number])[] =>
  Array.from({ length: count }, (_, i) => [`10.9.0.${i + 1}`, 'usable', age] as const);

const rows: readonly (readonly [string, PodRangeSeen, readonly PodRangeStep[]])[] = [
  [
    'drops the range of a node that is gone',
    seen({ ground: undefined, range: range([]) }),
    [{ do: 'drop', why: 'node-is-gone' }],
  ],
  [
    'touches nothing while it is unclear where a node stands',
    seen({ ground: { ground: 'unclear', why: 'the Node has no spec.providerID yet' }, range: range(usable(1)) }),
    [{ do: 'hold', why: 'the Node has no spec.providerID yet' }],
  ],
  [
    'never turns the range of one side into one of the other',
    seen({ ground: siteNode, range: range(usable(1)) }),
    [{ do: 'hold', why: 'the range is for a cloud node, the Node is a site node' }],
  ],
  [
    'gives a site machine the lowest part that nothing touches',
    seen({
      ground: siteNode,
      taken: { ranges: [cidr('172.16.0.0/24'), cidr('172.16.1.7/32'), cidr('172.16.2.0/23')], addresses: new Set() },
    }),
    [{ do: 'assign', subnet: cidr('172.16.4.0/24'), why: 'node-has-none' }],
  ],
  [
    'says what to do when the site has no part left',
    seen({ ground: siteNode, taken: { ranges: [cidr('172.16.0.0/16')], addresses: new Set() } }),
    [{ do: 'hold', why: 'no free /24 is left in 172.16.0.0/16: make network.site.pods larger' }],
  ],
  ['opens a ledger before it asks the cloud for anything', seen({}), [{ do: 'open', why: 'node-has-none' }]],
  [
    'asks for half the band when a ledger is empty',
    seen({ range: range([]), cloud: known({ listed: [] }) }),
    [{ do: 'extend', count: 4, why: 'below-low' }],
  ],
  [
    'counts what settles and what it is about to adopt before it asks for more',
    seen({
      range: range([['10.9.0.1', 'settling', 3]]),
      cloud: known({ listed: ips('10.9.0.1', '10.9.0.9') }),
    }),
    [{ do: 'adopt', ips: ips('10.9.0.9'), why: 'cloud-lists-unrecorded' }],
  ],
  [
    'lets pods have an address when the network has had its time, not a moment earlier',
    seen({
      range: range(
        [
          ['10.9.0.1', 'settling', 15],
          ['10.9.0.2', 'settling', 14],
        ],
        {},
      ),
    }),
    [{ do: 'settle', ips: ips('10.9.0.1'), why: 'network-knows-them' }],
  ],
  [
    'settles addresses while the cloud cannot be read',
    seen({ range: range([['10.9.0.1', 'settling', 20]]), cloud: { state: 'unreadable', why: 'no answer' } }),
    [
      { do: 'settle', ips: ips('10.9.0.1'), why: 'network-knows-them' },
      { do: 'hold', why: 'no answer' },
    ],
  ],
  [
    'retires an address that the cloud has not listed for a minute',
    seen({
      range: range(usable(3), answered({ free: 3 })),
      cloud: known({
        listed: ips('10.9.0.1'),
        missing: new Map([
          [ip('10.9.0.2'), (at - 60_000) as Instant],
          [ip('10.9.0.3'), (at - 59_000) as Instant],
        ]),
      }),
    }),
    [{ do: 'retire', ips: ips('10.9.0.2'), why: 'cloud-lists-no-more' }],
  ],
  [
    'retires an address that a node or another range has',
    seen({
      range: range(usable(3), answered({ free: 3 })),
      taken: { ranges: [], addresses: new Set(ips('10.9.0.2')) },
    }),
    [{ do: 'retire', ips: ips('10.9.0.2'), why: 'used-by-others' }],
  ],
  [
    'asks for the whole band when pods have taken the last free address',
    seen({ range: range(usable(4), answered({ free: 0, inUse: 4 })) }),
    [{ do: 'extend', count: 6, why: 'none-free' }],
  ],
  [
    'doubles what a node has while pods come faster than addresses',
    seen({ range: range(usable(20), answered({ free: 0, inUse: 20 })) }),
    [{ do: 'extend', count: 20, why: 'none-free' }],
  ],
  [
    'leaves a cloud alone that had no more a moment ago',
    seen({
      range: range(usable(1), answered({ free: 1 })),
      cloud: known({ refused: { until: (at + 1) as Instant, why: 'the subnet is full' } }),
    }),
    [{ do: 'hold', why: 'the subnet is full' }],
  ],
  ['holds inside the band', seen({ range: range(usable(6), answered({ free: 6 })) }), [{ do: 'hold', why: 'in band' }]],
  [
    'retires the newest of what is above the band',
    seen({
      range: range([...usable(6), ['10.9.0.40', 'usable', 5], ['10.9.0.41', 'usable', 5]], answered({ free: 8 })),
    }),
    [{ do: 'retire', ips: ips('10.9.0.40', '10.9.0.41'), why: 'above-high' }],
  ],
  [
    'does not retire the same surplus twice: it waits for the answer to the last change',
    seen({ range: range(usable(8), { observedGeneration: 6, free: 8 }) }),
    [{ do: 'hold', why: 'in band' }],
  ],
  [
    'gives back what the node says is free, and only that',
    seen({
      range: range(
        [...usable(4), ['10.9.0.40', 'releasing', 5], ['10.9.0.41', 'releasing', 5]],
        answered({ free: 4, released: ['10.9.0.41', '10.9.0.1'] }),
      ),
    }),
    [{ do: 'give-back', ips: ips('10.9.0.41'), why: 'node-says-free' }],
  ],
  [
    'does not believe an answer to an earlier state of the range',
    seen({
      range: range([...usable(4), ['10.9.0.41', 'releasing', 5]], {
        observedGeneration: 6,
        free: 4,
        released: ['10.9.0.41'],
      }),
    }),
    [{ do: 'hold', why: 'in band' }],
  ],
];

test.each(rows)('%s', (_title, world, steps) => {
  expect(planPodRange(world, policy)).toEqual(steps);
});

test('the ledger after a turn is sorted by number and dates only what changed', () => {
  const before = range([
    ['10.9.0.10', 'usable', 100],
    ['10.9.0.9', 'settling', 20],
  ]).spec;
  const after = specAfter(
    before,
    [
      { do: 'settle', ips: ips('10.9.0.9'), why: 'network-knows-them' },
      { do: 'adopt', ips: ips('10.9.0.2'), why: 'cloud-lists-unrecorded' },
    ],
    at,
  );
  expect(after.addresses).toEqual([
    { ip: '10.9.0.2', state: 'settling', since: ago(0) },
    { ip: '10.9.0.9', state: 'usable', since: ago(0) },
    { ip: '10.9.0.10', state: 'usable', since: ago(100) },
  ]);
});
