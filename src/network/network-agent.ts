import { mkdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { SharedCaches } from '#capability/controller-part.ts';
import { serveHealth } from '#capability/health.ts';
import type { Peer } from '#host/knock-tcp.ts';
import { type Condition, conditionAfter } from '#kube/api/condition.ts';
import {
  type PodRangeObject,
  type PodRangeSpec,
  type PodRangeStatus,
  podConflicts,
  podInterfaces,
  podNetwork,
  podRanges,
  podRoutes,
} from '#kube/api/pod-range.ts';
import type { Kube, KubeObject, WatchCache } from '#kube/kube.ts';
import { type NodeObject, namespaces, nodes } from '#kube/resources.ts';
import { type WorkQueue, workQueue } from '#kube/work-queue.ts';
import { type Ms, minutes, ms, now, seconds, sinceBoot, untilAborted, uptime } from '#unit/clock.ts';
import { cniConfigurationFolder } from '#unit/cni-folder.ts';
import { type Ip, ip, parseCidr } from '#unit/ip.ts';
import { AddressWaits } from './address-waits.ts';
import { Attachments } from './attachments.ts';
import { explainConflicts } from './bridged/plan-watch.ts';
import type { NetworkFault } from './choose-fault.ts';
import { claimNode } from './claim.ts';
import { replayPending, serveCni } from './cni-server.ts';
import { installFile } from './conflist.ts';
import { Journal } from './ipam/journal.ts';
import { nextRested, useOf } from './ipam/plan-allocation.ts';
import { Neighbours } from './neighbours.ts';
import { NodeNetwork } from './node-network.ts';
import type { Note } from './note.ts';
import { servableSpec } from './plan-interfaces.ts';
import { opensMetadata, planMetadataAccess } from './plan-metadata-access.ts';
import { explainRangeChange } from './plan-range-change.ts';
import type { Way } from './plan-way.ts';
import { type RangeSeen, readRange, writeRange } from './range-file.ts';
import { planNeighbours } from './routes/plan-neighbours.ts';
import { WayProbe } from './way-probe.ts';

export interface NetworkAgentOptions {
  /** The Node's name; its PodRange has the same. */
  readonly node: string;
  /** The Node's own address. */
  readonly address: Ip;
  readonly kube: Kube;
  /** The copy of all Nodes that the parts of an agent share; asked for on a machine of the site alone. */
  readonly nodes: SharedCaches['nodes'];
  /** Where the API server answers. */
  readonly api: Peer;
  /** Bytes; pods get the smaller of this and the uplink's own. */
  readonly mtu: number;
  /** How long an address rests after its pod. */
  readonly cooldown: Ms;
  /** How long an ADD waits for an address before it is refused; 40 s unless told. The plugin itself waits 60 s. */
  readonly patience?: Ms;
  /** Addresses at which this node's surroundings serve metadata of machines; pods must not reach them. */
  readonly metadata: readonly Ip[];
  /** On loopback: `/healthz` and `/readyz`. */
  readonly healthPort: number;
  /** Pause between looks at the node; 15 s unless told. */
  readonly lookEvery?: Ms;
  readonly paths: AgentPaths;
  readonly note: Note;
}

export interface AgentPaths {
  readonly socket: string;
  /** Folder for the journal, the range seen last and the queue of DELs. */
  readonly state: string;
  /** The plugin to install, and the folder that the runtime looks in. */
  readonly plugin: string;
  readonly plugins: string;
  /** Folder of CNI configuration. */
  readonly configuration: string;
}

export const usualPaths = {
  socket: '/run/isthmus/cni.sock',
  state: '/var/lib/isthmus',
  plugins: '/opt/cni/bin',
  configuration: cniConfigurationFolder,
} as const;

/**
 * Serves the pods of this node until `stop`: gives them addresses of the node's PodRange, links and routes, and tells the
 * controller what is in use. Goes on with the range that it saw last while the API server is away.
 * @fails what makes serving impossible: an unreadable state folder, a socket that cannot be opened, another agent on this node
 */
export async function runNetworkAgent(options: NetworkAgentOptions, stop: AbortSignal): Promise<void> {
  const { paths, note } = options;
  const giveBackClaim = await claimNode(join(dirname(paths.socket), 'agent.lock'));
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  const { journal, lost } = await Journal.open(join(paths.state, 'addresses.journal'), options.cooldown);
  for (const line of lost) note({ line }, 'skipping an unreadable line of the journal');
  const wake = { up: (): void => undefined };
  const attachments = new Attachments({
    journal,
    cooldown: options.cooldown,
    note,
    onChange: () => wake.up(),
  });
  await attachments.recover();
  const neighbours = await Neighbours.open(
    {
      kube: options.kube,
      nodes: options.nodes,
      file: join(paths.state, 'neighbours.json'),
      note,
      onChange: () => wake.up(),
    },
    stop,
  );
  const range = await readRange(join(paths.state, rangeFile), note);
  const agent = new NetworkAgent(options, attachments, neighbours, range, () => wake.up());
  const health = await serveHealth(agent.health, { port: options.healthPort });
  await agent.preparePlugin();
  await agent.tendNode();
  await agent.replayPending();
  const endServing = await agent.serve();
  note({ node: options.node, socket: paths.socket }, 'serving pods');

  const queue = agent.follow(stop);
  wake.up = gathered(() => queue.add(turn));
  await untilAborted(stop);
  await endServing();
  await queue.stop();
  await attachments.close();
  await journal.close();
  await health.close();
  agent.close();
  giveBackClaim();
}

const rangeFile = 'pod-range.json';
const turn = 'turn';
const way = 'way';

class NetworkAgent {
  readonly #options: NetworkAgentOptions;
  readonly #attachments: Attachments;
  readonly #neighbours: Neighbours;
  readonly #network: NodeNetwork;
  readonly #probe: WayProbe;
  readonly #waits = new AddressWaits();
  #range: RangeSeen | undefined;
  #fault: NetworkFault | undefined | 'not looked yet' = 'not looked yet';
  #way: Way = 'unknown';
  #everWorked = false;
  #serving = false;
  /** Namespaces whose pods may reach the metadata servers; none before the API server has told. */
  #open: ReadonlySet<string> = new Set();
  /** By the monotonic clock: the wall clock may be set back. */
  #looked: { readonly at: number; readonly range: RangeSeen | undefined } | undefined;
  /** As the server has them, those of others among them. */
  #conditions: readonly Condition[] = [];
  #reported: { readonly uid: string; readonly status: PodRangeStatus } | undefined;

  constructor(
    options: NetworkAgentOptions,
    attachments: Attachments,
    neighbours: Neighbours,
    range: RangeSeen | undefined,
    wake: () => void,
  ) {
    this.#options = options;
    this.#attachments = attachments;
    this.#neighbours = neighbours;
    this.#range = range;
    const { address, note } = options;
    const metadata = [...options.metadata, commonMetadata];
    this.#network = new NodeNetwork({
      address,
      metadata,
      note,
      configuration: options.paths.configuration,
      held: () => new Set([...attachments.ledger.held.values()].map((held) => held.ip)),
      onChange: () => {
        this.#waits.lookAgain();
        wake();
      },
    });
    this.#probe = new WayProbe(this.#network.host);
  }

  /** Alive while it looks at its node now and then; that needs no API server. */
  readonly health = {
    live: (): string | undefined => {
      if (this.#looked === undefined || performance.now() - this.#looked.at < deadAfter) return undefined;
      return 'the node was not looked at for 3 minutes';
    },
    ready: (): string | undefined => {
      if (!this.#serving) return 'not serving yet';
      return this.#fault === undefined || this.#fault === 'not looked yet' ? undefined : this.#fault.message;
    },
  };

  async preparePlugin(): Promise<void> {
    const { plugin, plugins } = this.#options.paths;
    await installFile(plugins, basename(plugin), await readFile(plugin), 0o755);
  }

  /** What does not need the API server: paths of the node, and the configuration that makes it take pods. */
  async tendNode(): Promise<void> {
    const range = this.#range;
    const fault = await this.#network.tend({
      spec: range?.spec,
      neighbours: (uplink) => (range?.spec.ground === 'site' ? planNeighbours(this.#neighbours.routes, uplink) : []),
      allowed: this.#allowed,
    });
    if (!isDeepStrictEqual(this.#fault, fault))
      this.#options.note({ ...fault }, fault === undefined ? 'the network works' : 'the network does not work');
    this.#fault = fault;
    if (fault === undefined) await this.#network.configureRuntime();
    this.#everWorked ||= fault === undefined;
    this.#looked = { at: performance.now(), range };
  }

  async replayPending(): Promise<void> {
    await replayPending(join(this.#options.paths.state, 'cni-pending'), {
      attachments: this.#attachments,
      note: this.#options.note,
    });
  }

  async serve(): Promise<() => Promise<void>> {
    const end = await serveCni({
      attachments: this.#attachments,
      socket: this.#options.paths.socket,
      note: this.#options.note,
      pool: () => ({ spec: this.#servable, mtu: this.#podMtu() }),
      guard: () => this.#network.openTo(this.#allowed),
      arrived: (address) => this.#network.bridged.arrived(address),
      worked: () => this.#everWorked,
      waits: this.#waits,
      patience: this.#options.patience ?? seconds(40),
    });
    this.#serving = true;
    return end;
  }

  follow(stop: AbortSignal): WorkQueue {
    const { kube, node, note } = this.#options;
    const only = { fieldSelector: `metadata.name=${node}` };
    const own = { range: kube.cache(podRanges, only, stop), node: kube.cache(nodes, only, stop, conditionsAlone) };
    let synced = false;
    const queue = workQueue({
      tend: (key) => (key === way ? this.#tendWay(() => queue.add(turn)) : this.#tend(synced ? own : undefined)),
      workers: 2,
      onError: (error, { wait }) => note({ fault: (error as Error).message, again: wait }, 'tending the node network'),
      backoff: { first: seconds(1), most: seconds(15) },
    });
    Promise.all([own.range.synced, own.node.synced]).then(
      () => {
        synced = true;
        queue.add(turn);
      },
      // Only when the agent is stopping.
      () => undefined,
    );
    for (const cache of [own.range, own.node]) cache.onChange(() => queue.add(turn));
    const open = kube.cache(namespaces, {}, stop, openNamespace);
    open.onChange(() => {
      this.#open = new Set(open.list().flatMap((name) => name ?? []));
      if (!this.#network.isOpenTo(this.#allowed)) queue.add(turn);
    });
    queue.add(turn);
    queue.add(way);
    return queue;
  }

  close(): void {
    this.#network.close();
  }

  async #tend(own: OwnCaches | undefined): Promise<{ readonly again: Ms }> {
    if (own !== undefined) await this.#take(own.range.get({ name: this.#options.node }));
    // Addresses have come with the range, or have rested since the last turn.
    this.#waits.lookAgain();
    if (this.#range?.spec.ground === 'site') await this.#neighbours.tend();
    const { note } = this.#options;
    try {
      // Pods come and go many times a second; the node itself changes seldom.
      if (this.#isDue()) await this.tendNode();
    } catch (e) {
      // What was seen is told all the same, and the next turn looks again.
      this.#looked = undefined;
      note({ fault: (e as Error).message }, 'looking at the node');
      this.#fault = { reason: 'LookFailed', message: `looking at the node's network fails: ${(e as Error).message}` };
    }
    // A plugin that found nobody a moment ago may have written its DEL after the first look.
    await this.replayPending();
    if (own !== undefined) {
      await this.#report();
      await this.#reportNode(own.node.get({ name: this.#options.node }));
    }
    const at = sinceBoot();
    const rested = nextRested(this.#attachments.ledger, at);
    return {
      again: ms(Math.min(this.#lookEvery, rested === undefined ? this.#lookEvery : Math.max(50, rested - at))),
    };
  }

  get #servable(): PodRangeSpec | undefined {
    const { spec } = this.#range ?? {};
    return spec && this.#network.bridged.servable(servableSpec(spec, this.#network.interfaces.ready));
  }

  get #allowed(): readonly Ip[] {
    return planMetadataAccess(this.#attachments.ledger, this.#open);
  }

  get #lookEvery(): Ms {
    return this.#options.lookEvery ?? seconds(15);
  }

  #isDue(): boolean {
    if (this.#looked === undefined || performance.now() - this.#looked.at >= this.#lookEvery) return true;
    if (!this.#network.isOpenTo(this.#allowed)) return true;
    if (this.#network.interfaces.faults.length > 0) return true;
    return this.#fault !== undefined || this.#looked.range !== this.#range;
  }

  /** On disk first: what the node answers to a range must bind it after a restart too. */
  async #take(object: PodRangeObject | undefined): Promise<void> {
    this.#conditions = object?.status?.conditions ?? [];
    const seen = object && {
      uid: object.metadata.uid ?? '',
      generation: object.metadata.generation ?? 0,
      spec: object.spec,
    };
    if (isDeepStrictEqual(seen, this.#range)) return;
    await writeRange(join(this.#options.paths.state, rangeFile), seen);
    const change = explainRangeChange(this.#range, seen);
    this.#range = seen;
    this.#options.note({ generation: seen?.generation, ...change }, 'taking a new pod range');
  }

  async #report(): Promise<void> {
    const range = this.#range;
    if (range === undefined) return;
    const spec = this.#network.bridged.servable(servableSpec(range.spec, this.#network.interfaces.ready));
    const { inUse, free, held, resting, released } = useOf(spec, this.#attachments.ledger, sinceBoot());
    const fault = this.#fault === 'not looked yet' ? undefined : this.#fault;
    const { generation, uid } = range;
    const status: PodRangeStatus = {
      inUse,
      free,
      held: [...held],
      resting: [...resting],
      released: [...released],
      ...(spec.bridged !== undefined && {
        conflicts: this.#network.bridged.conflicts.map(({ ip, mac }) => ({ ip, mac })),
      }),
      network: fault === undefined ? 'working' : 'starting',
      observedGeneration: generation,
      conditions: [...this.#conditionsOf(fault, generation)],
    };
    if (isDeepStrictEqual(this.#reported, { uid, status })) return;
    // By apply: other writers' conditions stay in the list.
    const written = await this.#options.kube.apply(
      podRanges,
      { metadata: { name: this.#options.node, uid }, status },
      { manager, force: true, subresource: 'status' },
    );
    this.#conditions = written.status?.conditions ?? [];
    this.#reported = { uid, status };
  }

  #conditionsOf(fault: NetworkFault | undefined, observedGeneration: number): readonly Condition[] {
    const at = new Date(now()).toISOString();
    const network = {
      type: podNetwork,
      status: fault === undefined ? 'True' : 'False',
      observedGeneration,
      reason: fault?.reason ?? 'Working',
      message: fault?.message ?? 'the pod network of this node works',
    } as const;
    const way = this.#way;
    const routes = {
      type: podRoutes,
      status: way === 'open' ? 'True' : 'False',
      observedGeneration,
      reason: way === 'open' ? 'Working' : 'NoWayBack',
      message: typeof way === 'object' ? way.fault : 'replies to pods arrive from beyond the gateway',
    } as const;
    const { faults, ready } = this.#network.interfaces;
    const interfaces = {
      type: podInterfaces,
      status: faults.length === 0 ? 'True' : 'False',
      observedGeneration,
      reason: faults.length === 0 ? 'Working' : 'InterfaceMissing',
      message: faults.length === 0 ? 'the node has all its network interfaces' : formatFaults(faults),
    } as const;
    const foreign = explainConflicts(this.#network.bridged.conflicts);
    const conflicts = {
      type: podConflicts,
      status: foreign === undefined ? 'True' : 'False',
      observedGeneration,
      reason: foreign === undefined ? 'Working' : 'ForeignUse',
      message: foreign ?? 'no other machine uses addresses of pods of this node',
    } as const;
    const said = [
      network,
      ...(way === 'unknown' ? [] : [routes]),
      ...(faults.length + ready.size === 0 ? [] : [interfaces]),
      ...(this.#range?.spec.bridged === undefined ? [] : [conflicts]),
    ];
    return said.map((one) => conditionAfter(this.#conditions, one, at));
  }

  /**
   * Tells everybody who looks at Nodes, and the scheduler by the taint that Kubernetes derives from it: no new pods come here while
   * pods have no network, and those that run are left alone.
   */
  async #reportNode(seen: NodeObject | undefined): Promise<void> {
    if (seen === undefined || this.#fault === 'not looked yet') return;
    const fault = this.#fault;
    const said = {
      type: 'NetworkUnavailable',
      status: fault === undefined ? ('False' as const) : ('True' as const),
      reason: fault?.reason ?? 'Working',
      message: fault?.message ?? 'the pod network of this node works',
    };
    const before = seen.status?.conditions?.find(({ type }) => type === said.type);
    if (before?.status === said.status && before.reason === said.reason && before.message === said.message) return;
    const at = new Date(now()).toISOString();
    const lastTransitionTime = before?.status === said.status ? (before.lastTransitionTime ?? at) : at;
    const condition = { ...said, lastHeartbeatTime: at, lastTransitionTime };
    await this.#options.kube.apply(
      nodes,
      { metadata: { name: this.#options.node }, status: { conditions: [condition] } },
      { manager, force: true, subresource: 'status' },
    );
  }

  async #tendWay(onChange: () => void): Promise<{ readonly again: Ms }> {
    const spec = this.#range?.spec;
    const subnet = spec?.subnet === undefined ? undefined : parseCidr(spec.subnet);
    const { uplink } = this.#network;
    if (subnet === undefined || uplink === undefined) return { again: this.#lookEvery };
    const kubelets = this.#neighbours.nodes.map((address): Peer => ({ address, port: 10_250 }));
    const way = await this.#probe.look(subnet, uplink, [this.#options.api, ...kubelets]);
    if (isDeepStrictEqual(way, this.#way)) return { again: this.#lookEvery };
    this.#way = way;
    this.#options.note({ way }, 'return path of pods beyond the gateway');
    onChange();
    return { again: this.#lookEvery };
  }

  #podMtu(): number | undefined {
    return this.#network.uplink && Math.min(this.#network.uplink.mtu, this.#options.mtu);
  }
}

/**
 * Many pods come at once: the first is told soon, those that follow once a second and together. Each report costs the API server,
 * the controller and this node some milliseconds, which the pods themselves need then; who waits for an address waits for no report.
 */
function gathered(act: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let next = uptime();
  return () => {
    timer ??= setTimeout(
      () => {
        timer = undefined;
        next = ms(uptime() + seconds(1));
        act();
      },
      Math.max(100, next - uptime()),
    );
  };
}

interface OwnCaches {
  readonly range: WatchCache<PodRangeObject>;
  readonly node: WatchCache<NodeObject>;
}

function conditionsAlone({ metadata: { name }, status }: NodeObject): NodeObject {
  const conditions = (status?.conditions ?? []).filter(({ type }) => type === 'NetworkUnavailable');
  return { metadata: { name }, status: { conditions } };
}

function openNamespace({ metadata: { name, annotations } }: KubeObject): string | undefined {
  return opensMetadata(annotations) ? name : undefined;
}

/** Where most clouds and OpenStack serve metadata, a site's own perhaps among them. */
const commonMetadata = ip('169.254.169.254');

/** Field manager of what an agent writes. */
const manager = 'isthmus-agent';

const deadAfter = minutes(3);

function formatFaults(faults: readonly string[]): string {
  return `${faults.join('; ')}; its addresses go to no pod until the machine has it. Attach it again, or detach it in the cloud as well`;
}
