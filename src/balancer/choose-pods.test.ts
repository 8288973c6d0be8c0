import { expect, test } from 'vitest';
import { ip } from '#unit/ip.ts';
import type { NodeSeen } from './choose-back-ends.ts';
import { choosePods, homesOf, type PodsChosen } from './choose-pods.ts';
import type { EndpointSeen } from './endpoints.ts';

const some = { isReady: true, isExcluded: false, isLeaving: false };
const nodes: readonly NodeSeen[] = [
  {
    ...some,
    name: 'web-1',
    ground: { ground: 'cloud', provider: 'ucloud', zone: 'z', id: 'uhost-1' },
    address: '10.9.0.11',
  },
  { ...some, name: 'base-1', ground: { ground: 'site', machine: 'base-1' }, address: '192.168.50.11' },
  { ...some, name: 'new-1', ground: { ground: 'unclear', why: 'no provider id yet' }, address: '10.9.0.99' },
];
const pod = (last: number, change: Partial<EndpointSeen> = {}): EndpointSeen => ({
  pod: `web-${last}`,
  node: 'web-1',
  address: `10.9.128.${last}`,
  isReady: true,
  ports: { http: 8080 },
  ...change,
});
const target = (last: number, ports = { http: 8080 }) => ({
  address: ip(`10.9.128.${last}`),
  machine: 'uhost-1',
  ports,
});
const toPods = (...pods: ReturnType<typeof target>[]) => ({ to: 'pods', pods }) as const;

test.each<[string, readonly EndpointSeen[], PodsChosen]>([
  ['ready pods on cloud nodes, sorted', [pod(2), pod(1)], toPods(target(1), target(2))],
  ['a pod that two slices have is one', [pod(1), pod(1)], toPods(target(1))],
  ['a pod that is not ready is none', [pod(1), pod(2, { isReady: false })], toPods(target(1))],
  ['a pod that lacks nothing but the gate is one', [pod(1), pod(9, { isReady: false })], toPods(target(1), target(9))],
  [
    'a pod that is being deleted and still answers is none beside one that is ready',
    [pod(1), pod(2, { isReady: false, isEnding: true })],
    { ...toPods(target(1)), ending: [ip('10.9.128.2')] },
  ],
  [
    'a pod that is being deleted and still answers is one when no other is',
    [pod(2, { isReady: false, isEnding: true }), pod(3, { isReady: false })],
    { ...toPods(target(2)), ending: [ip('10.9.128.2')] },
  ],
  [
    'one that is being deleted and has no IPv4 address is not named among those that are',
    [pod(1), pod(2, { isReady: false, isEnding: true, address: 'fd00::2' })],
    toPods(target(1)),
  ],
  ['no pod at all', [], toPods()],
  ['an endpoint without a pod is an address too', [pod(1, { pod: undefined })], toPods(target(1))],
  ['one without a pod that is not ready is none', [pod(9, { pod: undefined, isReady: false })], toPods()],
  [
    'a pod on the site leaves all to nodes',
    [pod(1), pod(2, { node: 'base-1', address: '172.16.0.9' })],
    { to: 'nodes', why: 'pod web-2 is on base-1, which is not in the VPC' },
  ],
  [
    'a pod on the site that is not ready does not',
    [pod(1), pod(2, { node: 'base-1', address: '172.16.0.9', isReady: false })],
    toPods(target(1)),
  ],
  [
    'a node that is not clear',
    [pod(1, { node: 'new-1' })],
    { to: 'nodes', why: 'pod web-1 is on new-1, which is not in the VPC' },
  ],
  [
    'a node that is not known',
    [pod(1, { node: 'gone-1' })],
    { to: 'nodes', why: 'pod web-1 is on gone-1, which is not known' },
  ],
  ['no node', [pod(1, { node: undefined, pod: undefined })], { to: 'nodes', why: '10.9.128.1 is on no node' }],
  [
    'a pod on the network of its node',
    [pod(1, { address: '10.9.0.11' })],
    { to: 'nodes', why: 'pod web-1 uses the network of its node web-1' },
  ],
  ['no IPv4 address', [pod(1, { address: 'fd00::1' })], { to: 'nodes', why: 'pod web-1 has no IPv4 address' }],
  [
    'a port that the pod lacks',
    [pod(1, { ports: {} })],
    { to: 'nodes', why: 'pod web-1 does not have the port "http"' },
  ],
  [
    'pods that answer on different ports',
    [pod(1, { ports: { http: 10_080 } }), pod(2)],
    {
      to: 'nodes',
      why: 'its pods answer on different ports (8080, 10080), and the balancer checks all of them on one',
    },
  ],
  ['as many as the balancer takes', [pod(1), pod(2), pod(3)], toPods(target(1), target(2), target(3))],
  [
    'more than the balancer takes',
    [pod(1), pod(2), pod(3), pod(4)],
    { to: 'nodes', why: 'the Service has 4 pods, and the balancer takes 3 back ends for each port' },
  ],
])('%s', (_title, endpoints, chosen) => {
  expect(choosePods(endpoints, nodes, ['http'], 3, (name) => name === 'web-9')).toEqual(chosen);
});

test('what is no pod lacks more than the gate, whatever the balancer finds healthy', () => {
  const endpoints = [pod(1), pod(2, { pod: undefined, isReady: false }), pod(3, { isReady: false })];
  expect(choosePods(endpoints, nodes, ['http'], 3, () => true)).toEqual(toPods(target(1), target(3)));
});

test('a pod is at home on the machine of its node, and one that is not in the cloud is on none', () => {
  const all = [pod(1), pod(2, { node: 'base-1' }), pod(3, { node: 'gone-1' }), pod(4, { node: undefined })];
  const homes = homesOf(
    [
      { ready: 4, nodes: new Set(), all },
      { ready: 0, nodes: new Set() },
    ],
    nodes,
  );
  expect([...homes]).toEqual([['10.9.128.1', 'uhost-1']]);
});
