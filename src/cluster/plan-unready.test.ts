import { expect, test } from 'vitest';
import type { DeploymentObject, NodeObject, PodObject } from '#kube/resources.ts';
import { explainUnready, isUnready, ofDaemonSet, ofDeployment, planUnready, type Workload } from './plan-unready.ts';

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
const told = (...pods: readonly PodObject[]): string => explainUnready(planUnready(ofDeployment(coredns), pods));
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
    'an init container that fails, before the others are tried',
    [
      pod('a', {
        initContainerStatuses: [{ ...crashes, name: 'install' }],
        containerStatuses: [{ name: 'c', state: { waiting: { reason: 'PodInitializing' } } }],
      }),
    ],
    `${part}: a on base-1: container install: CrashLoopBackOff, last exit code 1 (Error: Loop (127.0.0.1:53) detected)`,
  ],
  [
    'an init container that has done its work says nothing',
    [pod('a', { initContainerStatuses: [{ name: 'install', state: { terminated: { exitCode: 0 } } }] })],
    part,
  ],
  [
    'one that ended well again and again, by its last end',
    [
      pod('a', {
        containerStatuses: [
          {
            name: 'c',
            state: { waiting: { reason: 'ContainerCreating' } },
            lastState: { terminated: { exitCode: 0 } },
          },
        ],
      }),
    ],
    `${part}: a on base-1: container c: last exit code 0 (no reason)`,
  ],
  [
    'a container that waits for a reason without words',
    [pod('a', { containerStatuses: [{ name: 'c', state: { waiting: { reason: 'InvalidImageName' } } }] })],
    `${part}: a on base-1: container c: InvalidImageName, no message`,
  ],
  [
    'a pod of which nothing is known yet',
    [{ metadata: { name: 'a', namespace: 'kube-system', labels: { app: 'dns' } } }],
    part,
  ],
  [
    'a pod that waits for its init container',
    [
      pod('a', {
        initContainerStatuses: [{ name: 'install', state: { running: {} } }],
        containerStatuses: [{ name: 'c', state: { waiting: { reason: 'PodInitializing' } } }],
      }),
    ],
    part,
  ],
  [
    'a container of which only its last end is known',
    [pod('a', { containerStatuses: [{ name: 'c', lastState: { terminated: { exitCode: 0 } } }] })],
    `${part}: a on base-1: container c: last exit code 0 (no reason)`,
  ],
  ['containers of which nothing is known yet', [pod('a', { containerStatuses: [{ name: 'c' }] })], part],
  ['a pod that no kubelet has seen yet', [{ ...pod('a', {}), status: {} }], part],
  [
    'a pod without labels or status is not ours',
    [{ metadata: { name: 'a', namespace: 'kube-system' }, spec: { nodeName: 'base-1' } }],
    part,
  ],
  [
    'a pod that no node takes, by the reason when there are no words, and by nothing when there is no reason',
    [
      pod('a', { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] }),
      pod('b', { conditions: [{ type: 'PodScheduled', status: 'False' }] }),
    ],
    `${part}: a on base-1: not scheduled: Unschedulable; b on base-1: not scheduled:`,
  ],
  [
    'a pod that has its node and is not initialized yet says nothing',
    [
      pod('a', {
        conditions: [
          { type: 'PodScheduled', status: 'True' },
          { type: 'Initialized', status: 'False', message: 'containers with incomplete status' },
        ],
      }),
    ],
    part,
  ],
  [
    'three of a kind',
    ['a', 'b', 'c'].map((name) =>
      pod(name, { containerStatuses: [{ name: 'c', state: { terminated: { exitCode: 2 } } }] }),
    ),
    `${part}: a on base-1: container c: last exit code 2 (no reason); b on base-1: container c: last exit code 2 (no reason); and 1 more`,
  ],
  [
    'the two that there are',
    ['a', 'b'].map((name) => pod(name, { containerStatuses: [{ name: 'c', state: { terminated: { exitCode: 2 } } }] })),
    `${part}: a on base-1: container c: last exit code 2 (no reason); b on base-1: container c: last exit code 2 (no reason)`,
  ],
  [
    'last words of any length, on one line, cut at 300 characters',
    [
      pod('a', {
        containerStatuses: [
          { name: 'c', state: { terminated: { exitCode: 2, reason: 'Error', message: ` ${'x'.repeat(400)}\n` } } },
        ],
      }),
    ],
    `${part}: a on base-1: ${`container c: last exit code 2 (Error:  ${'x'.repeat(400)}`.replaceAll(/\s+/g, ' ').slice(0, 297)}...`,
  ],
  [
    'words of 300 characters whole',
    [pod('a', { conditions: [{ type: 'PodScheduled', status: 'False', message: 'x'.repeat(285) }] })],
    `${part}: a on base-1: not scheduled: ${'x'.repeat(285)}`,
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

type Conditions = NonNullable<NonNullable<DeploymentObject['status']>['conditions']>;

test.each<[string, Conditions, readonly PodObject[], string]>([
  [
    'by their workload',
    [
      { type: 'Available', status: 'True', message: 'has minimum availability' },
      { type: 'ReplicaFailure', status: 'True', message: ' pods "x" is forbidden:\n exceeded quota ' },
    ],
    [],
    `${part}: pods "x" is forbidden: exceeded quota`,
  ],
  [
    'no longer when they may again',
    [
      { type: 'Progressing', status: 'True', message: 'is progressing' },
      { type: 'ReplicaFailure', status: 'False', message: 'was forbidden' },
    ],
    [],
    part,
  ],
  ['not without words', [{ type: 'ReplicaFailure', status: 'True' }], [], part],
  [
    'after what the pods that are there say',
    [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota' }],
    [pod('a', { containerStatuses: [{ name: 'c', state: { terminated: { exitCode: 2 } } }] })],
    `${part}: a on base-1: container c: last exit code 2 (no reason)`,
  ],
])('pods that may not be made are told %s', (_title, conditions, pods, expected) => {
  const refused = ofDeployment({ ...coredns, status: { ...coredns.status, conditions } });
  expect(explainUnready(planUnready(refused, pods))).toBe(expected);
});

test('a workload that selects nothing has no pods, and one that selects by two labels those with both', () => {
  const crashed = pod('a', { containerStatuses: [crashes] });
  const by = (selector: Pick<NonNullable<DeploymentObject['spec']>, 'selector'>): string =>
    explainUnready(planUnready(ofDeployment({ ...coredns, spec: { replicas: 2, ...selector } }), [crashed]));
  expect(by({ selector: { matchLabels: {} } })).toBe(part);
  expect(by({})).toBe(part);
  expect(by({ selector: { matchLabels: { app: 'dns', side: 'site' } } })).toBe(part);
  expect(explainUnready(planUnready(ofDeployment({ metadata: coredns.metadata }), [crashed]))).toBe(
    'Deployment kube-system/coredns-site 0/1 ready',
  );
});

const agent = { name: 'isthmus-agent', namespace: 'isthmus-system', generation: 3 };

const own = 'isthmus-system/isthmus-agent';

test.each<[string, Workload, string, boolean]>([
  ['a Deployment that was just made', ofDeployment({ metadata: agent, spec: {} }), `Deployment ${own} 0/1`, true],
  ['a DaemonSet that was just made', ofDaemonSet({ metadata: agent }), `DaemonSet ${own} 0/0`, true],
  [
    'a Deployment of no replicas',
    ofDeployment({ metadata: agent, spec: { replicas: 0 }, status: { observedGeneration: 3 } }),
    `Deployment ${own} 0/0`,
    false,
  ],
  [
    'a DaemonSet of which a pod is of an older form',
    ofDaemonSet({
      metadata: agent,
      status: { desiredNumberScheduled: 5, numberReady: 5, updatedNumberScheduled: 4, observedGeneration: 3 },
    }),
    `DaemonSet ${own} 4/5`,
    true,
  ],
  [
    'a DaemonSet of which a pod is not ready',
    ofDaemonSet({
      metadata: agent,
      status: { desiredNumberScheduled: 5, numberReady: 3, updatedNumberScheduled: 5, observedGeneration: 3 },
    }),
    `DaemonSet ${own} 3/5`,
    true,
  ],
  [
    'a DaemonSet whose change was not looked at yet',
    ofDaemonSet({
      metadata: agent,
      status: { desiredNumberScheduled: 5, numberReady: 5, updatedNumberScheduled: 5, observedGeneration: 2 },
    }),
    `DaemonSet ${own} 5/5`,
    true,
  ],
  [
    'a DaemonSet that runs everywhere',
    ofDaemonSet({
      metadata: agent,
      status: { desiredNumberScheduled: 5, numberReady: 5, updatedNumberScheduled: 5, observedGeneration: 3 },
    }),
    `DaemonSet ${own} 5/5`,
    false,
  ],
])('whether it runs in full: %s', (_title, workload, counted, unready) => {
  expect(planUnready(workload, [])).toEqual({ part: counted, why: undefined });
  expect(isUnready(workload, [], 'nothing')).toBe(unready);
});

test('what no node can run is not waited for, and is incomplete all the same', () => {
  const workload = ofDeployment(coredns);
  const node = (name: string, ready: string, labels: Record<string, string> = { ground: 'site' }) => ({
    metadata: { name, labels },
    status: {
      conditions: [
        { type: 'MemoryPressure', status: ready === 'True' ? 'False' : 'True' },
        { type: 'Ready', status: ready },
      ],
    },
  });
  const waitedFor = (...nodes: readonly NodeObject[]): boolean =>
    isUnready(workload, nodes, 'nodes-that-are-not-ready');
  const one = [node('base-1', 'True'), node('base-2', 'Unknown')];
  expect(waitedFor(...one)).toBe(false);
  expect(isUnready(workload, one, 'nothing')).toBe(true);
  expect(waitedFor(node('base-1', 'True'))).toBe(true);
  expect(waitedFor()).toBe(false);
  // Nodes of the other side, and those that have not said anything yet, run none of it.
  expect(waitedFor(node('web-1', 'True', { ground: 'cloud' }), { metadata: { name: 'new' } })).toBe(false);
  expect(waitedFor(node('base-1', 'True'), node('web-1', 'Unknown', { ground: 'cloud' }))).toBe(true);
  expect(waitedFor({ metadata: { name: 'base-1', labels: { ground: 'site' } } })).toBe(false);
  const anywhere = ofDeployment({ ...coredns, spec: { replicas: 2 } });
  expect(isUnready(anywhere, [node('web-1', 'True', {})], 'nodes-that-are-not-ready')).toBe(true);
  // What says nothing of nodes runs on any.
  for (const spec of [
    { replicas: 1 },
    { replicas: 1, template: {} },
    { replicas: 1, template: { spec: {} } },
    undefined,
  ]) {
    const { metadata } = coredns;
    const plain = ofDeployment({ metadata, ...(spec && { spec }), status: { observedGeneration: 1 } });
    expect(isUnready(plain, [node('web-1', 'True', {})], 'nodes-that-are-not-ready')).toBe(true);
  }
  const two = { ground: 'site', zone: 'b' };
  const choosy = ofDeployment({
    ...coredns,
    spec: { replicas: 2, template: { spec: { nodeSelector: two } } },
  });
  expect(isUnready(choosy, [node('base-1', 'True')], 'nodes-that-are-not-ready')).toBe(false);
});
