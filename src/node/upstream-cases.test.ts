import { describe, expect, test } from 'vitest';
import type { MachineLook } from '#cloud/look-at-machine.ts';
import type { NodeObject } from '#kube/resources.ts';
import { minutes, ms } from '#unit/clock.ts';
import { planNodeLabels } from './attributes/plan-node-labels.ts';
import { planNodeTaints } from './attributes/plan-node-taints.ts';
import { lifeAfter, type MachineLife, planNodeLife, usualPolicy } from './life/plan-node-life.ts';

/*
 * The case tables of upstream's node controllers, run against what decides here.
 * @source k8s.io/cloud-provider v0.36.3 (Apache License 2.0), controllers/nodelifecycle/node_lifecycle_controller_test.go and
 *         controllers/node/node_controller_test.go. A further column, where there is one, is what is expected here instead, with the reason.
 * Ported: Test_NodesDeleted, Test_NodesShutdown, Test_reconcileNodeLabels, and of Test_syncNode the cases of the taint and of the labels.
 * Not ported, because they test parts that do not exist here: Test_GetProviderID and TestGetInstanceMetadata (provider ids come with the
 *         registration), TestNodeAddresses… and the cases of addresses of Test_syncNode (so do addresses), TestUpdateNodeStatus (its workers).
 */

type Fate = 'kept' | 'deleted' | 'shutdown taint';
interface Case {
  readonly ready: 'True' | 'False' | 'Unknown';
  /** What the provider says of the machine; `error`: it can't tell. */
  readonly machine: 'exists' | 'gone' | 'error';
  readonly isShutdown?: true;
}

/** After three looks, a minute apart, that all say the same. */
function fateOf({ ready, machine, isShutdown }: Case): Fate {
  const looks: Readonly<Record<Case['machine'], MachineLook>> = {
    exists: { says: isShutdown ? 'off' : 'on' },
    gone: { says: 'gone' },
    error: { says: 'unclear', why: 'err!' },
  };
  const life = [1, 2, 3].reduce<MachineLife>(
    (before, minute) => lifeAfter(before, looks[machine], { at: ms(minute * 60_000), age: minutes(10) }, usualPolicy),
    { at: 'known' },
  );
  const fleet = { nodes: 3, missing: 0, deleted: 0 };
  const node = { answers: ready === 'True', isControlPlane: false, life };
  return planNodeLife(node, fleet, usualPolicy).do === 'delete' ? 'deleted' : 'kept';
}

const own = 'a machine that is off is put out of service by the word of the cloud, which is another capability’s';
const noId = 'a Node without a provider id of ours is never looked at';

describe.each(['Instances', 'InstancesV2'])('Test_NodesDeleted, by %s', () => {
  test.each<[string, Case, Fate]>([
    ['node is not ready and does not exist', { ready: 'False', machine: 'gone' }, 'deleted'],
    ['node is not ready and provider returns err', { ready: 'False', machine: 'error' }, 'kept'],
    ['node is not ready but still exists', { ready: 'False', machine: 'exists' }, 'kept'],
    ["node ready condition is unknown, node doesn't exist", { ready: 'Unknown', machine: 'gone' }, 'deleted'],
    ['node ready condition is unknown, node exists', { ready: 'Unknown', machine: 'exists' }, 'kept'],
    ['node is ready, but provider said it is deleted', { ready: 'True', machine: 'gone' }, 'kept'],
  ])('%s', (_title, one, fate) => {
    expect(fateOf(one)).toBe(fate);
  });
});

