import type { SharedCaches } from '#capability/controller-part.ts';
import { type Ground, groundOf } from '#capability/ground.ts';
import type { Compute } from '#cloud/compute.ts';
import { explainFailure } from '#cloud/failure.ts';
import { lookAtMachine, type MachineLook } from '#cloud/look-at-machine.ts';
import { type Condition, conditionAfter } from '#kube/api/condition.ts';
import { isControlPlane } from '#kube/api/control-plane.ts';
import { fencedCondition as fenced, outOfService } from '#kube/api/out-of-service.ts';
import type { Events } from '#kube/events.ts';
import { type Kube, KubeError, type WatchCache } from '#kube/kube.ts';
import { type NodeObject, nodes, type Taint } from '#kube/resources.ts';
import { viewOf } from '#kube/view-of.ts';
import { workQueue } from '#kube/work-queue.ts';
import { type Ms, minutes, ms, now, seconds, untilAborted, uptime } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { gauge } from '#unit/metrics.ts';
import { type FencePolicy, type FenceStep, type FleetSeen, planFence } from './plan-fence.ts';
import type { FenceReason } from './reasons.ts';

const silent = gauge('isthmus_silent_node', '1 for each cloud node that does not answer, with what is done about it.', [
  'node',
  'reason',
]);

export interface FenceOptions {
  readonly kube: Kube;
  readonly compute: Compute;
  readonly caches: SharedCaches;
  readonly events: Events;
  /** The ownership mark of this cluster. */
  readonly mark: string;
  readonly policy: FencePolicy;
  readonly note: (facts: object, doing: string) => void;
  /** Between two looks at a node that has not been silent for long; 5 s when left out. */
  readonly every?: Ms;
}

/** What this process has seen of one silent node. */
interface Silence {
  readonly uid: string | undefined;
  readonly since: Ms;
  offSince: Ms | undefined;
  onSince: Ms | undefined;
  told: FenceReason | undefined;
}

/** Takes cloud nodes out of service whose machines are off by the word of the cloud, and back into service when they are on. */
export async function runFenceController(options: FenceOptions, end: AbortSignal): Promise<void> {
  const seen = viewOf(options.caches.nodes(), (node) => node, end);
  await seen.synced;
  const keeper = new FenceKeeper(options, seen);
  const queue = workQueue({
    tend: (name) => keeper.tend(name),
    // A cloud that answers slowly about one node must not keep another one out of service.
    workers: 8,
    onError: (error, { key, failures, wait }) =>
      options.note({ node: key, fault: messageOf(error), failures, again: wait }, 'looking after a silent node failed'),
    backoff: { first: ms(500), most: seconds(5) },
  });
  seen.onChange((name) => {
    if (keeper.concerns(name)) queue.add(name);
  });
  try {
    await untilAborted(end);
  } finally {
    await queue.stop();
    silent.reset();
  }
}

class FenceKeeper {
  readonly #options: FenceOptions;
  readonly #nodes: WatchCache<NodeObject>;
  readonly #silences = new Map<string, Silence>();
  /** Nodes that this process is about to take out of service, or has: what it writes comes back to it late. */
  readonly #taken = new Set<string>();

  constructor(options: FenceOptions, seen: WatchCache<NodeObject>) {
    this.#options = options;
    this.#nodes = seen;
  }

