import type { SharedCaches } from '#capability/controller-part.ts';
import { groundOf } from '#capability/ground.ts';
import type { knockTcp } from '#host/knock-tcp.ts';
import type { Events } from '#kube/events.ts';
import { type Kube, KubeError, type KubeObject, type WatchCache } from '#kube/kube.ts';
import { type NodeObject, namespaces, nodes, type PodObject, pods } from '#kube/resources.ts';
import { viewOf } from '#kube/view-of.ts';
import { keyOf } from '#kube/watch-store.ts';
import { workQueue } from '#kube/work-queue.ts';
import { type Ms, ms, seconds, untilAborted, uptime } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { counter, gauge } from '#unit/metrics.ts';
import { chooseWhenCut, type WhenCut } from './choose-when-cut.ts';
import { Judge } from './judge.ts';
import {
  noExecute,
  type Patience,
  patienceAfter,
  planEviction,
  type Unreachable,
  unreachableTaint,
} from './plan-eviction.ts';

const evictions = counter(
  'isthmus_pods_evicted_total',
  'Pods that were deleted because of a NoExecute taint of their node.',
);

const kept = gauge('isthmus_pods_kept', 'Pods that stay on machines of the site that are cut off.');

export interface EvictionOptions {
  readonly kube: Kube;
  readonly caches: SharedCaches;
  readonly events: Pick<Events, 'tell'>;
  readonly note: (facts: object, doing: string) => void;
  /** Of tests: asks a machine. */
  readonly knock?: typeof knockTcp;
}

/**
 * Deletes the pods that do not tolerate the NoExecute taints of their nodes, in place of kube-controller-manager, whose own eviction is switched off.
 * Pods of machines of the site that are only cut off stay, unless their owner asked for the opposite.
 * @source kubernetes KEP-3902, which made that possible
 */
export async function runEvictionController(options: EvictionOptions, end: AbortSignal): Promise<void> {
  const { kube, caches, events, note } = options;
  const seen = {
    nodes: viewOf(caches.nodes(), (node) => node, end),
    pods: viewOf(caches.pods(), (pod) => pod, end),
    namespaces: kube.cache(namespaces, {}, end, ({ metadata: { name, annotations = {} } }) => ({
      metadata: { name, annotations },
    })),
  };
  await Promise.all([seen.nodes.synced, seen.pods.synced, seen.namespaces.synced]);
  const judge = new Judge({
    kube,
    nodes: seen.nodes,
    events,
    note,
    ...(options.knock !== undefined && { knock: options.knock }),
    onVerdict: (node) => {
      for (const key of evictor.podsOf(node)) queue.add(key);
    },
  });
  const evictor = new Evictor(options, { ...seen, judge }, end);
  const queue = workQueue({
    tend: (key) => evictor.tend(key),
    // As many as upstream's.
    workers: 8,
    onError: (error, { key, failures, wait }) =>
      note({ pod: key, fault: messageOf(error), failures, again: wait }, 'evicting a pod failed'),
    backoff: { first: ms(100), most: seconds(15) },
  });
  const judging = workQueue({
    tend: () => judge.tend(),
    onError: (error, { wait }) => note({ fault: messageOf(error), again: wait }, 'judging silent machines failed'),
    backoff: { first: ms(500), most: seconds(5) },
  });
  seen.pods.onChange((key) => {
    if (evictor.concerns(key)) queue.add(key);
  });
  seen.nodes.onChange((name) => {
    if (judge.concerns(name)) judging.add('site');
    if (evictor.hasNewTaints(name)) for (const key of evictor.podsOf(name)) queue.add(key);
  });
  seen.namespaces.onChange((name) => {
    for (const key of evictor.keptIn(name)) queue.add(key);
  });
  try {
    await untilAborted(end);
  } finally {
    await Promise.all([queue.stop(), judging.stop()]);
    judge.close();
    kept.reset();
  }
}

interface Seen {
  readonly nodes: Pick<WatchCache<NodeObject>, 'get' | 'list'>;
  readonly pods: Pick<WatchCache<PodObject>, 'get' | 'list'>;
  readonly namespaces: Pick<WatchCache<KubeObject>, 'get'>;
  readonly judge: Pick<Judge, 'verdictOf'>;
}