describe('Test_NodesShutdown', () => {
  test.each<[string, Case, Fate, Fate?, string?]>([
    [
      'is not ready and was shutdown, but exists',
      { ready: 'False', machine: 'exists', isShutdown: true },
      'shutdown taint',
      'kept',
      own,
    ],
    [
      'with empty spec providerID is not ready and was shutdown, but exists',
      { ready: 'False', machine: 'exists', isShutdown: true },
      'shutdown taint',
      'kept',
      noId,
    ],
    ['with non-existing providerID gets deleted', { ready: 'False', machine: 'gone' }, 'deleted'],
    ['with error when getting providerID does not have shutdown taint', { ready: 'False', machine: 'error' }, 'kept'],
    ['with InstanceID returning InstanceNotFound gets deleted', { ready: 'False', machine: 'gone' }, 'deleted'],
    ['is not ready, but there is error checking if node is shutdown', { ready: 'False', machine: 'gone' }, 'deleted'],
    ['is not ready and is not shutdown', { ready: 'False', machine: 'gone' }, 'deleted'],
    ["is ready but provider says it's shutdown", { ready: 'True', machine: 'exists', isShutdown: true }, 'kept'],
    [
      'is shutdown but provider says it does not exist',
      { ready: 'Unknown', machine: 'gone', isShutdown: true },
      'deleted',
    ],
  ])('node %s', (_title, one, upstream, here = upstream) => {
    expect(fateOf(one)).toBe(here);
  });
});

const beta = 'failure-domain.beta.kubernetes.io';
const cloud = { 'isthmus.dev/ground': 'cloud' };
const taint = { key: 'node.cloudprovider.kubernetes.io/uninitialized', value: 'true', effect: 'NoSchedule' };

function nodeOf(
  labels: Record<string, string>,
  spec: NodeObject['spec'] = { providerID: 'aws://foo/i-1' },
): NodeObject {
  return { metadata: { name: 'node01', labels: { ...cloud, ...labels } }, spec };
}

/** The labels that the node has in the end. */
function labelsAfter(node: NodeObject): object {
  const patch = planNodeLabels(node, { region: 'bar', instanceType: 'the-best-type' }) ?? {};
  const { ['isthmus.dev/ground']: _, ...all } = { ...node.metadata.labels, ...patch };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

const placed = {
  'topology.kubernetes.io/zone': 'foo',
  'topology.kubernetes.io/region': 'bar',
  'node.kubernetes.io/instance-type': 'the-best-type',
};
const old = { [`${beta}/zone`]: 'foo', [`${beta}/region`]: 'bar' };

describe('Test_reconcileNodeLabels, of a machine in zone foo of region bar', () => {
  test.each<[string, Record<string, string>, object, object?, string?]>([
    ['requires reconcile', old, { ...old, ...placed }],
    ["doesn't require reconcile", { ...old, ...placed }, { ...old, ...placed }],
    [
      'require reconcile -- secondary labels are different from primary',
      {
        ...old,
        'topology.kubernetes.io/zone': 'wrongfoo',
        'topology.kubernetes.io/region': 'wrongbar',
        'node.kubernetes.io/instance-type': 'the-wrong-type',
      },
      { ...old, ...placed },
      { ...old, ...placed, 'node.kubernetes.io/instance-type': 'the-wrong-type' },
      'an instance type that somebody chose stays',
    ],
  ])('%s', (_title, labels, upstream, here = upstream) => {
    expect(labelsAfter(nodeOf(labels))).toEqual(here);
  });
});

describe('Test_syncNode', () => {
  const spec = { providerID: 'aws://foo/i-1', taints: [taint] };
  test.each<[string, NodeObject, readonly object[] | undefined, readonly object[] | undefined | 'same', string?]>([
    ['node initialized with provider ID', nodeOf({}, spec), [], 'same'],
    ['provider ID already set', nodeOf({}, spec), [], 'same'],
    ['node ignored', nodeOf({}, { providerID: 'aws://foo/i-1' }), undefined, 'same'],
    ['node initialized with hostname', nodeOf({}, { taints: [taint] }), [], undefined, noId],
    ['provider ID not implemented', nodeOf({}, { taints: [taint] }), [], undefined, noId],
  ])('%s: which taints are left', (_title, node, upstream, here) => {
    expect(planNodeTaints(node)).toEqual(here === 'same' ? upstream : here);
  });

  test('zone/region topology labels added', () => {
    expect(labelsAfter(nodeOf({}, spec))).toEqual(placed);
  });
});
