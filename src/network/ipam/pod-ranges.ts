import type { Ground } from '#capability/ground.ts';
import type { Cloud } from '#cloud/cloud.ts';
import { CloudError, type CloudFailure, explainFailure, explainWithCure } from '#cloud/failure.ts';
import { retryAdvice } from '#cloud/retry-advice.ts';
import { conditionAfter } from '#kube/api/condition.ts';
import { type PodRangeObject, type PodRangeSpec, podAddresses, podRanges } from '#kube/api/pod-range.ts';
import type { Events, Regarding } from '#kube/events.ts';
import { type Kube, KubeError } from '#kube/kube.ts';
import { nodes } from '#kube/resources.ts';
import { type Ms, minutes, ms, now, seconds, uptime } from '#unit/clock.ts';
import { type Cidr, formatCidr, type Ip, ip } from '#unit/ip.ts';
import type { ProviderId } from '#unit/provider-id.ts';
import type { Note } from '../note.ts';
import { CloudView, callLimit } from './cloud-view.ts';
import type { NodeSeen } from './node-seen.ts';
import { addressFault, planCondition } from './plan-condition.ts';
import { planPodRange, type RangePolicy } from './plan-pod-ranges.ts';
import {
  type PodRangeSeen,
  type PodRangeStep,
  type PodsSeen,
  type SliceNeighbours,
  specAfter,
  withAddresses,
  withoutAddresses,
} from './plan-range-steps.ts';
import { type PodTold, planWaitingPods, type WaitingPod } from './plan-waiting-pods.ts';

export interface PodRangesOptions {
  readonly kube: Kube;
  readonly cloud: Cloud;
  /** The ownership mark of this cluster: a machine without it is none of ours. */
  readonly mark: string;
  readonly policy: Omit<RangePolicy, 'settle' | 'linger'>;
  readonly note: Note;
  readonly events: Events;
  readonly pace?: Partial<Pace>;
}

export interface Pace {
  /** How often a machine's addresses are compared with the ledger; 5 min unless told. */
  readonly audit: Ms;
  /** How long an address must be missing from the cloud's lists before it counts as lost; 1 min unless told. */
  readonly lostAfter: Ms;
  /** How long a cloud that has no more to give is left alone; 1 min unless told. */
  readonly refused: Ms;
  /** How long an address stays in the pool at least; 1 min unless told. */
  readonly linger: Ms;
}

/** What is known of the cluster around the range of one node. */
export interface Cluster {
  node(name: string): NodeSeen | undefined;
  pods(node: string): PodsSeen;
  waitingPods(node: string): readonly WaitingPod[];
  /** Those of the addresses that a node has, or the range of another node than this one. */
  usedByOthers(node: string, addresses: readonly Ip[]): ReadonlySet<Ip>;
  /** What the Machine of a site node says of its pods; `undefined`: nothing, or there is no Machine. */
  podNetwork(node: string): 'routed' | 'bridged' | undefined;
  /** What others have of the range of bridged machines, known at least as of this state of the node's own; `undefined` when there is no such range. */
  slices(node: string, range: PodRangeObject | undefined): SliceNeighbours | undefined;
  /** The lowest subnet that touches nothing that is taken: the VPC, Services, the site, nodes and other ranges. */
  freeSubnet(): Cidr | undefined;
  /** Returns when everything that was written before this state of the range is known here. @fails Error when that takes too long */
  knows(range: PodRangeObject): Promise<void>;
  /** Another node whose range has anything of this subnet. */
  twinOf(node: string, subnet: Cidr): string | undefined;
}

/** The pod ranges of all nodes, each tended for itself: one turn observes, plans and performs. */
export class PodRanges {
  readonly #options: PodRangesOptions;
  readonly #cluster: Cluster;
  readonly #end: AbortSignal;
  readonly #pace: Pace;
  readonly #policy: RangePolicy;
  readonly #view: CloudView;
  /** The reason for holding that was told last, by node. */
  readonly #told = new Map<string, string>();
  /** What pods that wait were told, by node and then by uid. */
  readonly #toldPods = new Map<string, ReadonlyMap<string | undefined, PodTold>>();
  /** Subnets and slices are never chosen at the same time as others. */
  #assigning: Promise<unknown> = Promise.resolve();

  /** @unit end: after it nothing is written and the cloud is asked for nothing */
  constructor(options: PodRangesOptions, cluster: Cluster, end: AbortSignal) {
    this.#options = options;
    this.#cluster = cluster;
    this.#end = end;
    this.#pace = { audit: minutes(5), lostAfter: minutes(1), refused: minutes(1), linger: minutes(1), ...options.pace };
    this.#view = new CloudView({ cloud: options.cloud, mark: options.mark, ...this.#pace });
    this.#policy = { ...options.policy, settle: options.cloud.addresses.settle, linger: this.#pace.linger };
  }

