import type { RequestListener } from 'node:http';
import { type Ms, sleep } from '#unit/clock.ts';
import { cidr } from '#unit/ip.ts';
import { drawLatency } from './engine/latency.ts';
import { createWorkQueue } from './engine/work-queue.ts';
import type { WorldCaller, WorldNote } from './engine/world-caller.ts';
import type { Action } from './gateway/declare.ts';
import type { Account } from './gateway/desk.ts';
import { type Call, createGateway } from './gateway/gateway.ts';
import type { Limits } from './gateway/limits.ts';
import { createPace } from './gateway/pace.ts';
import { createPlantedFaults, type PlantedFaults } from './gateway/planted-faults.ts';
import type { Beginning, CloudObject, Work } from './gateway/product.ts';
import { changeLimits, type LimitChange, usageOf } from './limits.ts';
import { type Cloud, products, type State, type Works, type World } from './products.ts';
import { createMetadata } from './uhost/metadata.ts';

export interface UcloudOptions {
  readonly world: World;
  readonly account: Account;
  readonly vpc: Beginning['vpc'];
  readonly images: Beginning['images'];
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

export interface Ucloud extends Omit<PlantedFaults<State>, 'frozenAt'> {
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
  readonly used: Readonly<Record<string, number>>;
}

/** A simulated UCloud: one account, one project, one region, real waits, and a world that does what the API says. */
export function createUcloud(options: UcloudOptions): Ucloud {
  const state = {
    ...newState({ ...options, createdAt: Math.floor(Date.now() / 1000) }),
    ...structuredClone(options.restore),
  };
  const calls: Call[] = [];
  const closing = new AbortController();
  const keep = async (): Promise<void> => options.keep?.(state);
  const changed = (): void => void keep();
  const caller = createCaller(options, state, closing.signal, changed);
  const { frozenAt, ...faults } = createPlantedFaults(state, { seed: options.seed, now: caller.now, changed });
  const works = createWorks(state, options.account.region, caller);
  const cloud: Cloud = {
    account: options.account,
    state,
    ...works,
    bounds: {
      userData: options.userDataLimit ?? 16_384,
      secondaryAddresses: options.secondaryAddressLimit ?? 110,
    },
    pace: createPace(),
    now: caller.now,
    wait: caller.wait,
    frozenAt,
    elsewhere: emptyState(),
    keep,
    objects: objectsOf,
  };
  return {
    api: createGateway<State, Cloud>(cloud, actions, (call) => {
      calls.push(call);
      if (calls.length > mostCalls) calls.shift();
      options.log({ kind: 'call', ...call });
    }),
    metadata: createMetadata({ state, account: options.account, now: caller.now, changed }),
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

const actions: ReadonlyMap<string, Action<Cloud>> = new Map(
  products.flatMap((product) => Object.entries<Action<Cloud>>(product.actions)),
);

function createCaller(
  { world, speed, log, clock = { now: Date.now, sleep } }: UcloudOptions,
  state: State,
  closing: AbortSignal,
  changed: () => void,
): WorldCaller<World> {
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

function newState({ seed, ...beginning }: Beginning & { readonly seed: number }): State {
  const gateway = { chance: { seed }, sessions: [], faults: [], faultsPlanted: 0, limits: {} };
  return Object.assign({}, ...products.map((product) => product.newState(beginning)), gateway) as State;
}

/** Takes up at once the work that a restored state was in the middle of. */
function createWorks(state: State, region: string, caller: WorldCaller<World>): Works {
  const works = {} as Works;
  for (const product of products) Object.assign(works, product.work({ state, region, caller, works }));
  for (const work of Object.values<Work>(works)) work.resume();
  return works;
}

/** Everything that the cloud's API would tell, and what it keeps to itself: addresses on their way, machines on their way out. */
export function objectsOf(state: State): readonly CloudObject[] {
  return products.flatMap((product) => product.objects(state));
}

/** Every list that products have, without an entry. */
function emptyState(): State {
  const vpc = { id: '', name: '', network: cidr('0.0.0.0/0'), subnets: [] };
  const state = newState({ seed: 0, createdAt: 0, images: [], vpc });
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => [name, Array.isArray(value) ? [] : value]),
  ) as unknown as State;
}

/** The state of a cloud that a value is, with what a cloud of fewer products lacked; `undefined` when it is none. */
export function parseState(value: unknown): State | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { limits, ...lists } = value as Readonly<Record<string, unknown>>;
  const empty = Object.entries(emptyState()).filter(([, usual]) => Array.isArray(usual));
  const isOne =
    typeof limits === 'object' &&
    Array.isArray(lists.vpcs) &&
    empty.every(([name, usual]) => Array.isArray(lists[name] ?? usual));
  return isOne ? ({ ...Object.fromEntries(empty), ...value } as State) : undefined;
}
