import type { SharedCaches } from '#capability/controller-part.ts';
import type { Events } from '#kube/events.ts';
import { type Kube, KubeError, type WatchCache } from '#kube/kube.ts';
import { type NodeObject, nodes, type PodObject, pods } from '#kube/resources.ts';
import { viewOf } from '#kube/view-of.ts';
import { keyOf } from '#kube/watch-store.ts';
import { workQueue } from '#kube/work-queue.ts';
import { type Ms, ms, seconds, untilAborted, uptime } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { counter } from '#unit/metrics.ts';
import { noExecute, type Patience, patienceAfter, planEviction } from './plan-eviction.ts';

const evictions = counter(
  'isthmus_pods_evicted_total',
  'Pods that were deleted because of a NoExecute taint of their node.',
);

export interface EvictionOptions {
  readonly kube: Kube;
  readonly caches: SharedCaches;
  readonly events: Pick<Events, 'tell'>;
  readonly note: (facts: object, doing: string) => void;
}

/**
 * Deletes the pods that do not tolerate the NoExecute taints of their nodes, in place of kube-controller-manager, whose own eviction is switched off.
 * @source kubernetes KEP-3902, which made that possible
 */
export async function runEvictionController(options: EvictionOptions, end: AbortSignal): Promise<void> {
  const seen = {
    nodes: viewOf(options.caches.nodes(), (node) => node, end),
    pods: viewOf(options.caches.pods(), (pod) => pod, end),
  };
  await Promise.all([seen.nodes.synced, seen.pods.synced]);
  const evictor = new Evictor(options, seen, end);
  const queue = workQueue({
    tend: (key) => evictor.tend(key),
    // As many as upstream's.
    workers: 8,
    onError: (error, { key, failures, wait }) =>
      options.note({ pod: key, fault: messageOf(error), failures, again: wait }, 'evicting a pod failed'),
    backoff: { first: ms(100), most: seconds(15) },
  });
  seen.pods.onChange((key) => {
    if (evictor.concerns(key)) queue.add(key);
  });
  seen.nodes.onChange((name) => {
    for (const key of evictor.podsOfChanged(name)) queue.add(key);
  });
  try {
    await untilAborted(end);
  } finally {
    await queue.stop();
  }
}

interface Seen {
  readonly nodes: Pick<WatchCache<NodeObject>, 'get'>;
  readonly pods: Pick<WatchCache<PodObject>, 'get' | 'list'>;
}

class Evictor {
  readonly #options: EvictionOptions;
  readonly #seen: Seen;
  readonly #end: AbortSignal;
  /** By the pod's key. Only those that wait for the end of a toleration. */
  readonly #waiting = new Map<string, { readonly uid: string | undefined; readonly patience: Patience }>();
  /** The NoExecute taints of each node that has some, as text. */
  readonly #tainted = new Map<string, string>();

  constructor(options: EvictionOptions, seen: Seen, end: AbortSignal) {
    this.#options = options;
    this.#seen = seen;
    this.#end = end;
  }

  concerns(key: string): boolean {
    const nodeName = this.#seen.pods.get(nameOf(key))?.spec?.nodeName;
    return this.#waiting.has(key) || (nodeName !== undefined && this.#taintsOf(nodeName).length > 0);
  }

