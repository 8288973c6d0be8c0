import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Netlink } from '#host/netlink/netlink.ts';
import { answerArpForPods, guardRanges, observeUplink, type Uplink } from '#host/node-paths.ts';
import { type Condition, conditionAfter } from '#kube/api/condition.ts';
import {
  type PodRangeObject,
  type PodRangeSpec,
  type PodRangeStatus,
  podNetwork,
  podRanges,
} from '#kube/api/pod-range.ts';
import type { Kube, WatchCache } from '#kube/kube.ts';
import { type WorkQueue, workQueue } from '#kube/work-queue.ts';
import { type Ms, ms, now, seconds, untilAborted } from '#unit/clock.ts';
import { parseCidr } from '#unit/ip.ts';
import { Attachments } from './attachments.ts';
import { claimNode } from './claim.ts';
import { replayPending, serveCni } from './cni-server.ts';
import { conflistName, formatConflist, installFile } from './conflist.ts';
import { Journal } from './ipam/journal.ts';
import { hasUsable, nextRested, useOf } from './ipam/plan-allocation.ts';
import type { Note } from './note.ts';
import { type RangeSeen, readRange, writeRange } from './range-file.ts';

export interface NetworkAgentOptions {
  /** The Node's name; its PodRange has the same. */
  readonly node: string;
  readonly kube: Kube;
  /** Bytes; pods get the smaller of this and the uplink's own. */
  readonly mtu: number;
  /** How long an address rests after its pod. */
  readonly cooldown: Ms;
  /** How long an ADD waits for an address before it is refused; 40 s unless told. The plugin itself waits 60 s. */
  readonly patience?: Ms;
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
  configuration: '/etc/cni/net.d',
} as const;

/**
 * Serves the pods of this node until `stop`: gives them addresses of the node's PodRange, links and routes, and tells the
 * controller what is in use. Goes on with the range that it saw last while the API server is away.
 * @fails what makes serving impossible: an unreadable state folder, a socket that cannot be opened, another agent on this node
 */
export async function runNetworkAgent(options: NetworkAgentOptions, stop: AbortSignal): Promise<void> {
  const { paths, note } = options;
  const giveBackClaim = await claimNode();
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  const { journal, lost } = await Journal.open(join(paths.state, 'addresses.journal'));
  for (const line of lost) note({ line }, 'skipping an unreadable line of the journal');
  const wake = { up: (): void => undefined };
  const attachments = new Attachments({
    journal,
    cooldown: options.cooldown,
    note,
    onChange: () => wake.up(),
  });
  await attachments.recover();
  const agent = new NetworkAgent(options, attachments, await readRange(join(paths.state, rangeFile)));
  await agent.preparePlugin();
  await agent.prepareNode();
  await agent.replayPending();
  const endServing = await agent.serve();
  note({ node: options.node, socket: paths.socket }, 'serving pods');

  const cache = options.kube.cache(podRanges, { fieldSelector: `metadata.name=${options.node}` }, stop);
  const queue = agent.follow(cache);
  wake.up = gathered(() => queue.add(turn));
  await untilAborted(stop);
  await endServing();
  await queue.stop();
  await attachments.close();
  await journal.close();
  agent.close();
  giveBackClaim();
}

const rangeFile = 'pod-range.json';
const turn = 'turn';

class NetworkAgent {
  readonly #options: NetworkAgentOptions;
  readonly #attachments: Attachments;
  readonly #host = new Netlink();
  #range: RangeSeen | undefined;
  #uplink: Uplink | undefined;
  #fault: NetworkFault | undefined | 'not looked yet' = 'not looked yet';
  #everWorked = false;
  /** As the server has them, those of others among them. */
  #conditions: readonly Condition[] = [];
  #reported: { readonly uid: string; readonly status: PodRangeStatus } | undefined;

  constructor(options: NetworkAgentOptions, attachments: Attachments, range: RangeSeen | undefined) {
    this.#options = options;
    this.#attachments = attachments;
    this.#range = range;
  }

  async preparePlugin(): Promise<void> {
    const { plugin, plugins } = this.#options.paths;
    await installFile(plugins, basename(plugin), await readFile(plugin), 0o755);
  }