  /** Whether the node is silent, or something of ours is on it or known of it. */
  concerns(name: string): boolean {
    const node = this.#nodes.get({ name });
    if (this.#silences.has(name)) return true;
    return node !== undefined && (isSilent(node) || isFencedByUs(node) || hasCondition(node));
  }

  /** The Node is read before the cloud is asked, and written only as it was read: what came to life in between has changed it. */
  async tend(name: string): Promise<void | { readonly again: Ms }> {
    const { kube, policy, note } = this.#options;
    const node = await kube.get(nodes, { name });
    const place = node && groundOf(node);
    // A machine of the site is nothing that the cloud knows of; from a Node that is not clearly of the cloud our taint only goes.
    if (node === undefined || place === undefined || (place.ground !== 'cloud' && !isFencedByUs(node)))
      return this.#forget(name);
    const silence = this.#silenceOf(node);
    const asked = uptime();
    const look = await this.#look(node, place);
    remember(silence, look);
    const step = planFence(
      {
        answers: !isSilent(node),
        isControlPlane: isControlPlane(node),
        isFenced: isFencedByUs(node),
        isTaintedByOthers: taintsOf(node).some((taint) => taint.key === outOfService.key && !isOurs(taint)),
        silentFor: since(silence.since),
        offFor: silence.offSince === undefined ? undefined : since(silence.offSince),
        onFor: silence.onSince === undefined ? undefined : since(silence.onSince),
        look,
      },
      this.#fleetBeside(name),
      policy,
    );
    note({ node: name, look: look.says, ...step }, 'planning for a silent node');
    // Before anything is waited for: others are decided on meanwhile.
    if (step.do === 'fence' || step.do === 'power-off') this.#taken.add(name);
    const every = this.#options.every ?? seconds(5);
    const isDone = await this.#perform(node, step, asked);
    const isKept = step.do === 'unfence' || (step.do === 'hold' && look.says === 'on');
    if (isKept || (step.do === 'fence' && !isDone)) this.#taken.delete(name);
    if (!isDone) return { again: every };
    await this.#tell(node, silence, step);
    if (step.do === 'leave' || !isSilent(node)) return this.#forget(name);
    return { again: since(silence.since) < minutes(10) ? every : ms(every * 3) };
  }

  async #look(node: NodeObject, place: Ground): Promise<MachineLook> {
    if (!isSilent(node)) return { says: 'on' };
    if (place.ground !== 'cloud') return { says: 'unclear', why: 'the Node is not clearly one of the cloud' };
    const beside = this.#cloudNodes().flatMap((other) => {
      const at = groundOf(other);
      return at.ground === 'cloud' && at.id !== place.id ? at.id : [];
    });
    return lookAtMachine(this.#options.compute, { ...place, mark: this.#options.mark, beside }, { within: lookWithin });
  }

  /** @shape whether it was done; what was not is decided anew in the next turn */
  async #perform(node: NodeObject, step: FenceStep, asked: Ms): Promise<boolean> {
    const { kube, compute, note } = this.#options;
    switch (step.do) {
      case 'fence':
        // The answer must not be older than a machine takes to boot.
        return since(asked) <= answerHolds && writeTaints(kube, node, [...taintsOf(node), outOfService]);
      case 'unfence':
        return writeTaints(
          kube,
          node,
          taintsOf(node).filter((taint) => !isOurs(taint)),
        );
      case 'power-off': {
        const place = groundOf(node);
        if (place.ground !== 'cloud') return false;
        const done = await compute.power(place.id, 'off', { within: seconds(15) });
        if (!done.ok)
          note({ machine: place.id, fault: explainFailure(done.failure) }, 'switching a machine off failed');
        return true;
      }
      case 'hold':
      case 'leave':
        return true;
    }
  }

  /** On the Node, as an Event and as a metric: the same reason everywhere. */
  async #tell(node: NodeObject, silence: Silence, step: FenceStep): Promise<void> {
    const { kube, events } = this.#options;
    const { name, uid } = node.metadata;
    const said = (node.status?.conditions as readonly Condition[] | undefined)?.find(({ type }) => type === fenced);
    const isOver = step.do === 'leave' || step.do === 'unfence';
    const wanted = isOver ? undefined : conditionOf(step, said);
    if (said?.reason !== wanted?.reason || said?.message !== wanted?.message || said?.status !== wanted?.status)
      await kube.apply(
        nodes,
        { metadata: { name }, status: { conditions: wanted === undefined ? [] : [wanted] } },
        { manager: 'isthmus-fence', force: true, subresource: 'status' },
      );
    if (silence.told !== undefined) silent.remove({ node: name, reason: silence.told });
    if (step.do === 'leave') return;
    if (!isOver) silent.set({ node: name, reason: step.why }, 1);
    if (silence.told === step.why) return;
    const regarding = { apiVersion: 'v1', kind: 'Node', name, ...(uid !== undefined && { uid }) };
    const type = step.why === 'MachineBack' || step.why === 'Confirming' ? 'Normal' : 'Warning';
    events.tell(regarding, { reason: step.why, type, action: 'Fence' }, step.says);
    silence.told = step.why;
  }

  #silenceOf({ metadata: { name, uid } }: NodeObject): Silence {
    const known = this.#silences.get(name);
    if (known !== undefined && known.uid === uid) return known;
    const begun: Silence = {
      uid,
      since: uptime(),
      offSince: undefined,
      onSince: undefined,
      told: known?.told,
    };
    this.#silences.set(name, begun);
    return begun;
  }

  #cloudNodes(): readonly NodeObject[] {
    return this.#nodes.list().filter((node) => groundOf(node).ground === 'cloud');
  }

  #fleetBeside(name: string): FleetSeen {
    const all = this.#cloudNodes();
    const out = all.filter(
      (node) => node.metadata.name !== name && (isFencedByUs(node) || this.#taken.has(node.metadata.name)),
    );
    return { nodes: all.length, outOfService: out.length };
  }

  #forget(name: string): void {
    const told = this.#silences.get(name)?.told;
    if (told !== undefined) silent.remove({ node: name, reason: told });
    this.#silences.delete(name);
    this.#taken.delete(name);
  }
}

