import { expect, test } from 'vitest';
import type { PodRangeObject, PodRangeSpec, PodRangeStatus } from '#kube/api/pod-range.ts';
import { type Instant, seconds } from '#unit/clock.ts';
import { type Ip, ip, ipOf, numberOf, span } from '#unit/ip.ts';
import { planPodRange, type RangePolicy } from './plan-pod-ranges.ts';
import { type PodRangeSeen, type PodRangeStep, type SliceNeighbours, specAfter } from './plan-range-steps.ts';

const at = Date.parse('2026-11-30T12:00:00.000Z') as Instant;
const pods = '192.168.50.128-192.168.50.250';
const policy: RangePolicy = {
  sitePods: undefined,
  perMachine: 24,
  bridged: { pods: span(pods), interface: undefined },
  usualPodNetwork: 'bridged',
  warm: { low: 2, high: 6 },
  settle: seconds(15),
  linger: seconds(60),
};
const bridged = { pods };
type State = 'settling' | 'usable' | 'releasing';
const nth = (n: number): Ip => ipOf(numberOf(ip('192.168.50.128')) + n);
const run = (first: number, count: number): readonly Ip[] => Array.from({ length: count }, (_, i) => nth(first + i));

/** So many addresses of each state, from the first of the range on. */
function range(
  parts: readonly (readonly [State, number])[],
  status: PodRangeStatus = {},
  age = 3600,
): PodRangeObject & { readonly all: readonly Ip[] } {
  let next = 0;
  const addresses = parts.flatMap(([state, count]) =>
    Array.from({ length: count }, () => ({
      ip: nth(next++) as string,
      state,
      since: new Date(at - age * 1000).toISOString(),
    })),
  );
  const spec = { ground: 'site' as const, bridged, addresses };
  return { metadata: { name: 'base-2', generation: 7 }, spec, status, all: addresses.map((one) => ip(one.ip)) };
}

/** One whose node has not said anything yet. */
function unanswered(parts: Parameters<typeof range>[0]): PodRangeObject {
  const { status: _status, ...rest } = range(parts);
  return rest;
}

const answered = (status: PodRangeStatus = {}): PodRangeStatus => ({ observedGeneration: 7, held: [], ...status });
const free =
  (from: number, room = 100) =>
  (count: number) =>
    run(from, Math.min(count, room));
const around = (more: Partial<SliceNeighbours> = {}): SliceNeighbours => ({
  contested: new Set(),
  complete: true,
  share: 60,
  unlisted: [],
  free: free(40),
  ...more,
});
function seen(more: Partial<PodRangeSeen>): PodRangeSeen {
  return {
    node: 'base-2',
    ground: { ground: 'site', id: 'base-2' } as never,
    range: undefined,
    cloud: undefined,
    pods: { waiting: 0, addresses: new Set() },
    others: new Set(),
    freeSubnet: undefined,
    podNetwork: 'bridged',
    slices: around(),
    at,
    ...more,
  };
}
const waiting = (count: number, ...addresses: readonly Ip[]) => ({ waiting: count, addresses: new Set(addresses) });
const taken = 'all addresses of 192.168.50.128-192.168.50.250 are given to machines of the site';

