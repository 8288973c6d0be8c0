import { expect, test } from 'vitest';
import type { PodRangeSpec } from '#kube/api/pod-range.ts';
import type { SinceBoot } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import type { Ledger } from './ledger.ts';
import { type Choice, chooseAddress, hasUsable, nextRested, type Use, useOf } from './plan-allocation.ts';

const at = 1_000 as SinceBoot;
const since = '2026-11-22T12:00:00.000Z';

function ledger(held: readonly string[], rests: Readonly<Record<string, number>> = {}): Ledger {
  return {
    held: new Map(
      held.map((text, i) => [
        `ist${i}`,
        { ip: ip(text), container: `c${i}`, ifname: 'eth0', since: at, leaving: false },
      ]),
    ),
    rests: new Map(Object.entries(rests).map(([text, until]) => [ip(text), until as SinceBoot])),
  };
}

const site: PodRangeSpec = { ground: 'site', subnet: '172.16.3.0/29' };
const cloud: PodRangeSpec = {
  ground: 'cloud',
  addresses: [
    { ip: '10.9.0.10', state: 'usable', since },
    { ip: '10.9.0.9', state: 'usable', since },
    { ip: '10.9.0.11', state: 'settling', since },
    { ip: '10.9.0.12', state: 'releasing', since },
  ],
};
const inSite = (...last: readonly number[]): string[] => last.map((n) => `172.16.3.${n}`);

const choices: readonly (readonly [string, PodRangeSpec | undefined, Ledger, Choice])[] = [
  ['refuses without a range', undefined, ledger([]), { do: 'refuse', why: 'no-range' }],
  ['gives the lowest that was never used', cloud, ledger([]), { do: 'give', ip: ip('10.9.0.9') }],
  ['skips what is held', cloud, ledger(['10.9.0.9']), { do: 'give', ip: ip('10.9.0.10') }],
  [
    'gives neither settling nor releasing addresses',
    cloud,
    ledger(['10.9.0.9', '10.9.0.10']),
    { do: 'refuse', why: 'all-held' },
  ],
  [
    'prefers what was never used to what has rested',
    cloud,
    ledger([], { '10.9.0.9': 500 }),
    { do: 'give', ip: ip('10.9.0.10') },
  ],
  [
    'gives the one that has been free longest',
    cloud,
    ledger([], { '10.9.0.9': 900, '10.9.0.10': 800 }),
    { do: 'give', ip: ip('10.9.0.10') },
  ],
  [
    'gives the one that has been free longest, wherever it stands in the list',
    cloud,
    ledger([], { '10.9.0.9': 800, '10.9.0.10': 900 }),
    { do: 'give', ip: ip('10.9.0.9') },
  ],
  [
    'lets addresses rest, to the moment',
    cloud,
    ledger([], { '10.9.0.9': 1_001, '10.9.0.10': 1_000 }),
    { do: 'give', ip: ip('10.9.0.10') },
  ],
  [
    'refuses rather than cut a rest short',
    cloud,
    ledger(['10.9.0.9'], { '10.9.0.10': 1_001 }),
    { do: 'refuse', why: 'all-resting' },
  ],
  ['leaves out the first address of a subnet', site, ledger([]), { do: 'give', ip: ip('172.16.3.1') }],
  [
    'leaves out the last address of a subnet',
    site,
    ledger(inSite(1, 2, 3, 4, 5, 6)),
    { do: 'refuse', why: 'all-held' },
  ],
];

test.each(choices)('%s', (_title, spec, state, choice) => {
  expect(chooseAddress(spec, state, at)).toEqual(choice);
});

