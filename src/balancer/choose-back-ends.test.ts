import { expect, test } from 'vitest';
import type { NodeObject } from '#kube/resources.ts';
import { chooseBackEnds, nodeSeen } from './choose-back-ends.ts';

function node(
  name: string,
  change: { labels?: Record<string, string>; spec?: object; deleted?: boolean; ready?: string } = {},
): NodeObject {
  const { labels = {}, spec = {}, deleted = false, ready = 'True' } = change;
  return {
    metadata: {
      name,
      labels: { 'isthmus.dev/ground': 'cloud', ...labels },
      ...(deleted && { deletionTimestamp: '2026-11-28T12:00:00Z' }),
    },
    spec: { providerID: `ucloud://cn-bj2-04/uhost-${name}`, ...spec },
    status: { conditions: [{ type: 'Ready', status: ready }] },
  };
}

function withConditions(one: NodeObject, conditions: NonNullable<NodeObject['status']>['conditions']): NodeObject {
  return { ...one, status: { ...one.status, ...(conditions !== undefined && { conditions }) } };
}

const exclude = 'node.kubernetes.io/exclude-from-external-load-balancers';
const site = node('base-1', {
  labels: { 'isthmus.dev/ground': 'site', [exclude]: 'false' },
  spec: { providerID: 'isthmus-site://base-1' },
});
const ids = (nodes: readonly NodeObject[], withPods?: ReadonlySet<string>, most = 300): readonly string[] =>
  chooseBackEnds(nodes.map(nodeSeen), 'ucloud', most, withPods).machines;

test.each<[string, NonNullable<NodeObject['status']> | undefined, string | undefined]>([
  [
    'its InternalIP, wherever that stands',
    {
      addresses: [
        { type: 'Hostname', address: 'web-1' },
        { type: 'InternalIP', address: '10.9.0.5' },
      ],
    },
    '10.9.0.5',
  ],
  ['nothing else that it tells', { addresses: [{ type: 'ExternalIP', address: '203.0.113.9' }] }, undefined],
  ['none before it tells one', undefined, undefined],
])('the address of a node is %s', (_title, status, address) => {
  const { status: _, ...told } = node('web-1');
  expect(nodeSeen({ ...told, ...(status !== undefined && { status }) }).address).toBe(address);
});

// The rows about labels, taints and deletion are those of upstream's own table of node predicates.
// @source k8s.io/cloud-provider v0.36 controllers/service TestNodeConditionPredicates, Test_getNodeConditionPredicate
test.each<[string, NodeObject, boolean]>([
  ['a cloud node', node('a'), true],
  ['a machine of the site', site, false],
  [
    'a machine of the site that calls itself a cloud node',
    node('b', { spec: { providerID: 'isthmus-site://b' } }),
    false,
  ],
  ['a node of another cloud', node('c', { spec: { providerID: 'aws://eu-1a/i-1' } }), false],
  ['a node without a provider id', node('d', { spec: { providerID: undefined } }), false],
  ['an excluded node', node('e', { labels: { [exclude]: '' } }), false],
  ['a node that is excluded by what can not be parsed', node('f', { labels: { [exclude]: 'no' } }), false],
  ['a node that is included again', node('g', { labels: { [exclude]: 'false' } }), true],
  ['a node that is being deleted', node('h', { deleted: true }), false],
  [
    'a node that the autoscaler is about to delete',
    node('i', { spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] } }),
    false,
  ],
  [
    'a node with another taint',
    node('l', { spec: { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] } }),
    true,
  ],
  [
    'a ready node with pressures that it does not have',
    withConditions(node('m'), [
      { type: 'DiskPressure', status: 'False' },
      { type: 'Ready', status: 'True' },
    ]),
    true,
  ],
  [
    'a node that is not ready because its disk is full',
    withConditions(node('n'), [
      { type: 'DiskPressure', status: 'True' },
      { type: 'Ready', status: 'False' },
    ]),
    false,
  ],
  ['a node that has only been registered', { metadata: { name: 'o' } }, false],
  ['a cordoned node', node('j', { spec: { unschedulable: true } }), true],
  ['a node that is not ready', node('k', { ready: 'Unknown' }), false],
])('%s beside one that is ready', (_title, one, isChosen) => {
  const well = node('well');
  expect(ids([one, well]).length).toBe(isChosen ? 2 : 1);
  expect(ids([one, well])).toContain('uhost-well');
});

test('when no node is ready the balancers keep them all, and its own check decides', () => {
  expect(ids([node('a', { ready: 'Unknown' }), node('b', { ready: 'False' })])).toEqual(['uhost-a', 'uhost-b']);
});

test('with Local only nodes with a ready pod are chosen, and never a machine of the site', () => {
  expect(ids([node('a'), node('b'), site], new Set(['b', 'base-1']))).toEqual(['uhost-b']);
});

test('a label that would take the last back end out does not, whether there is one or several', () => {
  const out = { labels: { [exclude]: '' } };
  const chosen = (nodes: readonly NodeObject[], ...serving: readonly string[]) =>
    chooseBackEnds(nodes.map(nodeSeen), 'ucloud', 300, undefined, new Set(serving));
  expect(chosen([node('a', out), node('b', out)], 'uhost-a')).toEqual({
    machines: ['uhost-a'],
    left: [{ node: 'b', why: 'it carries the label node.kubernetes.io/exclude-from-external-load-balancers' }],
    last: ['a'],
  });
  // Another one that may serve takes over, and what is about to be removed goes.
  expect(chosen([node('a', out), node('b')], 'uhost-a').machines).toEqual(['uhost-b']);
  expect(chosen([node('a', { ...out, deleted: true })], 'uhost-a').machines).toEqual([]);
  expect(chosen([node('a', out)]).machines).toEqual([]);
});

test('each cloud node that gets no traffic is told with its reason', () => {
  const nodes = [
    node('a'),
    node('b', { labels: { [exclude]: '' } }),
    node('c', { deleted: true }),
    node('d'),
    node('e', { ready: 'Unknown' }),
    site,
  ];
  expect(chooseBackEnds(nodes.map(nodeSeen), 'ucloud', 300, new Set(['a', 'b', 'c', 'e']))).toEqual({
    machines: ['uhost-a'],
    left: [
      { node: 'b', why: 'it carries the label node.kubernetes.io/exclude-from-external-load-balancers' },
      { node: 'c', why: 'it is being removed' },
      { node: 'd', why: 'it has no ready pod of the Service, and externalTrafficPolicy is Local' },
      { node: 'e', why: 'it is not ready' },
    ],
  });
});

test('of too many nodes the same are chosen whoever comes first, and the others are told with the reason', () => {
  const nodes = ['a', 'b', 'c'].map((name) => node(name));
  expect(ids(nodes, undefined, 2)).toEqual(ids(nodes.toReversed(), undefined, 2));
  expect(chooseBackEnds(nodes.map(nodeSeen), 'ucloud', 2)).toMatchObject({
    over: 1,
    left: [{ node: 'c', why: 'the balancer takes 2 back ends for each port' }],
  });
  expect(chooseBackEnds(nodes.map(nodeSeen), 'ucloud', 3).over).toBeUndefined();
});
