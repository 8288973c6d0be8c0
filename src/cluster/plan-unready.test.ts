import { expect, test } from 'vitest';
import type { DeploymentObject, PodObject } from '#kube/resources.ts';
import { explainUnready, isUnready, planUnready, workloadOf } from './plan-unready.ts';

const coredns: DeploymentObject = {
  metadata: { name: 'coredns-site', namespace: 'kube-system', generation: 1 },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'dns' } },
    template: { spec: { nodeSelector: { ground: 'site' } } },
  },
  status: { availableReplicas: 1, updatedReplicas: 2, observedGeneration: 1 },
};
const pod = (name: string, status: PodObject['status'], change: Partial<PodObject['metadata']> = {}): PodObject => ({
  metadata: { name, namespace: 'kube-system', labels: { app: 'dns' }, ...change },
  spec: { nodeName: 'base-1' },
  status: { phase: 'Running', ...status },
});
const told = (...pods: readonly PodObject[]): string =>
  explainUnready(planUnready(workloadOf('Deployment', coredns), pods));
const crashes = {
  name: 'coredns',
  state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s restarting failed container' } },
  lastState: { terminated: { exitCode: 1, reason: 'Error', message: 'Loop (127.0.0.1:53)\n  detected' } },
};
const part = 'Deployment kube-system/coredns-site 1/2 ready';

test.each<[string, readonly PodObject[], string]>([
  [
    'a container that crashes, by its last words',
    [pod('a', { containerStatuses: [crashes] })],
    `${part}: a on base-1: container coredns: CrashLoopBackOff, last exit code 1 (Error: Loop (127.0.0.1:53) detected)`,
  ],
  [
    'an image that cannot be pulled',
    [
      pod('a', {
        phase: 'Pending',
        containerStatuses: [
          { name: 'c', state: { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } } },
        ],
      }),
    ],
    `${part}: a on base-1: container c: ImagePullBackOff, no such image`,
  ],
  [
    'a container that has ended and is not started again yet',
    [pod('a', { containerStatuses: [{ name: 'c', state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }] })],
    `${part}: a on base-1: container c: last exit code 137 (OOMKilled)`,
  ],
  [
    'a pod that no node takes',
    [
      {
        ...pod('a', {
          phase: 'Pending',
          conditions: [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes are available' }],
        }),
        spec: {},
      },
    ],
    `${part}: a: not scheduled: 0/3 nodes are available`,
  ],
  [
    'a container that waits for its pod network says nothing by itself',
    [pod('a', { containerStatuses: [{ name: 'c', state: { waiting: { reason: 'ContainerCreating' } } }] })],
    part,
  ],
  [
    'one that runs again after a crash and is not ready yet',
    [pod('a', { containerStatuses: [{ ...crashes, state: { running: {} } }] })],
    part,
  ],
  [
    'pods that are ready, that go, of others or of another namespace are passed over',
    [
      pod('a', { conditions: [{ type: 'Ready', status: 'True' }], containerStatuses: [crashes] }),
      pod('b', { containerStatuses: [crashes] }, { deletionTimestamp: '2026-11-28T00:00:00Z' }),
      pod('c', { containerStatuses: [crashes] }, { labels: { app: 'other' } }),
      pod('d', { containerStatuses: [crashes] }, { namespace: 'shop' }),
    ],
    part,
  ],
  [
    'two of many',
    ['a', 'b', 'c', 'd'].map((name) =>
      pod(name, { containerStatuses: [{ name: 'c', state: { terminated: { exitCode: 2 } } }] }),
    ),
    `${part}: a on base-1: container c: last exit code 2 (no reason); b on base-1: container c: last exit code 2 (no reason); and 2 more`,
  ],
])('status says why a system pod does not run: %s', (_title, pods, expected) => {
  expect(told(...pods)).toBe(expected);
});

test('pods that may not be made are told by their workload', () => {
  const conditions = [{ type: 'ReplicaFailure', status: 'True', message: 'pods "x" is forbidden: exceeded quota' }];
  const refused = workloadOf('Deployment', { ...coredns, status: { ...coredns.status, conditions } });
  expect(explainUnready(planUnready(refused, []))).toBe(`${part}: pods "x" is forbidden: exceeded quota`);
});

test('what no node can run is not waited for, and is incomplete all the same', () => {
  const workload = workloadOf('Deployment', coredns);
  const node = (name: string, ready: string) => ({
    metadata: { name, labels: { ground: 'site' } },
    status: { conditions: [{ type: 'Ready', status: ready }] },
  });
  const one = [node('base-1', 'True'), node('base-2', 'Unknown')];
  expect(isUnready(workload, one, 'nodes-that-are-not-ready')).toBe(false);
  expect(isUnready(workload, one, 'nothing')).toBe(true);
  expect(isUnready(workload, [node('base-1', 'True')], 'nodes-that-are-not-ready')).toBe(true);
  expect(isUnready(workload, [], 'nodes-that-are-not-ready')).toBe(false);
});