const rows: readonly [string, Partial<PodRangeSeen>, readonly PodRangeStep[]][] = [
  [
    'a bridged machine without a range gets an empty one',
    {},
    [{ do: 'open', spec: { ground: 'site', bridged, addresses: [] }, why: 'node-has-none' }],
  ],
  [
    'an empty slice grows by a block',
    { range: range([]) },
    [{ do: 'extend-slice', ips: run(40, 8), why: 'below-low' }],
  ],
  [
    'a slice of which few addresses are free grows by a block',
    { range: range([['usable', 8]], answered({ held: [...run(0, 5)] })) },
    [{ do: 'extend-slice', ips: run(40, 8), why: 'below-low' }],
  ],
  [
    'one of which enough are free does not',
    { range: range([['usable', 8]], answered({ held: [...run(0, 4)] })) },
    [{ do: 'hold', why: 'in band' }],
  ],
  [
    'what is on its way counts as free',
    {
      range: range(
        [
          ['usable', 2],
          ['settling', 2],
        ],
        answered(),
      ),
      slices: around({ complete: false }),
    },
    [{ do: 'hold', why: 'in band' }],
  ],
  [
    'what a stranger uses does not',
    {
      range: range([['usable', 4]], answered({ conflicts: [{ ip: nth(0), mac: '02:00:00:00:00:99' }] })),
      slices: around({ free: free(40) }),
    },
    [{ do: 'extend-slice', ips: run(40, 8), why: 'below-low' }],
  ],
  [
    'nor what rests after its pod, or what the API server knows as a pod’s',
    { range: range([['usable', 5]], answered({ resting: [nth(0)] })), pods: waiting(0, nth(1)) },
    [{ do: 'extend-slice', ips: run(40, 8), why: 'below-low' }],
  ],
  [
    'nor what the node was asked to do without',
    {
      range: range(
        [
          ['usable', 3],
          ['releasing', 5],
        ],
        answered(),
      ),
    },
    [{ do: 'extend-slice', ips: run(40, 8), why: 'below-low' }],
  ],
  [
    'a slice that no node has answered for yet grows all the same',
    { range: unanswered([['usable', 3]]) },
    [{ do: 'extend-slice', ips: run(40, 8), why: 'below-low' }],
  ],
  [
    'pods that wait get as many as they need beside the reserve',
    { range: range([['usable', 4]], answered()), pods: waiting(20) },
    [{ do: 'extend-slice', ips: run(40, 20), why: 'pods-wait' }],
  ],
  [
    'where little is left for each machine it gets no more than its share',
    { range: range([['usable', 1]], answered()), slices: around({ share: 2 }) },
    [{ do: 'extend-slice', ips: run(40, 1), why: 'below-low' }],
  ],
  [
    'where nothing is left a machine without any address gets one all the same',
    { range: range([]), slices: around({ share: 0 }) },
    [{ do: 'extend-slice', ips: run(40, 1), why: 'below-low' }],
  ],
  [
    'and pods that wait, too',
    {
      range: range([['usable', 1]], answered({ held: [nth(0)] })),
      pods: waiting(2, nth(0)),
      slices: around({ share: 0 }),
    },
    [{ do: 'extend-slice', ips: run(40, 2), why: 'pods-wait' }],
  ],
  [
    'when all are given to others a machine whose pods have theirs does without a reserve',
    { range: range([['usable', 1]], answered({ held: [nth(0)] })), slices: around({ free: free(40, 0) }) },
    [{ do: 'hold', why: `${taken}, and the pods of this one have theirs` }],
  ],
  [
    'and one whose pods wait tells it',
    { range: range([['usable', 1]], answered()), pods: waiting(2), slices: around({ free: free(40, 0) }) },
    [
      {
        do: 'hold',
        why: `${taken}; make that range larger, or move pods to other nodes`,
        reason: 'NoSiteAddressLeft',
      },
    ],
  ],
  [
    'as does one that has none at all',
    { range: range([]), slices: around({ free: free(40, 0) }) },
    [
      {
        do: 'hold',
        why: `${taken}; make that range larger, or move pods to other nodes`,
        reason: 'NoSiteAddressLeft',
      },
    ],
  ],
  [
    'an address is for pods when nobody else is seen with it',
    { range: range([['settling', 6]], answered()) },
    [{ do: 'settle', ips: run(0, 6), why: 'nobody-else-has-them' }],
  ],
  [
    'but not before everybody else is seen',
    { range: range([['settling', 6]], answered()), slices: around({ complete: false }) },
    [{ do: 'hold', why: 'in band' }],
  ],
  [
    'what somebody else has as well is withdrawn, whatever its state',
    {
      range: range(
        [
          ['settling', 4],
          ['usable', 8],
        ],
        answered(),
      ),
      slices: around({ contested: new Set([nth(0), nth(5)]) }),
    },
    [
      { do: 'settle', ips: run(1, 3), why: 'nobody-else-has-them' },
      { do: 'withdraw', ips: [nth(0), nth(5)], why: 'used-by-others' },
    ],
  ],
  [
    'what the node was asked to do without, and refuses, is its own again',
    {
      range: range(
        [
          ['usable', 6],
          ['releasing', 2],
        ],
        answered({ held: [nth(6)], released: [nth(7)] }),
      ),
    },
    [
      { do: 'keep', ips: [nth(6)], why: 'pods-have-them' },
      { do: 'give-back', ips: [nth(7)], why: 'node-says-free' },
    ],
  ],
  [
    'but not when somebody else has it',
    {
      range: range(
        [
          ['usable', 6],
          ['releasing', 1],
        ],
        answered({ held: [nth(6)] }),
      ),
      slices: around({ contested: new Set([nth(6)]) }),
    },
    [{ do: 'hold', why: 'in band' }],
  ],
  [
    'an answer to an older state of the range gives nothing back',
    {
      range: range(
        [
          ['usable', 6],
          ['releasing', 1],
        ],
        answered({ observedGeneration: 6, released: [nth(6)] }),
      ),
    },
    [{ do: 'hold', why: 'in band' }],
  ],
  [
    'of many free addresses the highest are asked back',
    { range: range([['usable', 15]], answered()) },
    [{ do: 'retire', ips: run(12, 3), why: 'above-high' }],
  ],
  [
    'not those that came within the last minute',
    { range: range([['usable', 15]], answered(), 59) },
    [{ do: 'hold', why: 'in band' }],
  ],
  [
    'they may be a minute old',
    { range: range([['usable', 13]], answered(), 60) },
    [{ do: 'retire', ips: [nth(12)], why: 'above-high' }],
  ],
  [
    'nor by an answer to an older state',
    { range: range([['usable', 15]], answered({ observedGeneration: 6 })) },
    [{ do: 'hold', why: 'in band' }],
  ],
  [
    'where little is left for each machine more are asked back',
    { range: range([['usable', 4]], answered()), slices: around({ share: 3 }) },
    [{ do: 'retire', ips: [nth(3)], why: 'above-high' }],
  ],
  [
    'a range that was made anew takes what pods of the machine have',
    { range: range([]), slices: around({ unlisted: run(3, 2) }) },
    [{ do: 'extend-slice', ips: run(3, 2), why: 'pods-have-them' }],
  ],
  [
    'a Machine that is routed now keeps its range, and tells it',
    { range: range([['usable', 6]], answered()), podNetwork: 'routed' },
    [
      {
        do: 'hold',
        why: 'the PodRange is for a bridged machine, and the Machine is to be routed; remove the machine and add it again',
        reason: 'ModeChanged',
      },
    ],
  ],
  [
    'a Machine that does not say is as its range is',
    { range: range([['usable', 6]], answered()), podNetwork: undefined },
    [{ do: 'hold', why: 'in band' }],
  ],
  [
    'and without a range as usual in the cluster',
    { podNetwork: undefined },
    [{ do: 'open', spec: { ground: 'site', bridged, addresses: [] }, why: 'node-has-none' }],
  ],
  [
    'a routed machine of a cluster without a range for it tells it',
    { podNetwork: 'routed' },
    [{ do: 'hold', why: 'cluster.yaml has no range for pods of routed machines', reason: 'ModeChanged' }],
  ],
  [
    'a bridged machine of a cluster that does not know where, too',
    { slices: undefined },
    [{ do: 'hold', why: 'cluster.yaml sets no range aside for pods of bridged machines', reason: 'ModeChanged' }],
  ],
];

