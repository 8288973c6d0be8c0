import type { Cloud } from '#cloud/cloud.ts';
import { CloudError, type CloudFailure, explainFailure } from '#cloud/failure.ts';
import { retryAdvice } from '#cloud/retry-advice.ts';
import { type PodRangeObject, type PodRangeSpec, podRanges } from '#kube/api/pod-range.ts';
import { type Kube, KubeError, type WatchCache } from '#kube/kube.ts';
import { nodes } from '#kube/resources.ts';
import { workQueue } from '#kube/work-queue.ts';
import { type Ms, minutes, ms, now, seconds, untilAborted } from '#unit/clock.ts';
import { type Cidr, cidr, formatCidr, type Ip, overlaps, parseIp } from '#unit/ip.ts';
import type { ProviderId } from '#unit/provider-id.ts';
import type { Note } from '../note.ts';
import { CloudView, callLimit } from './cloud-view.ts';
import type { Ground } from './ground.ts';
import { type NodeSeen, nodeSeen } from './node-seen.ts';
import {
  type PodRangeSeen,
  type PodRangeStep,
  planPodRange,
  type RangePolicy,
  specAfter,
  withAddresses,
  withoutAddresses,
} from './plan-pod-ranges.ts';

export interface PodRangeControllerOptions {
  readonly kube: Kube;
  readonly cloud: Cloud;
  /** The ownership mark of this cluster: a machine without it is none of ours. */
  readonly mark: string;
  /** Ranges that no pod range may touch: VPC, Services, site. */
  readonly reserved: readonly Cidr[];
  readonly policy: Pick<RangePolicy, 'sitePods' | 'perMachine' | 'warm'>;
  readonly note: Note;
  readonly pace?: Partial<Pace>;
}

export interface Pace {
  /** How often a machine's addresses are compared with the ledger; 5 min unless told. */
  readonly audit: Ms;
  /** How long an address must be missing from the cloud's lists before it counts as lost; 1 min unless told. */
  readonly lostAfter: Ms;
  /** How long a cloud that has no more to give is left alone; 1 min unless told. */
  readonly refused: Ms;
}

/**
 * Keeps one PodRange for each Node until `end`: the only writer of their specs. Start it under the leader's lease alone.
 * A crash between any two of its writes leaks nothing and gives nothing twice: what the cloud gave and nobody wrote down is
 * adopted at the next audit, and what is to go back is first marked, then answered for by the node, then given back, then forgotten.
 */
export async function runPodRangeController(options: PodRangeControllerOptions, end: AbortSignal): Promise<void> {
  const nodeCache = options.kube.cache(nodes, {}, end, nodeSeen);
  const rangeCache = options.kube.cache(podRanges, {}, end);
  await Promise.all([nodeCache.synced, rangeCache.synced]);
  const controller = new PodRangeController(options, nodeCache, rangeCache, end);
  const queue = workQueue({
    tend: (node) => controller.tend(node),
    workers: 8,
    onError: (error, { key, failures, wait }) =>
      options.note({ node: key, fault: (error as Error).message, failures, again: wait }, 'tending a pod range failed'),
    backoff: { first: seconds(1), most: minutes(1) },
  });
  nodeCache.onChange((key) => queue.add(key));
  rangeCache.onChange((key) => queue.add(key));
  for (const { name } of nodeCache.list()) queue.add(name);
  for (const { metadata } of rangeCache.list()) queue.add(metadata.name);
  await untilAborted(end);
  await queue.stop();
}

class PodRangeController {
  readonly #options: PodRangeControllerOptions;
  readonly #nodes: WatchCache<NodeSeen>;
  readonly #ranges: WatchCache<PodRangeObject>;
  readonly #end: AbortSignal;
  readonly #pace: Pace;
  readonly #policy: RangePolicy;
  readonly #view: CloudView;
  /** The reason for holding that was told last, by node. */
  readonly #told = new Map<string, string>();
  /** Two subnets are never chosen at the same time. */
  #assigning: Promise<unknown> = Promise.resolve();

