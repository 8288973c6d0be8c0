import { isReady } from '#kube/api/condition.ts';
import type { Kube, KubeObject } from '#kube/kube.ts';
import { leases, type NodeObject, namespaces, nodes, type PodObject, pods } from '#kube/resources.ts';
import { seconds, sleep } from '#unit/clock.ts';

/** Where a node stands; its zone is what Kubernetes counts silent nodes by. */
interface PlayedNode {
  readonly name: string;
  readonly ground: 'site' | 'cloud';
}

export interface PlayedKubelets {
  /** Of these nothing reaches the API server, nor they anything of it, until they are heard again. */
  cutOff(names: readonly string[]): void;
  heal(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Kubelets as far as the control plane notices: heartbeats, pods that become ready, and pods that end when they are deleted, once the kubelet
 * hears of it. Leaves out containers, so that what runs is what nobody has ended.
 */
export async function playKubelets(kube: Kube, all: readonly PlayedNode[]): Promise<PlayedKubelets> {
  const end = new AbortController();
  const silent = new Set<string>();
  if ((await kube.get(namespaces, { name: 'kube-node-lease' })) === undefined)
    await kube.create(namespaces, { metadata: { name: 'kube-node-lease' } });
  for (const node of all) await register(kube, node);
  const beats = all.map(async ({ name }) => {
    while (!end.signal.aborted) {
      if (!silent.has(name)) await beat(kube, name).catch(() => undefined);
      await sleep(seconds(1), end.signal).catch(() => undefined);
    }
  });
  return {
    cutOff: (names) => {
      for (const name of names) silent.add(name);
    },
    async heal() {
      const back = [...silent];
      silent.clear();
      for (const name of back) await beat(kube, name);
    },
    async stop() {
      end.abort(new Error('the test has ended'));
      await Promise.all(beats);
    },
  };
}

async function register(kube: Kube, { name, ground }: PlayedNode): Promise<void> {
  await kube.create(nodes, {
    metadata: {
      name,
      labels: {
        'isthmus.dev/ground': ground,
        'kubernetes.io/hostname': name,
        'topology.kubernetes.io/region': 'cn-bj2',
        'topology.kubernetes.io/zone': ground,
      },
    },
    spec: { providerID: ground === 'site' ? `isthmus-site://${name}` : `ucloud://cn-bj2-04/${name}` },
  } as NodeObject);
  await beat(kube, name);
}

async function beat(kube: Kube, name: string): Promise<void> {
  const at = new Date().toISOString();
  const room = { cpu: '8', memory: '16Gi', pods: '110' };
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    lastHeartbeatTime: at,
    lastTransitionTime: at,
  };
  await kube.apply(
    nodes,
    { metadata: { name }, status: { capacity: room, allocatable: room, conditions: [ready] } },
    { manager: 'kubelet', force: true, subresource: 'status' },
  );
  await kube.apply(
    leases,
    {
      metadata: { name, namespace: 'kube-node-lease' },
      spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: at.replace('Z', '000Z') },
    },
    { manager: 'kubelet', force: true },
  );
  const own = await kube.list(pods, { fieldSelector: `spec.nodeName=${name}` });
  await Promise.all(own.map((pod) => tendPod(kube, pod)));
}

async function tendPod(kube: Kube, pod: PodObject): Promise<void> {
  const { name, namespace = '', uid = '', deletionTimestamp } = pod.metadata;
  if (deletionTimestamp !== undefined) return kube.delete(pods, { name, namespace }, { uid, graceSeconds: 0 });
  if (isReady(pod)) return;
  const at = new Date().toISOString();
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: at }];
  await kube.apply(
    pods,
    { metadata: { name, namespace, uid }, status: { phase: 'Running', conditions } } as KubeObject,
    { manager: 'kubelet', force: true, subresource: 'status' },
  );
}
