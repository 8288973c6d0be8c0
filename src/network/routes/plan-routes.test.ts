import { expect, test } from 'vitest';
import type { PodRangeObject } from '#kube/api/pod-range.ts';
import type { NodeObject } from '#kube/resources.ts';
import { cidr, ip } from '#unit/ip.ts';
import { formatRoutes, parseRoutes, planRoutes, type RouteStep, type SiteRoute, wantedRoutes } from './plan-routes.ts';

const ours = cidr('172.16.0.0/16');
const route = (destination: string, via: string): SiteRoute => ({ destination: cidr(destination), via: ip(via) });
const base1 = route('172.16.0.0/24', '192.168.50.13');
const base2 = route('172.16.1.0/24', '192.168.50.14');

const rows: readonly (readonly [string, readonly SiteRoute[], readonly SiteRoute[], readonly RouteStep[]])[] = [
  ['has nothing to do when the gateway knows all', [base1, base2], [base2, base1], []],
  ['adds what the gateway lacks', [base1, base2], [base1], [{ do: 'add', route: base2, why: 'gateway-lacks-it' }]],
  [
    'replaces what leads elsewhere',
    [base1],
    [route('172.16.0.0/24', '192.168.50.99')],
    [{ do: 'replace', route: base1, was: ip('192.168.50.99'), why: 'leads-elsewhere' }],
  ],
  ['removes what no node has', [base1], [base1, base2], [{ do: 'remove', route: base2, why: 'no-node-has-it' }]],
  [
    'is content when the right route is one of several to the same place',
    [base1],
    [route('172.16.0.0/24', '192.168.50.99'), base1],
    [],
  ],
  [
    'takes a route to the whole range for one of ours',
    [],
    [route('172.16.0.0/16', '192.168.50.13')],
    [{ do: 'remove', route: route('172.16.0.0/16', '192.168.50.13'), why: 'no-node-has-it' }],
  ],
  [
    'leaves the neighbours of the range alone',
    [],
    [route('172.15.255.0/24', '192.168.50.13'), route('172.17.0.0/24', '192.168.50.13')],
    [],
  ],
  [
    'knows a part of a range from the range itself',
    [base1],
    [route('172.16.0.0/25', '192.168.50.13')],
    [
      { do: 'add', route: base1, why: 'gateway-lacks-it' },
      { do: 'remove', route: route('172.16.0.0/25', '192.168.50.13'), why: 'no-node-has-it' },
    ],
  ],
  [
    'orders a range before its parts, whichever of them comes and goes',
    [route('172.16.0.0/25', '192.168.50.13')],
    [base1],
    [
      { do: 'remove', route: base1, why: 'no-node-has-it' },
      { do: 'add', route: route('172.16.0.0/25', '192.168.50.13'), why: 'gateway-lacks-it' },
    ],
  ],
  [
    'never touches a route of somebody else, nor one that reaches beyond our range',
    [],
    [route('10.9.0.0/16', '192.168.50.254'), route('172.0.0.0/8', '192.168.50.254'), route('0.0.0.0/0', '1.2.3.4')],
    [],
  ],
  ['never adds a route outside the range, whatever a node claims', [route('10.9.0.0/24', '192.168.50.13')], [], []],
  [
    'orders steps by destination',
    [base2, base1],
    [route('172.16.9.0/24', '192.168.50.13')],
    [
      { do: 'add', route: base1, why: 'gateway-lacks-it' },
      { do: 'add', route: base2, why: 'gateway-lacks-it' },
      { do: 'remove', route: route('172.16.9.0/24', '192.168.50.13'), why: 'no-node-has-it' },
    ],
  ],
];

test.each(rows)('%s', (_title, wanted, seen, steps) => {
  expect(planRoutes(wanted, seen, ours)).toEqual(steps);
});

test('reads what iproute2 shows and leaves out what is no route to a machine', () => {
  const output = `default via 10.0.0.1 dev line0
10.9.0.0/16 via 10.0.0.1 dev line0 proto static metric 100
172.16.0.0/24 via 192.168.50.13 dev br0
172.16.1.7 via 192.168.50.14 dev br0 proto static
unicast 172.16.3.0/24 via 192.168.50.16 dev br0
unreachable 172.16.0.0/16 proto static
prohibit 172.16.4.0/24 via 192.168.50.17 dev br0
172.16.5.1/24 via 192.168.50.18 dev br0
172.16.6.0/24 via 192.168.50.999 dev br0
172.16.7.0/24 notvia 192.168.50.19 dev br0
192.168.50.0/24 dev br0 proto kernel scope link src 192.168.50.1
`;
  expect(parseRoutes(output)).toEqual([
    route('10.9.0.0/16', '10.0.0.1'),
    base1,
    route('172.16.1.7/32', '192.168.50.14'),
    route('172.16.3.0/24', '192.168.50.16'),
  ]);
});