  /** @shape after which time to tend it again, whatever happens until then; `undefined`: not before something happens */
  async tend(name: string): Promise<{ readonly again: Ms } | undefined> {
    const node = this.#cluster.node(name);
    const range = await this.#options.kube.get(podRanges, { name });
    if (node === undefined) this.#view.forget(name);
    if (node?.ground.ground === 'site' && (range === undefined || range.spec.bridged !== undefined)) {
      // Read once more: another turn may have come first.
      const mine = this.#assigning.then(async () =>
        this.#turn(name, node.ground, await this.#options.kube.get(podRanges, { name })),
      );
      this.#assigning = mine.catch(() => undefined);
      return mine;
    }
    return this.#turn(name, node?.ground, range);
  }

  /** Observe, plan, perform. */
  async #turn(
    name: string,
    ground: Ground | undefined,
    range: PodRangeObject | undefined,
  ): Promise<{ readonly again: Ms } | undefined> {
    const began = uptime();
    const cloud = isOn(ground, 'cloud') ? await this.#view.observe(name, ground, range) : undefined;
    const recorded = (range?.spec.addresses ?? []).map((a) => ip(a.ip));
    const seen: PodRangeSeen = {
      node: name,
      ground,
      range,
      cloud,
      pods: this.#cluster.pods(name),
      others: this.#cluster.usedByOthers(name, recorded),
      freeSubnet: this.#cluster.freeSubnet(),
      podNetwork: this.#cluster.podNetwork(name),
      slices: this.#cluster.slices(name, range),
      at: now(),
    };
    const steps = planPodRange(seen, this.#policy);
    for (const step of steps) this.#tell(name, step);
    // Before anything is asked of the cloud: what has failed so far is published even if it fails again.
    const published = await this.#publish(seen, steps);
    const tellAgain = this.#tellPods(seen, steps);
    await this.#perform({ ...seen, range: published }, steps);
    return sooner(this.#nextLook(seen, steps, began), tellAgain);
  }

  async #perform(seen: PodRangeSeen, steps: readonly PodRangeStep[]): Promise<void> {
    const { node } = seen;
    let range = seen.range;
    if (range !== undefined) {
      const spec = specAfter(range.spec, steps, seen.at);
      if (spec !== range.spec) range = await this.#write(range, spec);
    }
    for (const step of steps)
      switch (step.do) {
        case 'assign':
          await this.#assign(node, step.subnet);
          break;
        case 'open':
          await this.#create(node, step.spec);
          break;
        case 'give-back':
          if (range !== undefined) range = await this.#giveBack(range, step.ips);
          break;
        case 'extend':
          if (range !== undefined) range = await this.#extend(range, step);
          break;
        case 'drop':
          if (range !== undefined) await this.#drop(range);
          break;
        case 'adopt':
          // Nobody knows how old they are: before they go to pods the cloud is asked once more whether it means them.
          this.#view.listAgain(node, this.#policy.settle);
          break;
        case 'withdraw':
          // Whose they are is for the cloud to say.
          this.#view.distrust(node);
          break;
        case 'extend-slice':
          // The next choice of any machine must see this one.
          if (range !== undefined) await this.#cluster.knows(range);
          break;
        case 'bridge':
        case 'connect':
        case 'redate':
        case 'settle':
        case 'retire':
        case 'keep':
        case 'hold':
          break;
      }
  }

  /**
   * What keeps a node from its addresses stands on its PodRange, where people and `isthmus status` look.
   * @shape the range as it is afterwards
   */
  async #publish(seen: PodRangeSeen, steps: readonly PodRangeStep[]): Promise<PodRangeObject | undefined> {
    const { node, range, at } = seen;
    if (range === undefined) this.#tellNode(seen, steps);
    const said = planCondition(seen, steps);
    if (range === undefined || said === undefined) return range;
    this.#end.throwIfAborted();
    const condition = conditionAfter(range.status?.conditions, said, new Date(at).toISOString());
    const written = await this.#options.kube.apply(
      podRanges,
      { metadata: { name: node, ...uidOf(range) }, status: { conditions: [condition] } },
      { manager: 'isthmus-controller', force: true, subresource: 'status' },
    );
    // The plan is for the spec that was seen: over another one it must not be written.
    return written.metadata.generation === range.metadata.generation ? written : range;
  }

  /** Without a range there is no place for a condition. */
  #tellNode(seen: PodRangeSeen, steps: readonly PodRangeStep[]): void {
    const fault = addressFault(seen, steps);
    if (fault === undefined) return;
    const uid = this.#cluster.node(seen.node)?.uid;
    const about: Regarding = { apiVersion: 'v1', kind: 'Node', name: seen.node, ...(uid !== undefined && { uid }) };
    const note = `no pod addresses for this node: ${fault.why}`;
    this.#options.events.tell(about, { reason: fault.reason, type: 'Warning', action: podAddresses }, note);
  }

  /** Says on each pod that waits for long why it does. @shape after which time there may be more to tell */
  #tellPods(seen: PodRangeSeen, steps: readonly PodRangeStep[]): { readonly again: Ms } | undefined {
    const at = uptime();
    const waiting = this.#cluster.waitingPods(seen.node);
    const told = this.#toldPods.get(seen.node) ?? new Map<string | undefined, PodTold>();
    const { news, next } = planWaitingPods(seen, steps, waiting, told, at);
    for (const { pod, reason, note } of news) {
      const { namespace, name, uid } = pod;
      const about: Regarding = { apiVersion: 'v1', kind: 'Pod', namespace, name, ...(uid !== undefined && { uid }) };
      this.#options.events.tell(about, { reason, type: 'Warning', action: podAddresses }, note);
    }
    const fresh = news.map(({ pod, note }) => [pod.uid, { note, at }] as const);
    const kept = waiting.flatMap(({ uid }) => {
      const before = told.get(uid);
      return before === undefined ? [] : [[uid, before] as const];
    });
    if (kept.length + fresh.length === 0) this.#toldPods.delete(seen.node);
    else this.#toldPods.set(seen.node, new Map([...kept, ...fresh]));
    return next === undefined ? undefined : { again: ms(next - at) };
  }

  /**
   * Looks again after writing: a former leader that woke up late may have chosen the same subnet in the same moment. Of two
   * ranges the one created later is told here after the first, so at least one of the two writers sees both.
   */
  async #assign(node: string, subnet: Cidr): Promise<void> {
    const made = await this.#create(node, { ground: 'site', subnet: formatCidr(subnet) });
    try {
      await this.#cluster.knows(made);
      const twin = this.#cluster.twinOf(node, subnet);
      if (twin !== undefined) throw new Error(`${twin} got it at the same time`);
    } catch (e) {
      await this.#options.kube.delete(podRanges, { name: node }, uidOf(made));
      throw new Error(`assigning ${formatCidr(subnet)} to ${node}: ${(e as Error).message}`, { cause: e });
    }
  }

  #create(node: string, spec: PodRangeSpec): Promise<PodRangeObject> {
    this.#end.throwIfAborted();
    return this.#options.kube.create(podRanges, { metadata: { name: node }, spec });
  }

  /** First the cloud, then the ledger: after a crash in between the cloud no longer lists it, and it is given back once more. */
  async #giveBack(range: PodRangeObject, ips: readonly Ip[]): Promise<PodRangeObject> {
    const { name } = range.metadata;
    const recorded = new Map((range.spec.addresses ?? []).map((a) => [ip(a.ip), a.home]));
    const done: Ip[] = [];
    let failure: CloudFailure | undefined;
    for (const address of ips) {
      this.#end.throwIfAborted();
      // Addresses of the site's network have nobody to go back to but the ledger.
      const home = range.spec.ground === 'cloud' ? this.#view.homeOf(name, recorded.get(address)) : undefined;
      // Of an interface that was taken out the addresses are whose it is. What the cloud took back before a write failed is not asked for again.
      if (home !== undefined && !this.#view.wasReturned(name, address)) {
        const released = await this.#options.cloud.addresses.release(home, address, { within: callLimit });
        if (!released.ok) {
          failure ??= released.failure;
          continue;
        }
        this.#view.returned(name, address);
      }
      done.push(address);
      // The rest has time, pods that came meanwhile do not.
      if (this.#cluster.pods(name).waiting > 0) break;
    }
    const written = done.length === 0 ? range : await this.#write(range, withoutAddresses(range.spec, done));
    if (failure !== undefined) throw new CloudError(`giving back addresses of ${name}`, failure);
    return written;
  }

  /**
   * First the cloud, then the ledger. What could not be written down is kept in mind and goes into the ledger before anything
   * else is asked for; what a crash leaves unrecorded is found in the cloud's list, which comes first after a start.
   */
  async #extend(
    range: PodRangeObject,
    { count, home: id }: { readonly count: number; readonly home?: string },
  ): Promise<PodRangeObject> {
    this.#end.throwIfAborted();
    const { name } = range.metadata;
    const home = this.#view.homeOf(name, id);
    if (home === undefined) throw new Error(`the machine of ${name} has no interface ${id} any more`);
    const given = await this.#options.cloud.addresses.extend(home, count, { within: callLimit });
    if (given.ok) {
      this.#view.given(name, given.value, id);
      this.#options.note({ node: name, home: home.id, asked: count, given: given.value }, 'the cloud gave addresses');
      const since = new Date(now()).toISOString();
      return this.#write(range, withAddresses(range.spec, given.value, 'settling', since, id));
    }
    // Whatever happened there, the next turn reads what the cloud has before it asks again.
    this.#view.distrust(name);
    if (retryAdvice(given.failure) !== 'when-the-world-changes') {
      this.#view.failed(name, explainFailure(given.failure));
      throw new CloudError(`asking for ${count} addresses for ${name}`, given.failure);
    }
    const why = whyRefused(given.failure);
    this.#view.refuse(name, id, why);
    this.#options.note({ node: name, home: home.id, asked: count, why }, 'the cloud gives no more addresses');
    return range;
  }

  async #drop(range: PodRangeObject): Promise<void> {
    const { name } = range.metadata;
    // A second opinion, not from the cache.
    if ((await this.#options.kube.get(nodes, { name })) !== undefined) return;
    this.#end.throwIfAborted();
    await this.#options.kube.delete(podRanges, { name }, uidOf(range));
  }

  /** Only over the spec that the plan was made from; what the node wrote into its status meanwhile does not matter. */
  async #write(range: PodRangeObject, spec: PodRangeSpec): Promise<PodRangeObject> {
    const { name, uid, generation } = range.metadata;
    try {
      for (let base = range, tries = 1; ; tries++) {
        this.#end.throwIfAborted();
        try {
          return await this.#options.kube.replace(podRanges, { ...base, spec });
        } catch (e) {
          if (!(e instanceof KubeError) || e.status !== 409 || tries === mostTries) throw e;
          const fresh = await this.#options.kube.get(podRanges, { name });
          if (fresh === undefined || fresh.metadata.uid !== uid || fresh.metadata.generation !== generation) throw e;
          base = fresh;
        }
      }
    } catch (e) {
      // The ledger may be behind the cloud now.
      this.#view.distrust(name);
      throw e;
    }
  }

  /** When time alone changes what is to be done; each writing step comes back by the watch. */
  #nextLook(seen: PodRangeSeen, steps: readonly PodRangeStep[], began: Ms): { readonly again: Ms } | undefined {
    // Nobody says when the last subnet becomes free, or a Node clear; or how many addresses of the site are for each machine.
    if (!isOn(seen.ground, 'cloud')) {
      const isWaiting = addressFault(seen, steps) !== undefined;
      if (seen.range?.spec.bridged !== undefined) return { again: isWaiting ? seconds(3) : seconds(15) };
      return isWaiting ? { again: seconds(15) } : undefined;
    }
    if (seen.cloud?.state !== 'known') return { again: seconds(15) };
    const { settle, linger } = this.#policy;
    const due = (seen.range?.spec.addresses ?? [])
      .filter(({ state }) => state !== 'releasing')
      .map(({ since, state }) => Date.parse(since) + (state === 'settling' ? settle : linger))
      .filter((time) => time > seen.at)
      .map((time) => time - now());
    return { again: ms(Math.max(50, Math.min(this.#view.nextLook(seen.node, began), ...due))) };
  }

  #tell(node: string, step: PodRangeStep): void {
    const why = step.do === 'hold' ? step.why : undefined;
    // Holding for the same reason again is no news.
    if (why !== undefined && this.#told.get(node) === why) return;
    if (why === undefined) this.#told.delete(node);
    else this.#told.set(node, why);
    this.#options.note(
      { node, ...step, ...(step.do === 'assign' && { subnet: formatCidr(step.subnet) }) },
      'planning pod range',
    );
  }
}

/** A quota may be the interface's own: then another interface helps, which the cloud's words do not say. */
function whyRefused(failure: CloudFailure): string {
  const told = explainWithCure(failure);
  if (failure.kind !== 'quota') return told;
  return `${told}; if the interface is full, attach another one to the machine or add a node`;
}

function sooner(
  a: { readonly again: Ms } | undefined,
  b: { readonly again: Ms } | undefined,
): { readonly again: Ms } | undefined {
  return a === undefined || b === undefined ? (a ?? b) : { again: ms(Math.min(a.again, b.again)) };
}

/** A busy node may write its status between our reading and our writing this often before the turn starts over. */
const mostTries = 10;

function isOn<G extends 'cloud' | 'site'>(
  ground: Ground | undefined,
  side: G,
): ground is ProviderId & { readonly ground: G } {
  return ground?.ground === side;
}

function uidOf(range: PodRangeObject): { readonly uid?: string } {
  return range.metadata.uid === undefined ? {} : { uid: range.metadata.uid };
}
