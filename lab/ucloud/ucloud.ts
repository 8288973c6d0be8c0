import type { RequestListener } from 'node:http';
import { type Ms, sleep } from '#unit/clock.ts';
import { type Cidr, formatCidr } from '#unit/ip.ts';
import { drawLatency } from './engine/latency.ts';
import { createWorkQueue } from './engine/work-queue.ts';
import type { WorldCaller, WorldNote } from './engine/world-caller.ts';
import type { Account, Cloud } from './gateway/desk.ts';
import { type Call, createGateway } from './gateway/gateway.ts';
import { createPace } from './gateway/pace.ts';
import { createPlantedFaults, type PlantedFaults } from './gateway/planted-faults.ts';
import type { ImageRecord, State } from './gateway/state.ts';
import { changeLimits, type LimitChange, type Limits, usageOf } from './limits.ts';
import { createMetadata } from './uhost/metadata.ts';
import { defaultTableOf } from './vpc/route-table.ts';
import { createWorks } from './works.ts';
import type { World } from './world.ts';

export interface UcloudOptions {
  readonly world: World;
  readonly account: Account;
  readonly vpc: {
    readonly id: string;
    readonly name: string;
    readonly network: Cidr;
    /** What lies behind a leased line, none if left out. */
    readonly hybrid?: readonly Cidr[];
    readonly subnets: readonly { readonly id: string; readonly name: string; readonly cidr: Cidr }[];
  };
  readonly images: readonly { readonly id: string; readonly name: string; readonly sizeGib: number }[];
  /** 1: as slow as the real one; 0.05: twenty times faster. */
  readonly speed: number;
  /** Ids, request ids and latencies follow from it; unused after `restore`, which has its own. */
  readonly seed: number;
  readonly log: (entry: LogEntry) => void;
  /** Bytes of user data before base64, 16384 if left out. @source UCloud API reference, CreateUHostInstance */
  readonly userDataLimit?: number;
  /** Secondary addresses a machine without elastic interfaces may have; 110, the most Pods of a UK8S node, if left out. */
  readonly secondaryAddressLimit?: number;
  /** Writes the state down; called before a call that changes something is answered, and after work on the world. */
  readonly keep?: (state: Readonly<State>) => Promise<void>;
  /** The computer's own if left out. */
  readonly clock?: Clock;
  /** What an earlier `snapshot` gave; VPC, subnets and images come from it then. */
  readonly restore?: State;
}

/** All time of the cloud comes from here. */
export interface Clock {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** @fails with the signal's reason when it is aborted */
  readonly sleep: (span: Ms, signal: AbortSignal) => Promise<void>;
}

export type LogEntry = ({ readonly kind: 'call' } & Call) | ({ readonly kind: 'world' } & WorldNote);

export interface Ucloud extends Omit<PlantedFaults, 'frozenAt'> {
  /** The API, answered on `/`: for a server on loopback or at the cloud's address. */
  readonly api: RequestListener;
  /** The metadata server; knows the machine that asks by its address. */
  readonly metadata: RequestListener;
  /** The latest calls, oldest first, at most 10,000. */
  readonly calls: () => readonly Call[];
  /** Everything that exists now, as it is: for looking only. */
  readonly objects: () => Readonly<State>;
  /** The whole cloud as one JSON value, to be handed back as `restore`; work in progress is taken up again. */
  readonly snapshot: () => State;
  /** Stops all waiting, and resolves when no call to the world is under way any more. Snapshot afterwards. */
  readonly close: () => Promise<void>;
  readonly limits: () => ShownLimits;
  readonly limit: (change: LimitChange) => void;
}

/** What is limited, and how much of it there is. */
export interface ShownLimits {
  readonly limits: Limits;
  readonly used: ReturnType<typeof usageOf>;
}

/** A simulated UCloud: one account, one project, one region, real waits, and a world that does what the API says. */
export function createUcloud(options: UcloudOptions): Ucloud {
  const state = options.restore === undefined ? newState(options) : structuredClone(options.restore);
  const calls: Call[] = [];
  const closing = new AbortController();
  const keep = async (): Promise<void> => options.keep?.(state);
  const changed = (): void => void keep();
  const caller = createCaller(options, state, closing.signal, changed);
  const { frozenAt, ...faults } = createPlantedFaults(state, { seed: options.seed, now: caller.now, changed });
  const cloud: Cloud = {
    account: options.account,
    state,
    ...createWorks(state, options.account.region, caller),
    bounds: {
      userData: options.userDataLimit ?? 16_384,
      secondaryAddresses: options.secondaryAddressLimit ?? 110,
    },
    pace: createPace(),
    now: caller.now,
    wait: caller.wait,
    frozenAt,
    keep,
  };
  return {
    api: createGateway(cloud, (call) => {
      calls.push(call);
      if (calls.length > mostCalls) calls.shift();
      options.log({ kind: 'call', ...call });
    }),
    metadata: createMetadata(state, options.account),
    calls: () => [...calls],
    objects: () => state,
    ...faults,
    limits: () => ({ limits: state.limits, used: usageOf(state) }),
    limit(change) {
      state.limits = changeLimits(state.limits, change);
      changed();
    },
    snapshot: () => structuredClone(state),
    async close() {
      closing.abort(new Error('the simulated cloud is closed'));
      await caller.queue.idle();
    },
  };
}

const mostCalls = 10_000;

function createCaller(
  { world, speed, log, clock = { now: Date.now, sleep } }: UcloudOptions,
  state: State,
  closing: AbortSignal,
  changed: () => void,
): WorldCaller {
  return {
    world,
    queue: createWorkQueue(),
    latencyOf: (what) => drawLatency(what, speed, state.chance),
    wait: (span) => clock.sleep(span, closing),
    closing,
    now: clock.now,
    note: (entry) => {
      log({ kind: 'world', ...entry });
      changed();
    },
  };
}

function newState({ vpc, images, seed }: UcloudOptions): State {
  const createdAt = Math.floor(Date.now() / 1000);
  const tag = 'Default';
  const hybrid = (vpc.hybrid ?? []).map(formatCidr);
  const routeTable = defaultTableOf({ id: vpc.id, createdAt });
  return {
    chance: { seed },
    vpcs: [{ id: vpc.id, name: vpc.name, tag, networks: [formatCidr(vpc.network)], hybrid, createdAt }],
    subnets: vpc.subnets.map(({ id, name, cidr }) => ({
      id,
      vpc: vpc.id,
      name,
      tag,
      remark: '',
      cidr: formatCidr(cidr),
      routeTable: routeTable.id,
      createdAt,
    })),
    images: images.map((image) => bornImage(image, createdAt)),
    machines: [],
    interfaces: [],
    addresses: [],
    labels: [],
    firewalls: [],
    routeTables: [routeTable],
    secGroups: [],
    sessions: [],
    faults: [],
    faultsPlanted: 0,
    limits: {},
  };
}

function bornImage(image: UcloudOptions['images'][number], createdAt: number): ImageRecord {
  const born = { description: '', tag: 'Default', madeOf: undefined, at: 'Available', trouble: undefined } as const;
  return { ...image, ...born, base: image.id, createdAt };
}