class Evictor {
  readonly #options: EvictionOptions;
  readonly #seen: Seen;
  readonly #end: AbortSignal;
  /** By the pod's key. Only those that wait for the end of a toleration. */
  readonly #waiting = new Map<string, { readonly uid: string | undefined; readonly patience: Patience }>();
  /** The NoExecute taints of each node that has some, as text. */
  readonly #tainted = new Map<string, string>();
  /** Keys of pods that stay because their machine is only cut off. */
  readonly #kept = new Set<string>();

  constructor(options: EvictionOptions, seen: Seen, end: AbortSignal) {
    this.#options = options;
    this.#seen = seen;
    this.#end = end;
  }

  concerns(key: string): boolean {
    const nodeName = this.#seen.pods.get(nameOf(key))?.spec?.nodeName;
    if (this.#waiting.has(key) || this.#kept.has(key)) return true;
    return nodeName !== undefined && this.#taintsOf(nodeName).length > 0;
  }

  /** Whether taints of the node that evict came or went since the last time; a Node changes far more often than that. */
  hasNewTaints(name: string): boolean {
    const taints = this.#taintsOf(name);
    const text = taints.length === 0 ? undefined : JSON.stringify(taints);
    if (text === this.#tainted.get(name)) return false;
    if (text === undefined) this.#tainted.delete(name);
    else this.#tainted.set(name, text);
    return true;
  }

  podsOf(name: string): readonly string[] {
    return this.#seen.pods.list().flatMap(({ metadata, spec }) => (spec?.nodeName === name ? keyOf(metadata) : []));
  }

  keptIn(namespace: string): readonly string[] {
    return [...this.#kept].filter((key) => nameOf(key).namespace === namespace);
  }

  async tend(key: string): Promise<void | { readonly again: Ms }> {
    const pod = this.#seen.pods.get(nameOf(key));
    const known = this.#waiting.get(key);
    const nodeName = pod?.spec?.nodeName;
    if (pod === undefined || nodeName === undefined || pod.metadata.deletionTimestamp !== undefined) {
      this.#waiting.delete(key);
      this.#keep(key, false);
      return;
    }
    const at = uptime();
    const before = known?.uid === pod.metadata.uid ? known?.patience : undefined;
    const node = this.#seen.nodes.get({ name: nodeName });
    const patience = this.#patienceOf(pod, node, before ?? new Map(), at);
    this.#keep(key, this.#unreachable(pod, node) === 'stays' && isUnreachable(node));
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
    const tolerations = pod.spec?.tolerations ?? [];
    const unreachable = this.#unreachable(pod, node);
    return patienceAfter(before, { taints: node?.spec?.taints ?? [], tolerations, unreachable }, at);
  }

  #unreachable(pod: PodObject, node: NodeObject | undefined): Unreachable {
    if (node === undefined || groundOf(node).ground !== 'site') return 'usual';
    const verdict = this.#seen.judge.verdictOf(node.metadata.name);
    if (verdict.is === 'dead') return 'at-once';
    if (verdict.is === 'untold' && !verdict.judging) return 'usual';
    // Cut, or being judged; or heard again, and the taint goes in a moment.
    return this.#whenCut(pod).does === 'stay' ? 'stays' : 'usual';
  }

  #whenCut(pod: PodObject): WhenCut {
    const elsewhere = this.#seen.nodes.list().filter((node) => groundOf(node).ground === 'cloud');
    const namespace = this.#seen.namespaces.get({ name: pod.metadata.namespace ?? '' });
    return chooseWhenCut({ pod, namespace, elsewhere });
  }

  #keep(key: string, is: boolean): void {
    if (is) this.#kept.add(key);
    else this.#kept.delete(key);
    kept.set(this.#kept.size);
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

function isUnreachable(node: NodeObject | undefined): boolean {
  return node?.spec?.taints?.some(({ key, effect }) => key === unreachableTaint && effect === 'NoExecute') ?? false;
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