test.each(rows)('%s', (_, change, steps) => {
  expect(planPodRange(seen(change), policy)).toEqual(steps);
});

test('a slice follows the settings: the range that it is of, the interface, and addresses that are of it no more', () => {
  const narrow: RangePolicy = {
    ...policy,
    bridged: { pods: span('192.168.50.129-192.168.50.134'), interface: 'eth1' },
  };
  const old = range(
    [
      ['usable', 8],
      ['releasing', 1],
    ],
    answered({ held: [nth(0), nth(8)] }),
  );
  expect(planPodRange(seen({ range: old }), narrow)).toEqual([
    { do: 'bridge', bridged: { pods: '192.168.50.129-192.168.50.134', interface: 'eth1' }, why: 'settings-changed' },
    { do: 'withdraw', ips: [nth(0), nth(7)], why: 'outside-of-range' },
  ]);
});

test('a bridged machine tells that cluster.yaml has no range for it any more', () => {
  expect(planPodRange(seen({}), { ...policy, bridged: undefined })).toEqual([
    { do: 'hold', why: 'cluster.yaml sets no range aside for pods of bridged machines', reason: 'ModeChanged' },
  ]);
});

test('a slice has no more addresses than one object may list', () => {
  const wide = '192.168.50.128-192.168.60.255';
  const full = range([['usable', 1020]], answered({ held: [...run(0, 1020)] }));
  const large = { ...full, spec: { ...full.spec, bridged: { pods: wide } } };
  const around1020 = around({ free: free(1020, 1024) });
  expect(
    planPodRange(seen({ range: large, slices: around1020 }), {
      ...policy,
      bridged: { pods: span(wide), interface: undefined },
    }),
  ).toEqual([{ do: 'extend-slice', ips: run(1020, 4), why: 'below-low' }]);
});

test('what comes to a slice settles first, beside what is there, and new settings replace the old ones alone', () => {
  const before = range([['usable', 1]]).spec;
  const added = { ip: nth(40) as string, state: 'settling', since: new Date(at).toISOString() };
  expect(specAfter(before, [{ do: 'extend-slice', ips: [nth(40)], why: 'below-low' }], at)).toEqual({
    ...before,
    addresses: [...(before.addresses ?? []), added],
  });
  const settings = { pods, interface: 'eth1' };
  expect(specAfter(before, [{ do: 'bridge', bridged: settings, why: 'settings-changed' }], at)).toEqual({
    ...before,
    bridged: settings,
  });
});

test.each<[string, PodRangeSpec['bridged']]>([
  ['of another range', { pods: '192.168.50.128-192.168.50.249' }],
  ['of another interface', { pods, interface: 'eth1' }],
])('a slice %s is given the settings, and nothing else', (_title, old) => {
  const { spec, ...rest } = range([['usable', 4]], answered());
  expect(planPodRange(seen({ range: { ...rest, spec: { ...spec, bridged: old } } }), policy)).toEqual([
    { do: 'bridge', bridged, why: 'settings-changed' },
  ]);
});