test('reads what was pasted with spaces before it', () => {
  expect(parseRoutes('  172.16.0.0/24 via 192.168.50.13 dev br0\n')).toEqual([base1]);
});

test('writes commands that may run twice', () => {
  const steps = planRoutes([base1], [base2], ours);
  expect(formatRoutes(steps)).toBe(
    'ip route replace 172.16.0.0/24 via 192.168.50.13\nip route del 172.16.1.0/24 via 192.168.50.14 2>/dev/null || true\n',
  );
  expect(formatRoutes([])).toBe('');
});

test('wants one route for each site node that has a subnet and an address', () => {
  const ranges: readonly PodRangeObject[] = [
    { metadata: { name: 'base-2' }, spec: { ground: 'site', subnet: '172.16.1.0/24' } },
    { metadata: { name: 'base-1' }, spec: { ground: 'site', subnet: '172.16.0.0/24' } },
    { metadata: { name: 'gone' }, spec: { ground: 'site', subnet: '172.16.2.0/24' } },
    { metadata: { name: 'nowhere' }, spec: { ground: 'site', subnet: '172.16.3.0/24' } },
    { metadata: { name: 'ipv6' }, spec: { ground: 'site', subnet: '172.16.4.0/24' } },
    { metadata: { name: 'waiting' }, spec: { ground: 'site' } },
    { metadata: { name: 'web-1' }, spec: { ground: 'cloud', addresses: [] } },
    // The VPC leads to what a cloud node has, and the gateway of the site does not.
    { metadata: { name: 'web-2' }, spec: { ground: 'cloud', subnet: '172.16.5.0/24' } },
    { metadata: { name: 'named' }, spec: { ground: 'site', subnet: '172.16.6.0/24' } },
    { metadata: { name: 'begun' }, spec: { ground: 'site', subnet: '172.16.7.0/24' } },
  ];
  const node = (name: string, address: string): NodeObject => ({
    metadata: { name },
    status: {
      addresses: [
        { type: 'Hostname', address: name },
        { type: 'InternalIP', address },
      ],
    },
  });
  const nodes = [
    node('base-1', '192.168.50.13'),
    node('base-2', '192.168.50.14'),
    node('web-1', '10.9.0.12'),
    node('web-2', '10.9.0.13'),
    { metadata: { name: 'named' }, status: { addresses: [{ type: 'Hostname', address: 'named' }] } },
    { metadata: { name: 'begun' }, status: {} },
    node('ipv6', 'fd00::7'),
    node('waiting', '192.168.50.15'),
    { metadata: { name: 'nowhere' } },
  ];
  expect(wantedRoutes(ranges, nodes)).toEqual([base1, base2]);
});

test('of a thousand machines each node is read a few times, by the gateway’s plan too', () => {
  let reads = 0;
  const count = 1000;
  const text = (i: number): string => `172.${16 + (i >> 8)}.${i & 255}.0/24`;
  const nodes = Array.from(
    { length: count },
    (_, i): NodeObject => ({
      metadata: {
        get name() {
          reads++;
          return `rack-${i}`;
        },
      },
      status: { addresses: [{ type: 'InternalIP', address: `192.168.${i >> 8}.${i & 255}` }] },
    }),
  );
  const ranges = nodes.map(
    (_, i): PodRangeObject => ({ metadata: { name: `rack-${i}` }, spec: { ground: 'site', subnet: text(i) } }),
  );
  const wanted = wantedRoutes(ranges, nodes);
  expect(wanted).toHaveLength(count);
  expect(reads).toBe(count);
  let looks = 0;
  const watched = wanted.map(
    ({ destination, via }): SiteRoute => ({
      get destination() {
        looks++;
        return destination;
      },
      via,
    }),
  );
  expect(planRoutes(watched, wanted, cidr('172.16.0.0/12'))).toEqual([]);
  expect(looks).toBeLessThan(10 * count);
});
