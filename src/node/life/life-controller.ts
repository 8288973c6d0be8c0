import type { SharedCaches } from '#capability/controller-part.ts';
import { groundOf } from '#capability/ground.ts';
import type { Compute } from '#cloud/compute.ts';
import { lookAtMachine } from '#cloud/look-at-machine.ts';
import { type Condition, conditionAfter, isReady } from '#kube/api/condition.ts';
import { isControlPlane } from '#kube/api/control-plane.ts';
import { machineKnownCondition } from '#kube/api/machine-known.ts';
import type { Events } from '#kube/events.ts';
import { type Kube, KubeError, type WatchCache } from '#kube/kube.ts';
import { type NodeObject, nodes } from '#kube/resources.ts';
import { viewOf } from '#kube/view-of.ts';
import { workQueue } from '#kube/work-queue.ts';
import { type Instant, type Ms, ms, now, seconds, untilAborted, uptime } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { counter, gauge } from '#unit/metrics.ts';
import type { ProviderId } from '#unit/provider-id.ts';
import {
  type FleetSeen,
  type LifePolicy,
  type LifeStep,
  lifeAfter,
  type MachineLife,
  planNextLook,
  planNodeLife,
} from './plan-node-life.ts';
import type { NodeReason } from './reasons.ts';

const missing = gauge(
  'isthmus_missing_machine',
  '1 for each cloud node whose machine the cloud does not know, with what is done about it.',
  ['node', 'reason'],
);
const deletions = counter(
  'isthmus_nodes_deleted_total',
  'Nodes that were deleted because the cloud does not know their machines.',
);

export interface LifeOptions {
  readonly kube: Kube;
  /** `ucloud`: nodes of no other cloud are looked at. */
  readonly provider: string;
  readonly compute: Compute;
  readonly caches: Pick<SharedCaches, 'nodes'>;
  readonly events: Pick<Events, 'tell'>;
  /** The ownership mark of this cluster. */
  readonly mark: string;
  readonly policy: LifePolicy;
  readonly note: (facts: object, doing: string) => void;
}

/** Deletes the Nodes of cloud machines that are gone for certain. Machines of the site are nothing that it ever asks about. */
export async function runLifeController(options: LifeOptions, end: AbortSignal): Promise<void> {
  const seen = viewOf(options.caches.nodes(), (node) => node, end);
  await seen.synced;
  const keeper = new LifeKeeper(options, seen);
  const queue = workQueue({
    tend: (name) => keeper.tend(name),
    // A cloud that answers slowly about one node must not hide another one.
    workers: 4,
    onError: (error, { key, failures, wait }) =>
      options.note(
        { node: key, fault: messageOf(error), failures, again: wait },
        'looking for the machine of a node failed',
      ),
    backoff: { first: seconds(1), most: seconds(15) },
  });
  seen.onChange((name) => queue.add(name));
  try {
    await untilAborted(end);
  } finally {
    await queue.stop();
    missing.reset();
  }
}

/** What this process knows of one node. */
interface Memory {
  readonly uid: string | undefined;
  life: MachineLife;
  asked: { readonly at: Ms; readonly isClear: boolean } | undefined;
  told: NodeReason | undefined;
}

/** `uptime` for spans; `now` for what others wrote down. */
interface Clock {
  readonly uptime: () => Ms;
  readonly now: () => Instant;
}

type CloudId = ProviderId & { readonly ground: 'cloud' };

/** One turn for one node at a time. Its clock is given, so that a test can move it. */
export class LifeKeeper {
  readonly #options: LifeOptions;
  readonly #nodes: Pick<WatchCache<NodeObject>, 'get' | 'list'>;
  readonly #clock: Clock;
  readonly #memories = new Map<string, Memory>();
  /** When Nodes were deleted, by name. */
  readonly #deleted = new Map<string, Ms>();

  constructor(
    options: LifeOptions,
    seen: Pick<WatchCache<NodeObject>, 'get' | 'list'>,
    clock: Clock = { uptime, now },
  ) {
    this.#options = options;
    this.#nodes = seen;
    this.#clock = clock;
  }