  /** The pods of a node whose taints have changed; a Node changes far more often than its taints do. */
  podsOfChanged(name: string): readonly string[] {
    const taints = this.#taintsOf(name);
    const text = taints.length === 0 ? undefined : JSON.stringify(taints);
    if (text === this.#tainted.get(name)) return [];
    if (text === undefined) this.#tainted.delete(name);
    else this.#tainted.set(name, text);
    return this.#seen.pods.list().flatMap(({ metadata, spec }) => (spec?.nodeName === name ? keyOf(metadata) : []));
  }

  async tend(key: string): Promise<void | { readonly again: Ms }> {
    const pod = this.#seen.pods.get(nameOf(key));
    const known = this.#waiting.get(key);
    const nodeName = pod?.spec?.nodeName;
    if (pod === undefined || nodeName === undefined || pod.metadata.deletionTimestamp !== undefined) {
      this.#waiting.delete(key);
      return;
    }
    const at = uptime();
    const before = known?.uid === pod.metadata.uid ? known?.patience : undefined;
    const patience = this.#patienceOf(pod, this.#seen.nodes.get({ name: nodeName }), before ?? new Map(), at);
    const step = planEviction(patience, at);
    if (step.do !== 'leave') this.#waiting.set(key, { uid: pod.metadata.uid, patience });
    switch (step.do) {
      case 'leave':
        if (this.#waiting.delete(key) && before !== undefined) this.#tell(pod, `Cancelling deletion of Pod ${key}`);
        return;
      case 'wait':
        return { again: ms(step.until - at) };
      case 'evict':
        await this.#evict(pod, nodeName, patience);
    }
  }

  /** Both objects are read once more, because what the caches hold may be old. */
  async #evict({ metadata }: PodObject, nodeName: string, patience: Patience): Promise<void> {
    const { kube, note } = this.#options;
    const { name, namespace = '', uid = '' } = metadata;
    const [pod, node] = await Promise.all([kube.get(pods, { name, namespace }), kube.get(nodes, { name: nodeName })]);
    if (pod === undefined || pod.metadata.uid !== uid || pod.metadata.deletionTimestamp !== undefined) return;
    // What is true by now is in the caches soon, and the pod is tended again then.
    const at = uptime();
    if (planEviction(this.#patienceOf(pod, node, patience, at), at).do !== 'evict') return;
    const key = keyOf(metadata);
    note(
      { pod: key, node: nodeName, taints: noExecute(node?.spec?.taints ?? []) },
      'evicting a pod from a tainted node',
    );
    this.#tell(pod, `Marking for deletion Pod ${key}`);
    try {
      this.#end.throwIfAborted();
      await kube.apply(
        pods,
        { metadata: { name, namespace, uid }, status: { conditions: [disruptionTarget(pod)] } },
        { manager: 'isthmus-eviction', force: true, subresource: 'status' },
      );
      this.#end.throwIfAborted();
      await kube.delete(pods, { name, namespace }, { uid });
    } catch (e) {
      // Gone, or another pod of its name has come meanwhile.
      if (e instanceof KubeError && (e.status === 404 || e.status === 409)) return;
      throw e;
    }
    this.#waiting.delete(key);
    evictions.inc();
  }

  #patienceOf(pod: PodObject, node: NodeObject | undefined, before: Patience, at: Ms): Patience {
    return patienceAfter(before, { taints: node?.spec?.taints ?? [], tolerations: pod.spec?.tolerations ?? [] }, at);
  }

  #taintsOf(name: string): ReturnType<typeof noExecute> {
    return noExecute(this.#seen.nodes.get({ name })?.spec?.taints ?? []);
  }

  #tell({ metadata: { name, namespace, uid } }: PodObject, note: string): void {
    const regarding = {
      apiVersion: 'v1',
      kind: 'Pod',
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
    };
    // Reason and text are upstream's: people look for them.
    this.#options.events.tell(regarding, { reason: 'TaintManagerEviction', type: 'Normal', action: 'Evicting' }, note);
  }
}

/** What a Job counts, and what tells everybody why the pod went: in the words of upstream. */
function disruptionTarget({ status }: PodObject): object {
  const said = status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  const lastTransitionTime =
    said?.status === 'True' && said.lastTransitionTime !== undefined
      ? said.lastTransitionTime
      : new Date().toISOString();
  return {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
    lastTransitionTime,
  };
}

function nameOf(key: string): { readonly name: string; readonly namespace: string } {
  const [namespace = '', name = ''] = key.split('/');
  return { name, namespace };
}
