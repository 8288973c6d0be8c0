import { expect, test } from 'vitest';
import type { NodeObject } from '#kube/resources.ts';
import { ms } from '#unit/clock.ts';
import { isSilent, looksAt, planLooks, type Told, toldAfter, witnessCount } from './plan-looks.ts';

interface Said {
  readonly of: string;
  readonly status: string;
  readonly looked?: string | null;
}

function node(name: string, ready: string, says: readonly Said[] = [], ground: 'site' | 'cloud' = 'site'): NodeObject {
  const sees = says.map(({ of, status, looked }) => ({
    type: `isthmus.dev/sees-${of}`,
    status,
    ...(looked !== undefined && { lastHeartbeatTime: looked }),
  }));
  return {
    metadata: { name, labels: { 'isthmus.dev/ground': ground } },
    spec: { providerID: ground === 'site' ? `isthmus-site://${name}` : `ucloud://z/${name}` },
    status: {
      addresses: [
        { type: 'Hostname', address: name },
        { type: 'InternalIP', address: `192.168.50.1${name.at(-1)}` },
      ],
      conditions: [{ type: 'Ready', status: ready }, ...sees],
    },
  };
}

function withoutStatus({ metadata, spec }: NodeObject): NodeObject {
  return { metadata, ...(spec !== undefined && { spec }) };
}

const t1 = '2026-11-30T10:00:00Z';
const t2 = '2026-11-30T10:00:15Z';
const one = (looked: string, arrived: number | undefined, sees = false): Told => ({
  by: 'base-1',
  of: 'base-2',
  sees,
  looked,
  arrived: arrived === undefined ? undefined : ms(arrived),
});
const says = (looked: string | null | undefined, status = 'False'): readonly NodeObject[] => [
  node('base-1', 'True', [{ of: 'base-2', status, ...(looked !== undefined && { looked }) }]),
];

test.each<[string, readonly Told[] | undefined, readonly NodeObject[], readonly Told[]]>([
  ['nothing', [], [node('base-1', 'True')], []],
  ['a first look', [], says(t1), [one(t1, 1000)]],
  ['one that sees', [], says(t1, 'True'), [one(t1, 1000, true)]],
  ['one that does not know', [], says(t1, 'Unknown'), [one(t1, 1000)]],
  ['one that was there before this process', undefined, says(t1), [one(t1, undefined)]],
  ['the same once more', [one(t1, 500)], says(t1), [one(t1, 500)]],
  ['the same, still of unknown age', [one(t1, undefined)], says(t1), [one(t1, undefined)]],
  ['a newer one', [one(t1, 500)], says(t2), [one(t2, 1000)]],
  ['a newer one than that of unknown age', [one(t1, undefined)], says(t2), [one(t2, 1000)]],
  ['an older one that was under way for long', [one(t2, 500, true)], says(t1), [one(t2, 500, true)]],
  ['one from a clock an hour ahead', [], says('2026-11-30T11:00:00Z'), [one('2026-11-30T11:00:00Z', 1000)]],
  ['one without a time', [], says(undefined), [one('', 1000)]],
  ['one whose time is null', [], says(null), [one('', 1000)]],
  ['one that was taken back', [one(t1, 500)], [node('base-1', 'True')], []],
  [
    'of another machine',
    [one(t1, 500)],
    [node('base-1', 'True', [{ of: 'base-3', status: 'False', looked: t1 }])],
    [{ ...one(t1, 1000), of: 'base-3' }],
  ],
  [
    'by another machine',
    [one(t1, 500)],
    [node('base-3', 'True', [{ of: 'base-2', status: 'False', looked: t1 }])],
    [{ ...one(t1, 1000), by: 'base-3' }],
  ],
  ['by a node of the cloud', [], [node('web-1', 'True', [{ of: 'base-2', status: 'False', looked: t1 }], 'cloud')], []],
  ['by a Node that has not reported', [], [{ metadata: { name: 'base-1' } }], []],
  ['by one without conditions', [], [{ ...node('base-1', 'True'), status: {} }], []],
  ['by one without a status', [], [withoutStatus(node('base-1', 'True'))], []],
])('what neighbours have told: %s', (_title, before, nodes, told) => {
  expect(toldAfter(before, nodes, ms(1000))).toEqual(told);
});