  /** The Node is read before the cloud is asked, and deleted only as it was read: what came to life in between has changed it. */
  async tend(name: string): Promise<void | { readonly again: Ms }> {
    const cached = this.#nodes.get({ name });
    if (cached === undefined || this.#idOf(cached) === undefined) return this.#forget(name);
    if (isReady(cached) && !this.#memories.has(name) && conditionOn(cached) === undefined) return;
    const node = await this.#options.kube.get(nodes, { name });
    const id = node && this.#idOf(node);
    if (node === undefined || id === undefined) return this.#forget(name);
    const memory = this.#memoryOf(node);
    if (!isReady(node)) await this.#look(node, memory, id);
    const step = planNodeLife(
      { answers: isReady(node), isControlPlane: isControlPlane(node), life: memory.life },
      this.#fleetBeside(name),
      this.#options.policy,
    );
    if (step.do !== 'leave')
      this.#options.note({ node: name, machine: id.id, ...step }, 'planning for a missing machine');
    await this.#tell(node, memory, step);
    if (isReady(node) || (step.do === 'delete' && (await this.#delete(node)))) return this.#forget(name);
    return { again: planNextLook(memory.life, memory.asked, this.#clock.uptime(), this.#options.policy) };
  }

  /** Only a machine of our cloud is asked about: the provider id says so, and so does the label. */
  #idOf(node: NodeObject): CloudId | undefined {
    const place = groundOf(node);
    return place.ground === 'cloud' && place.provider === this.#options.provider ? place : undefined;
  }

  async #look(node: NodeObject, memory: Memory, { id, zone }: CloudId): Promise<void> {
    const { compute, mark, policy } = this.#options;
    const at = this.#clock.uptime();
    if (planNextLook(memory.life, memory.asked, at, policy) > 0) return;
    const beside = this.#nodes
      .list()
      .flatMap((other) => this.#idOf(other)?.id ?? [])
      .filter((other) => other !== id);
    const look = await lookAtMachine(compute, { id, zone, mark, beside }, { within: lookWithin });
    const age = ms(this.#clock.now() - Date.parse(node.metadata.creationTimestamp ?? ''));
    memory.asked = { at, isClear: look.says !== 'unclear' };
    memory.life = lifeAfter(memory.life, look, { at, age }, policy);
  }

  /** @shape false when the Node has changed since it was read: it is looked at again */
  async #delete(node: NodeObject): Promise<boolean> {
    const { name, uid = '', resourceVersion = '' } = node.metadata;
    // Before anything is waited for: others are decided on meanwhile.
    this.#deleted.set(name, this.#clock.uptime());
    try {
      await this.#options.kube.delete(nodes, { name }, { uid, resourceVersion });
      deletions.inc();
      return true;
    } catch (e) {
      if (!(e instanceof KubeError && e.status === 409)) throw e;
      this.#deleted.delete(name);
      return false;
    }
  }

  /** On the Node, as an Event and as a metric: the same reason everywhere. */
  async #tell(node: NodeObject, memory: Memory, step: LifeStep): Promise<void> {
    const { kube, events } = this.#options;
    const { name, uid } = node.metadata;
    const said = conditionOn(node);
    const wanted = step.do === 'hold' ? conditionOf(step, said, this.#clock.now()) : undefined;
    if (step.do !== 'delete' && (said?.reason !== wanted?.reason || said?.message !== wanted?.message))
      await kube.apply(
        nodes,
        { metadata: { name }, status: { conditions: wanted === undefined ? [] : [wanted] } },
        { manager: 'isthmus-node', force: true, subresource: 'status' },
      );
    const why = step.do === 'leave' ? undefined : step.why;
    if (memory.told !== undefined && memory.told !== why) missing.remove({ node: name, reason: memory.told });
    if (step.do !== 'leave' && memory.told !== why) {
      missing.set({ node: name, reason: step.why }, 1);
      const regarding = { apiVersion: 'v1', kind: 'Node', name, ...(uid !== undefined && { uid }) };
      const type = step.why === 'ConfirmingMissing' ? 'Normal' : 'Warning';
      events.tell(regarding, { reason: step.why, type, action: 'MachineKnown' }, step.says);
    }
    memory.told = why;
  }

  #memoryOf({ metadata: { name, uid } }: NodeObject): Memory {
    const known = this.#memories.get(name);
    if (known !== undefined && known.uid === uid) return known;
    const begun: Memory = { uid, life: { at: 'known' }, asked: undefined, told: known?.told };
    this.#memories.set(name, begun);
    return begun;
  }

  #fleetBeside(name: string): FleetSeen {
    const { policy } = this.#options;
    const since = this.#clock.uptime() - policy.apart * (policy.notFounds - 1);
    for (const [gone, at] of this.#deleted) if (at < since) this.#deleted.delete(gone);
    const deleted = [...this.#deleted.keys()].filter((gone) => gone !== name).length;
    const others = this.#nodes.list().filter((node) => node.metadata.name !== name && this.#idOf(node) !== undefined);
    const away = others.filter((node) => this.#memories.get(node.metadata.name)?.life.at === 'missing');
    return { nodes: others.length + 1 + deleted, missing: away.length, deleted };
  }

  #forget(name: string): void {
    const told = this.#memories.get(name)?.told;
    if (told !== undefined) missing.remove({ node: name, reason: told });
    this.#memories.delete(name);
  }
}

function conditionOn(node: NodeObject): Condition | undefined {
  return node.status?.conditions?.find(({ type }) => type === machineKnownCondition) as Condition | undefined;
}

function conditionOf(
  { why, says }: { readonly why: NodeReason; readonly says: string },
  said: Condition | undefined,
  at: Instant,
): Condition {
  const condition = { type: machineKnownCondition, status: 'False', reason: why, message: says } as const;
  return conditionAfter(said === undefined ? [] : [said], condition, new Date(at).toISOString());
}

/** Of the two questions, each with its own repetitions. */
const lookWithin = ms(10_000);
