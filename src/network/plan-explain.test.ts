import { expect, test } from 'vitest';
import type { PodRangeObject, PodRangeStatus } from '#kube/api/pod-range.ts';
import type { PodObject } from '#kube/resources.ts';
import { planExplainNodeNetwork, planExplainPodNetwork } from './plan-explain.ts';

const range = (status: PodRangeStatus, spec: Partial<PodRangeObject['spec']> = {}): PodRangeObject => ({
  metadata: { name: 'web-1' },
  spec: { ground: 'cloud', ...spec },
  status,
});
const pod = (status: PodObject['status'], hostNetwork = false): PodObject => ({
  metadata: { name: 'shop-0', namespace: 'shop' },
  spec: { nodeName: 'web-1', hostNetwork },
  ...(status !== undefined && { status }),
});
const lastTransitionTime = '2026-11-28T10:00:00.000Z';
const quota = {
  type: 'Addresses',
  status: 'False',
  reason: 'QuotaReached',
  message: 'the quota of 40 is reached',
  lastTransitionTime,
} as const;

test('a node whose pod network works has nothing against it', () => {
  expect(planExplainNodeNetwork(range({ network: 'working' }))).toEqual([]);
});

test('a node says what its agent and the controller publish, and whether they have been there at all', () => {
  expect(planExplainNodeNetwork(undefined)).toEqual([expect.stringContaining('it has no PodRange')]);
  expect(planExplainNodeNetwork(range({}))).toEqual([expect.stringContaining('its agent has not reported yet')]);
  expect(planExplainNodeNetwork(range({ network: 'starting' }))).toEqual([
    expect.stringContaining('does not work yet'),
  ]);
  expect(planExplainNodeNetwork(range({ network: 'working', conditions: [quota] }))).toEqual([quota.message]);
});

test('a pod without an address names the cause on its node', () => {
  const full = range({ network: 'working', inUse: 40, free: 0, conditions: [quota] });
  expect(planExplainPodNetwork(pod({ phase: 'Pending' }), full)).toEqual([
    'node web-1: the quota of 40 is reached',
    'the pod has no address: all 40 addresses of node web-1 are in use; the controller requests more',
  ]);
  const since = '2026-11-28T10:00:00.000Z';
  const settling = range(
    { network: 'working', inUse: 4, free: 0 },
    { addresses: [{ ip: '10.9.0.9', state: 'settling', since }] },
  );
  expect(planExplainPodNetwork(pod({}), settling)).toEqual([
    expect.stringContaining('all 4 addresses'),
    '1 more addresses of node web-1 work within seconds',
  ]);
});

test('a pod that its kubelet has not reported on yet is explained by its node', () => {
  expect(planExplainPodNetwork(pod(undefined), range({ network: 'working', free: 3 }))).toEqual([]);
  expect(planExplainPodNetwork(pod(undefined), undefined)).toEqual([
    'node web-1: it has no PodRange: kubectl describe node shows an Event if the controller cannot give it one; otherwise look whether the controller runs (kubectl -n isthmus-system get pods)',
  ]);
  expect(planExplainPodNetwork(pod(undefined), { metadata: { name: 'web-1' }, spec: { ground: 'site' } })).toEqual([
    'node web-1: its agent has not reported yet: kubectl -n isthmus-system get pods -o wide shows whether it runs',
  ]);
});

test('a site machine whose subnet is used up does not wait for more', () => {
  const full = range({ network: 'working', inUse: 254, free: 0 }, { ground: 'site', subnet: '172.16.0.0/24' });
  expect(planExplainPodNetwork(pod({ phase: 'Pending' }), full)).toEqual([
    'the pod has no address: all 254 addresses of node web-1 are in use; a subnet of a routed machine does not grow',
  ]);
});

test('a bridged machine gets more of the range that is set aside, while there is more', () => {
  const bridged = { pods: '192.168.50.128-192.168.50.250' };
  const full = range({ network: 'working', inUse: 8, free: 0 }, { ground: 'site', bridged, addresses: [] });
  expect(planExplainPodNetwork(pod({ phase: 'Pending' }), full)).toEqual([
    'the pod has no address: all 8 addresses of node web-1 are in use; the controller gives it more of 192.168.50.128-192.168.50.250 while there are any',
  ]);
});

test('addresses that work already are not told as those that will', () => {
  const since = '2026-11-28T10:00:00.000Z';
  const working = range(
    { network: 'working', free: 1 },
    { addresses: [{ ip: '10.9.0.9', state: 'usable' as const, since }] },
  );
  expect(planExplainPodNetwork(pod({ phase: 'Pending' }), working)).toEqual([]);
});

test('a pod that has an address, uses the network of its node or has finished is not explained', () => {
  const full = range({ network: 'working', inUse: 40, free: 0 });
  expect(planExplainPodNetwork(pod({ phase: 'Running', podIP: '10.9.0.9' }), full)).toEqual([]);
  expect(planExplainPodNetwork(pod({ phase: 'Pending' }, true), full)).toEqual([]);
  expect(planExplainPodNetwork(pod({ phase: 'Failed' }), full)).toEqual([]);
  expect(planExplainPodNetwork(pod({ phase: 'Succeeded' }), full)).toEqual([]);
});