test.each<[string, Told, readonly object[]]>([
  ['one that arrived', one(t1, 400, true), [{ by: 'base-1', sees: true, age: 600 }]],
  ['one that does not see', one(t1, 1000), [{ by: 'base-1', sees: false, age: 0 }]],
  ['of another machine', { ...one(t1, 400), of: 'base-3' }, []],
  ['of unknown age', one(t1, undefined), []],
  ['by the machine itself', { ...one(t1, 400), by: 'base-2' }, []],
  ['by one that is silent too', { ...one(t1, 400), by: 'base-9' }, []],
])('what counts: %s', (_title, told, looks) => {
  expect(looksAt('base-2', [told], (name) => name === 'base-9', ms(1000))).toEqual(looks);
});

test.each<[string, string, readonly NodeObject[], readonly string[]]>([
  ['all are heard', 'base-1', [node('base-1', 'True'), node('base-2', 'True')], []],
  ['one is silent', 'base-1', [node('base-1', 'True'), node('base-2', 'Unknown')], ['base-2 192.168.50.12']],
  ['one says that it is not ready', 'base-1', [node('base-1', 'True'), node('base-2', 'False')], []],
  ['itself is silent too', 'base-1', [node('base-1', 'Unknown'), node('base-2', 'Unknown')], []],
  ['a silent node of the cloud', 'base-1', [node('base-1', 'True'), node('web-2', 'Unknown', [], 'cloud')], []],
  [
    'a machine of the cloud looks at nobody',
    'web-1',
    [node('web-1', 'True', [], 'cloud'), node('base-2', 'Unknown')],
    [],
  ],
  [
    'two are silent, in the order of names',
    'base-1',
    [node('base-3', 'Unknown'), node('base-1', 'True'), node('base-2', 'Unknown')],
    ['base-2 192.168.50.12', 'base-3 192.168.50.13'],
  ],
  [
    'one without an address',
    'base-1',
    [
      node('base-1', 'True'),
      { ...node('base-2', 'Unknown'), status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } },
    ],
    [],
  ],
  [
    'one with a name for an address only',
    'base-1',
    [
      node('base-1', 'True'),
      {
        ...node('base-2', 'Unknown'),
        status: { ...node('base-2', 'Unknown').status, addresses: [{ type: 'Hostname', address: 'base-2' }] },
      },
    ],
    [],
  ],
])('whom a machine looks at: %s', (_title, own, nodes, whom) => {
  expect(planLooks(own, nodes).map(({ name, address }) => `${name} ${address}`)).toEqual(whom);
});

test.each<[string, readonly string[]]>([
  ['base-1', ['base-2', 'base-3', 'base-4', 'base-5', 'base-6']],
  ['base-5', ['base-1', 'base-2', 'base-6', 'base-7', 'base-8']],
  ['base-8', ['base-1', 'base-2', 'base-3', 'base-4', 'base-5']],
])('of a large site five look at a silent machine, those behind it by name: %s', (silent, witnesses) => {
  const names = [8, 1, 2, 3, 4, 5, 6, 7].map((i) => `base-${i}`);
  const nodes = names.map((name) => node(name, name === silent ? 'Unknown' : 'True'));
  expect(names.filter((own) => planLooks(own, nodes).length > 0).toSorted()).toEqual(witnesses);
});

test('a Node that has said nothing yet is not silent', () => {
  expect(isSilent({ metadata: { name: 'base-1' } })).toBe(false);
  expect(isSilent({ metadata: { name: 'base-1' }, status: {} })).toBe(false);
  expect(isSilent(node('base-1', 'Unknown'))).toBe(true);
  expect(isSilent(node('base-1', 'Unknown', [{ of: 'base-2', status: 'False' }]))).toBe(true);
  expect(isSilent(node('base-1', 'True', [{ of: 'base-2', status: 'Unknown' }]))).toBe(false);
});

test('as many are to look at a silent machine as are heard beside it, and no more than five', () => {
  const site = [1, 2, 3, 4, 5, 6, 7].map((i) => node(`base-${i}`, i === 2 ? 'Unknown' : 'True'));
  expect(witnessCount('base-2', site.slice(0, 3))).toBe(2);
  expect(witnessCount('base-2', site)).toBe(5);
  expect(witnessCount('base-2', site.slice(1, 2))).toBe(0);
});