const uses: readonly (readonly [string, PodRangeSpec, Ledger, Use])[] = [
  [
    'says at once that an unused address is free to go back',
    cloud,
    ledger([]),
    use({ free: 2, released: ['10.9.0.12'] }),
  ],
  ['keeps an address that a pod holds', cloud, ledger(['10.9.0.12']), use({ inUse: 1, free: 2, held: ['10.9.0.12'] })],
  [
    'keeps an address that rests',
    cloud,
    ledger([], { '10.9.0.12': 1_001 }),
    use({ inUse: 1, free: 2, resting: ['10.9.0.12'] }),
  ],
  [
    'counts a resting address as used',
    cloud,
    ledger([], { '10.9.0.9': 1_001 }),
    use({ inUse: 1, free: 1, resting: ['10.9.0.9'], released: ['10.9.0.12'] }),
  ],
  [
    'an address that a pod holds again does not rest, whatever is remembered of it',
    cloud,
    ledger(['10.9.0.9'], { '10.9.0.9': 1_001 }),
    use({ inUse: 1, free: 1, held: ['10.9.0.9'], released: ['10.9.0.12'] }),
  ],
  [
    'tells which addresses are in use, in whatever state, sorted by number',
    cloud,
    ledger(['10.9.0.11', '10.9.0.10', '10.9.0.9']),
    use({ inUse: 3, held: ['10.9.0.9', '10.9.0.10', '10.9.0.11'], released: ['10.9.0.12'] }),
  ],
  [
    'does not count what belongs to another range',
    cloud,
    ledger(['172.16.3.1']),
    use({ free: 2, released: ['10.9.0.12'] }),
  ],
  [
    'counts what pods hold of a subnet and of single addresses together',
    { ...cloud, subnet: '172.16.3.0/29' },
    ledger(['10.9.0.9', ...inSite(3)]),
    use({ inUse: 2, free: 6, held: ['10.9.0.9'], released: ['10.9.0.12'] }),
  ],
  [
    'counts the ends of a subnet as used when pods of an earlier version hold them',
    site,
    ledger(inSite(0, 7)),
    use({ inUse: 2, free: 6 }),
  ],
  [
    'an address whose rest ends now is free',
    cloud,
    ledger([], { '10.9.0.9': 1_000, '10.9.0.12': 1_000 }),
    use({ free: 2, released: ['10.9.0.12'] }),
  ],
  [
    'sorts what is resting and what is released by number',
    {
      ground: 'cloud',
      addresses: ['10.9.0.20', '10.9.0.100', '10.9.0.3'].map((text) => ({ ip: text, state: 'releasing', since })),
    },
    ledger([], { '10.9.0.100': 1_001, '10.9.0.20': 1_001 }),
    use({ inUse: 2, resting: ['10.9.0.20', '10.9.0.100'], released: ['10.9.0.3'] }),
  ],
  [
    'sorts several that are released by number',
    {
      ground: 'cloud',
      addresses: ['10.9.0.20', '10.9.0.100', '10.9.0.3'].map((text) => ({ ip: text, state: 'releasing', since })),
    },
    ledger([]),
    use({ released: ['10.9.0.3', '10.9.0.20', '10.9.0.100'] }),
  ],
  ['counts a subnet without its ends', site, ledger(inSite(3)), use({ inUse: 1, free: 5 })],
];

test.each(uses)('%s', (_title, spec, state, expected) => {
  expect(useOf(spec, state, at)).toEqual(expected);
});

function use(more: {
  readonly inUse?: number;
  readonly free?: number;
  readonly held?: readonly string[];
  readonly resting?: readonly string[];
  readonly released?: readonly string[];
}): Use {
  const { inUse = 0, free = 0, held = [], resting = [], released = [] } = more;
  return { inUse, free, held: held.map(ip), resting: resting.map(ip), released: released.map(ip) };
}

test('knows when the next address has rested', () => {
  expect(nextRested(ledger([], { '10.9.0.9': 1_500, '10.9.0.10': 1_200, '10.9.0.11': 900 }), at)).toBe(1_200);
  expect(nextRested(ledger([], { '10.9.0.11': 900 }), at)).toBeUndefined();
});

test('an address that has rested at this very moment is not waited for', () => {
  expect(nextRested(ledger([], { '10.9.0.9': 1_000 }), at)).toBeUndefined();
});

test.each<[string, PodRangeSpec, boolean]>([
  ['a usable address', cloud, true],
  ['only addresses that settle or go', { ground: 'cloud', addresses: (cloud.addresses ?? []).slice(2) }, false],
  ['nothing yet', { ground: 'cloud' }, false],
  ['a subnet', site, true],
  ['a subnet that has only its ends', { ground: 'site', subnet: '172.16.3.0/31' }, false],
  ['a subnet of one address', { ground: 'site', subnet: '172.16.3.0/32' }, false],
])('a range with %s has something for pods: %s', (_title, spec, can) => {
  expect(hasUsable(spec)).toBe(can);
});
