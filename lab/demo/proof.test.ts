import { expect, test } from 'vitest';
import { type Endpoint, formatChecks, holds, judgePaths, mtuTowards, type PathSeen } from './proof.ts';

const pod: Endpoint = {
  pod: 'web-1',
  name: 'pod on web-1',
  kind: 'pod',
  ground: 'cloud',
  address: '10.9.0.20',
  port: 8080,
};
const other: Endpoint = {
  pod: 'web-2',
  name: 'pod on base-1',
  kind: 'pod',
  ground: 'site',
  address: '172.16.0.2',
  port: 8080,
};
const whole: PathSeen = { from: pod, to: other, seenAs: '10.9.0.20', large: true };

test('a path counts only when the receiver saw the sender’s own address', () => {
  const [paths] = judgePaths([whole, { ...whole, seenAs: '10.9.0.12' }, { ...whole, seenAs: '' }]);
  expect(paths).toEqual({
    title: 'pod (cloud) -> pod (site), source address unchanged',
    good: 1,
    of: 3,
    faults: [
      'pod on web-1 (10.9.0.20) -> pod on base-1 (172.16.0.2): seen as 10.9.0.12',
      'pod on web-1 (10.9.0.20) -> pod on base-1 (172.16.0.2): no answer',
    ],
  });
});

test('a lost large packet fails the proof although small ones pass', () => {
  expect(holds(judgePaths([whole]))).toBe(true);
  expect(holds(judgePaths([{ ...whole, large: false }]))).toBe(false);
});

const links = [
  '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT',
  '2: eth0@if7: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1454 qdisc noqueue state UP mode DEFAULT',
];
test.each([
  [1454, 'what the link takes', '172.16.0.2 via 169.254.1.1 dev eth0 src 10.9.0.20 uid 0 \\    cache '],
  [
    1400,
    'what a router said',
    '172.16.0.2 via 169.254.1.1 dev eth0 src 10.9.0.20 uid 0 \\    cache expires 591sec mtu 1400 ',
  ],
  [0, 'nothing, when there is no route', ''],
])('packets of up to %i bytes go whole: %s', (mtu, _why, route) => {
  expect(mtuTowards(route, links)).toBe(mtu);
});

test('nothing proved is no proof', () => {
  expect(holds([])).toBe(false);
  expect(holds([{ title: 'empty', good: 0, of: 0, faults: [] }])).toBe(false);
});

test('the table shows each check with its count and names what failed', () => {
  const checks = [
    { title: 'a', good: 2, of: 2, faults: [] },
    { title: 'longer', good: 0, of: 1, faults: ['x -> y: no answer'] },
  ];
  expect(formatChecks(checks)).toBe('  ok   a       2/2\n  FAIL longer  0/1\n         x -> y: no answer');
});
