import { balancerFinalizer, ingressFinalizer, isLeaving, leavingTaint, outOfBalancers } from '#kube/api/leaving.ts';
import { type Kube, KubeError, type KubeObject, type Resource } from '#kube/kube.ts';
import { ingresses, type NodeObject, nodes, type PodObject, type ServiceObject, services } from '#kube/resources.ts';
import { type Instant, type Ms, ms, now, seconds } from '#unit/clock.ts';

/** Cordons a Node and marks it as about to be removed, so that load balancers leave it out. */
export async function markLeaving(kube: Kube, name: string): Promise<void> {
  for (;;) {
    const node = await kube.get(nodes, { name });
    if (node === undefined) return;
    const taints = node.spec?.taints ?? [];
    const isMarked = isLeaving(node);
    if (isMarked && node.spec?.unschedulable === true) return;
    const mark = { key: leavingTaint, value: String(Math.floor(now() / 1000)), effect: 'NoSchedule' };
    const spec = { unschedulable: true, taints: isMarked ? taints : [...taints, mark] };
    try {
      // Taints are one list that others write too: only over the version that was read.
      const { resourceVersion } = node.metadata;
      await kube.merge(nodes, { name }, { metadata: { resourceVersion }, spec });
      return;
    } catch (e) {
      if (!(e instanceof KubeError && e.status === 409)) throw e;
    }
  }
}

/** Whether load balancers may send to nodes at all: where none is asked for, nobody has to be there to say that a node is out of them. */
export async function hasBalancers(kube: Kube): Promise<boolean> {
  const [all, every] = await Promise.all([kube.list(services), kube.list(ingresses)]);
  return all.some(mayHaveBalancer) || every.some(hasBalancer);
}

function mayHaveBalancer({ metadata, spec }: ServiceObject): boolean {
  return spec?.type === 'LoadBalancer' || (metadata.finalizers ?? []).includes(balancerFinalizer);
}

function hasBalancer({ metadata }: KubeObject): boolean {
  return (metadata.finalizers ?? []).includes(ingressFinalizer);
}

/** How long connections that came through a load balancer may go on: as long as Kubernetes gives pods to end, when nothing is said. */
export const connectionDrain = seconds(30);

/** What connections have left of their time since the last load balancer stopped sending; 0 where none ever sent. */
export function connectionsHave({ status }: NodeObject, at: Instant): Ms {
  const said = status?.conditions?.find(({ type }) => type === outOfBalancers);
  if (said?.status !== 'True') return ms(0);
  const left = Date.parse(said.lastTransitionTime ?? '') + connectionDrain - at;
  // Clocks of two computers differ: never longer than the whole time.
  return left > 0 ? ms(Math.min(left, connectionDrain)) : ms(0);
}

const mirror = 'kubernetes.io/config.mirror';

/** Pods of DaemonSets come back at once, and those that kubelet starts by itself go with it. */
export function hasToLeave({ metadata, status }: PodObject): boolean {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return false;
  if (mirror in (metadata.annotations ?? {})) return false;
  return !metadata.ownerReferences?.some(({ kind, controller }) => kind === 'DaemonSet' && controller === true);
}

/** @shape why it may not leave now; `undefined` when it leaves, or has left */
export async function evict(kube: Kube, { metadata }: PodObject): Promise<string | undefined> {
  if (metadata.deletionTimestamp !== undefined) return undefined;
  const { name, namespace = '' } = metadata;
  const evictions: Resource<KubeObject> = {
    group: '',
    version: 'v1',
    plural: `pods/${name}/eviction`,
    kind: 'Eviction',
    namespaced: true,
  };
  try {
    // Shorter than what a refusal asks to wait: its reason is told at once, and the next look asks again.
    await kube
      .within(seconds(5))
      .create(evictions, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } });
    return undefined;
  } catch (e) {
    if (e instanceof KubeError && e.status === 404) return undefined;
    if (e instanceof KubeError && (e.status === 429 || e.status === 0)) return e.message;
    throw e;
  }
}

/** `namespace/name` */
export function podKey({ metadata: { name, namespace = '' } }: PodObject): string {
  return `${namespace}/${name}`;
}