  /** What does not need the API server: paths of the node, and the configuration that makes it take pods. */
  async prepareNode(): Promise<void> {
    this.#uplink = observeUplink(this.#host);
    const spec = this.#range?.spec;
    const subnet = spec?.subnet === undefined ? undefined : parseCidr(spec.subnet);
    guardRanges(this.#host, subnet === undefined ? [] : [subnet]);
    if (spec?.ground === 'cloud' && this.#uplink !== undefined) answerArpForPods(this.#host, this.#uplink);
    const fault = await this.#lookForFault(spec);
    if (!isDeepStrictEqual(this.#fault, fault))
      this.#options.note({ ...fault }, fault === undefined ? 'the network works' : 'the network does not work');
    this.#fault = fault;
    // Never taken away again: without it the runtime could not even stop a pod.
    if (fault === undefined) await this.#configureRuntime();
    this.#everWorked ||= fault === undefined;
  }

  async replayPending(): Promise<void> {
    await replayPending(join(this.#options.paths.state, 'cni-pending'), {
      attachments: this.#attachments,
      note: this.#options.note,
    });
  }

  serve(): Promise<() => Promise<void>> {
    return serveCni({
      attachments: this.#attachments,
      socket: this.#options.paths.socket,
      note: this.#options.note,
      pool: () => ({ spec: this.#range?.spec, mtu: this.#podMtu() }),
      worked: () => this.#everWorked,
      patience: this.#options.patience ?? seconds(40),
    });
  }

  follow(cache: WatchCache<PodRangeObject>): WorkQueue {
    let synced = false;
    const queue = workQueue({
      tend: () => this.#tend(synced ? cache : undefined),
      onError: (error, { wait }) =>
        this.#options.note({ fault: (error as Error).message, again: wait }, 'tending the node network'),
      backoff: { first: seconds(1), most: seconds(15) },
    });
    cache.synced.then(
      () => {
        synced = true;
        queue.add(turn);
      },
      // Only when the agent is stopping.
      () => undefined,
    );
    cache.onChange(() => queue.add(turn));
    queue.add(turn);
    return queue;
  }

  close(): void {
    this.#host.close();
  }

  async #tend(cache: WatchCache<PodRangeObject> | undefined): Promise<{ readonly again: Ms }> {
    if (cache !== undefined) await this.#take(cache.get({ name: this.#options.node }));
    await this.prepareNode();
    // A plugin that found nobody a moment ago may have written its DEL after the first look.
    await this.replayPending();
    if (cache !== undefined) await this.#report();
    const rested = nextRested(this.#attachments.ledger, now());
    return { again: ms(Math.min(lookAgain, rested === undefined ? lookAgain : Math.max(50, rested - now()))) };
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
    this.#range = seen;
    this.#options.note({ generation: seen?.generation, spec: seen?.spec }, 'taking a new pod range');
  }

  async #report(): Promise<void> {
    const range = this.#range;
    if (range === undefined) return;
    const { inUse, free, held, resting, released } = useOf(range.spec, this.#attachments.ledger, now());
    const fault = this.#fault === 'not looked yet' ? undefined : this.#fault;
    const { generation, uid } = range;
    const status: PodRangeStatus = {
      inUse,
      free,
      held: [...held],
      resting: [...resting],
      released: [...released],
      network: fault === undefined ? 'working' : 'starting',
      observedGeneration: generation,
      conditions: [
        conditionAfter(
          this.#conditions,
          {
            type: podNetwork,
            status: fault === undefined ? 'True' : 'False',
            observedGeneration: generation,
            reason: fault?.reason ?? 'Working',
            message: fault?.message ?? 'pods of this node have a network',
          },
          new Date(now()).toISOString(),
        ),
      ],
    };
    if (isDeepStrictEqual(this.#reported, { uid, status })) return;
    // By apply: other writers' conditions stay in the list.
    const written = await this.#options.kube.apply(
      podRanges,
      { metadata: { name: this.#options.node, uid }, status },
      { manager: 'isthmus-agent', force: true, subresource: 'status' },
    );
    this.#conditions = written.status?.conditions ?? [];
    this.#reported = { uid, status };
  }

  async #configureRuntime(): Promise<void> {
    const { configuration } = this.#options.paths;
    await mkdir(configuration, { recursive: true });
    if (await installFile(configuration, conflistName, Buffer.from(formatConflist()), 0o644))
      this.#options.note({ configuration: join(configuration, conflistName) }, 'the node takes pods');
  }

  /** The first thing that keeps pods from having a network; `undefined` when nothing does. */
  async #lookForFault(spec: PodRangeSpec | undefined): Promise<NetworkFault | undefined> {
    if (spec === undefined)
      return { reason: 'NoPodRange', message: 'this node has no PodRange yet; the controller gives it one' };
    if (!hasUsable(spec))
      return { reason: 'NoAddress', message: 'its PodRange has no usable address yet; the controller asks for some' };
    if (this.#uplink === undefined)
      return { reason: 'NoUplink', message: 'this node has no default route; add one that leads to its gateway' };
    const forwards = (await readFile('/proc/sys/net/ipv4/ip_forward', 'utf8')).trim() === '1';
    if (forwards) return undefined;
    return {
      reason: 'ForwardingOff',
      message: 'net.ipv4.ip_forward is 0; set it to 1: sysctl -w net.ipv4.ip_forward=1',
    };
  }

  #podMtu(): number | undefined {
    return this.#uplink === undefined ? undefined : Math.min(this.#uplink.mtu, this.#options.mtu);
  }
}

/** Why pods of this node have no network, and what helps; published as a condition. */
interface NetworkFault {
  readonly reason: string;
  readonly message: string;
}

/** Many pods come at once: one report for all of them, and none of its work between their ADDs. */
function gathered(act: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      act();
    }, 100);
  };
}

/** Pause between looks at the queue of DELs and at the uplink. */
const lookAgain = seconds(15);
