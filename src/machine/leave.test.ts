import { expect, test } from 'vitest';
import { isLeaving } from '#kube/api/leaving.ts';
import type { NodeObject, PodObject } from '#kube/resources.ts';
import type { Instant } from '#unit/clock.ts';
import { connectionsHave, hasToLeave } from './leave.ts';

const at = Date.parse('2026-11-30T10:00:00Z') as Instant;
const outSince = (lastTransitionTime: string, status = 'True'): NodeObject => ({
  metadata: { name: 'web-1' },
  status: { conditions: [{ type: 'isthmus.dev/OutOfBalancers', status, lastTransitionTime }] },
});

test.each([
  ['no balancer ever sent to it', { metadata: { name: 'web-1' } }, 0],
  ['balancers still send', outSince('2026-11-30T09:59:50Z', 'False'), 0],
  ['ten seconds ago the last one stopped', outSince('2026-11-30T09:59:50Z'), 20_000],
  ['thirty seconds are over', outSince('2026-11-30T09:59:30Z'), 0],
  ['the clock of the API server is ahead', outSince('2026-11-30T10:10:00Z'), 30_000],
  ['nobody can read when it was', outSince('soon'), 0],
])('connections have what is left of thirty seconds: %s', (_title, node, left) => {
  expect(connectionsHave(node, at)).toBe(left);
});

const pod = (metadata: Partial<PodObject['metadata']>, phase = 'Running'): PodObject => ({
  metadata: { name: 'p', ...metadata },
  status: { phase },
});
const owned = (kind: string, controller = true) => ({
  ownerReferences: [{ apiVersion: 'v1', kind, name: 'o', uid: 'u', controller }],
});

test.each([
  ['one of a Deployment', pod(owned('ReplicaSet')), true],
  ['one of nobody', pod({}), true],
  ['one of a DaemonSet', pod(owned('DaemonSet')), false],
  ['one that a DaemonSet only refers to', pod(owned('DaemonSet', false)), true],
  ["one of kubelet's own", pod({ annotations: { 'kubernetes.io/config.mirror': 'x' } }), false],
  ['one that has ended well', pod({}, 'Succeeded'), false],
  ['one that has failed', pod({}, 'Failed'), false],
])('which pods have to leave a machine that goes: %s', (_title, one, has) => {
  expect(hasToLeave(one)).toBe(has);
});

test('a node with the mark is leaving, and a cordoned one alone is not', () => {
  const node = (key: string): NodeObject => ({
    metadata: { name: 'web-1' },
    spec: { unschedulable: true, taints: [{ key, effect: 'NoSchedule' }] },
  });
  expect(isLeaving(node('ToBeDeletedByClusterAutoscaler'))).toBe(true);
  expect(isLeaving(node('node.kubernetes.io/unschedulable'))).toBe(false);
  expect(isLeaving({ metadata: { name: 'web-1' } })).toBe(false);
});