  constructor(
    options: PodRangeControllerOptions,
    nodeCache: WatchCache<NodeSeen>,
    rangeCache: WatchCache<PodRangeObject>,
    end: AbortSignal,
  ) {
    this.#options = options;
    this.#nodes = nodeCache;
    this.#ranges = rangeCache;
    this.#end = end;
    this.#pace = { audit: minutes(5), lostAfter: minutes(1), refused: minutes(1), ...options.pace };
    this.#view = new CloudView({ cloud: options.cloud, mark: options.mark, ...this.#pace });
    this.#policy = {
      ...options.policy,
      settle: options.cloud.addresses.settle,
      lostAfter: this.#pace.lostAfter,
    };
  }

  async tend(name: string): Promise<{ readonly again: Ms } | undefined> {
    const node = this.#nodes.get({ name });
    const range = await this.#options.kube.get(podRanges, { name });
    if (node === undefined) this.#view.forget(name);
    if (node?.ground.ground === 'site' && range === undefined) {
      const mine = this.#assigning.then(() => this.#turn(name, node.ground, undefined));
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
    const cloud = isOn(ground, 'cloud') ? await this.#view.observe(name, ground, range) : undefined;
    const taken = await this.#observeTaken(name, isOn(ground, 'site') && range === undefined);
    const seen: PodRangeSeen = { node: name, ground, range, cloud, taken, at: now() };
    const steps = planPodRange(seen, this.#policy);
    for (const step of steps) this.#tell(name, step);
    await this.#perform(seen, steps);
    return this.#nextLook(name, seen);
  }

  /** Before a subnet is chosen the server is asked and not a cache: one given a moment ago must be among them. */
  async #observeTaken(name: string, choosing: boolean): Promise<PodRangeSeen['taken']> {
    const all = choosing ? await this.#options.kube.list(podRanges) : this.#ranges.list();
    const others = all.filter(({ metadata }) => metadata.name !== name);
    const given = others.flatMap(({ spec }) =>
      // What is on its way back is given to nobody by that node, and may come out of the cloud again for this one.
      (spec.addresses ?? []).filter(({ state }) => state !== 'releasing').flatMap((a) => parseIp(a.ip) ?? []),
    );
    const addresses = new Set<Ip>([...given, ...this.#nodes.list().flatMap((node) => node.addresses)]);
    const subnets = others.flatMap(({ spec }) => (spec.subnet === undefined ? [] : cidr(spec.subnet)));
    const single = [...addresses].map((address) => cidr(`${address}/32`));
    return { ranges: [...this.#options.reserved, ...subnets, ...single], addresses };
  }

  async #perform(seen: PodRangeSeen, steps: readonly PodRangeStep[]): Promise<void> {
    let range = seen.range;
    if (range !== undefined) {
      const spec = specAfter(range.spec, steps, seen.at);
      if (spec !== range.spec) range = await this.#write(range, spec);
    }
    for (const step of steps)
      switch (step.do) {
        case 'assign':
          await this.#assign(seen.node, step.subnet);
          break;
        case 'open':
          await this.#create(seen.node, { ground: 'cloud', addresses: [] });
          break;
        case 'give-back':
          if (range !== undefined) range = await this.#giveBack(range, step.ips);
          break;
        case 'extend':
          if (range !== undefined) range = await this.#extend(range, step.count);
          break;
        case 'drop':
          if (range !== undefined) await this.#drop(range);
          break;
        case 'adopt':
        case 'settle':
        case 'retire':
        case 'hold':
          break;
      }
  }

  /** Looks again after writing: a former leader that woke up late may have chosen the same subnet in the same moment. */
  async #assign(node: string, subnet: Cidr): Promise<void> {
    const made = await this.#create(node, { ground: 'site', subnet: formatCidr(subnet) });
    const twin = (await this.#options.kube.list(podRanges)).find(
      ({ metadata, spec }) =>
        metadata.name !== node && spec.subnet !== undefined && overlaps(cidr(spec.subnet), subnet),
    );
    if (twin === undefined) return;
    await this.#options.kube.delete(podRanges, { name: node }, uidOf(made));
    throw new Error(`assigning ${formatCidr(subnet)} to ${node}: ${twin.metadata.name} got it at the same time`);
  }

  #create(node: string, spec: PodRangeSpec): Promise<PodRangeObject> {
    this.#end.throwIfAborted();
    return this.#options.kube.create(podRanges, { metadata: { name: node }, spec });
  }

  /** First the cloud, then the ledger: after a crash in between the cloud no longer lists it, and it is given back once more. */
  async #giveBack(range: PodRangeObject, ips: readonly Ip[]): Promise<PodRangeObject> {
    const home = this.#view.homeOf(range.metadata.name);
    const done: Ip[] = [];
    const failures: CloudFailure[] = [];
    for (const address of ips) {
      this.#end.throwIfAborted();
      const released = await this.#options.cloud.addresses.release(home, address, { within: callLimit });
      if (released.ok) done.push(address);
      else failures.push(released.failure);
    }
    const written = done.length === 0 ? range : await this.#write(range, withoutAddresses(range.spec, done));
    if (failures[0] !== undefined) throw new CloudError(`giving back addresses of ${range.metadata.name}`, failures[0]);
    return written;
  }

  /** First the cloud, then the ledger: what a crash in between leaves unrecorded is adopted at the next audit. */
  async #extend(range: PodRangeObject, count: number): Promise<PodRangeObject> {
    this.#end.throwIfAborted();
    const { name } = range.metadata;
    const home = this.#view.homeOf(name);
    const given = await this.#options.cloud.addresses.extend(home, count, { within: callLimit });
    if (given.ok) {
      this.#options.note({ node: name, asked: count, given: given.value }, 'the cloud gave addresses');
      return this.#write(range, withAddresses(range.spec, given.value, 'settling', new Date(now()).toISOString()));
    }
    // Whatever happened there, the next turn reads what the cloud has before it asks again.
    this.#view.distrust(name);
    const why = explainFailure(given.failure);
    if (retryAdvice(given.failure) !== 'when-the-world-changes')
      throw new CloudError(`asking for ${count} addresses for ${name}`, given.failure);
    this.#view.refuse(name, why);
    this.#options.note({ node: name, asked: count, why }, 'the cloud gives no more addresses');
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
    for (let base = range, tries = 1; ; tries++) {
      this.#end.throwIfAborted();
      try {
        return await this.#options.kube.replace(podRanges, { ...base, spec });
      } catch (e) {
        if (!(e instanceof KubeError) || e.status !== 409 || tries === mostTries) throw e;
        const fresh = await this.#options.kube.get(podRanges, { name: range.metadata.name });
        if (fresh === undefined || fresh.metadata.uid !== range.metadata.uid) throw e;
        if (fresh.metadata.generation !== range.metadata.generation) throw e;
        base = fresh;
      }
    }
  }

  /** When time alone changes what is to be done; each writing step comes back by the watch. */
  #nextLook(name: string, seen: PodRangeSeen): { readonly again: Ms } | undefined {
    if (!isOn(seen.ground, 'cloud')) return undefined;
    if (seen.cloud?.state !== 'known') return { again: seconds(15) };
    const settled = (seen.range?.spec.addresses ?? [])
      .filter(({ state }) => state === 'settling')
      .map(({ since }) => Date.parse(since) + this.#policy.settle);
    // What was due when we looked is done, or waits for somebody else.
    const ahead = [...this.#view.dues(name, seen.at), ...settled].filter((due) => due > seen.at);
    return { again: ms(Math.max(50, Math.min(...ahead, seen.at + this.#pace.audit) - now())) };
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