function remember(silence: Silence, { says }: MachineLook): void {
  const isOff = says === 'off' || says === 'gone';
  silence.offSince = isOff ? (silence.offSince ?? uptime()) : undefined;
  silence.onSince = says === 'on' ? (silence.onSince ?? uptime()) : undefined;
}

function conditionOf(step: Exclude<FenceStep, { readonly do: 'leave' }>, said: Condition | undefined): Condition {
  const isFenced = step.why === 'MachineOff' || step.why === 'MachineGone';
  const status = isFenced ? 'True' : 'False';
  const condition = { type: fenced, status, reason: step.why, message: step.says } as const;
  return conditionAfter(said === undefined ? [] : [said], condition, new Date(now()).toISOString());
}

/** @shape false when the Node has changed since it was read: whatever changed it may be its kubelet */
async function writeTaints(kube: Kube, node: NodeObject, taints: readonly Taint[]): Promise<boolean> {
  const { name, resourceVersion } = node.metadata;
  try {
    await kube.within(writeWithin).merge(nodes, { name }, { metadata: { resourceVersion }, spec: { taints } });
    return true;
  } catch (e) {
    if (e instanceof KubeError && e.status === 409) return false;
    throw e;
  }
}

/** Nobody hears its kubelet: Kubernetes has said so after 50 s. */
function isSilent(node: NodeObject): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'Unknown') ?? false;
}

function taintsOf(node: NodeObject): readonly Taint[] {
  return node.spec?.taints ?? [];
}

function isOurs({ key, value }: Taint): boolean {
  return key === outOfService.key && value === outOfService.value;
}

function isFencedByUs(node: NodeObject): boolean {
  return taintsOf(node).some(isOurs);
}

function hasCondition(node: NodeObject): boolean {
  return node.status?.conditions?.some(({ type }) => type === fenced) ?? false;
}

function since(then: Ms): Ms {
  return ms(uptime() - then);
}

/** Of the question and of the write. Both together are below what a machine takes from being started until its kubelet may start a container. */
const lookWithin = seconds(3);
const writeWithin = seconds(2);
const answerHolds = seconds(3);
