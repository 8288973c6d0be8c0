import type { Cidr } from '#unit/ip.ts';
import type { Script } from '../engine/script.ts';
import type { WorldCaller } from '../engine/world-caller.ts';
import type { Action } from './declare.ts';
import type { LimitKind } from './limits.ts';
import type { GatewayState } from './state.ts';

/**
 * One product of the cloud: what it remembers, what it answers and what it does to the world. The list of them is in products.ts.
 * @shape State: all that it reads, its neighbours' part included; Cloud: what its actions get
 */
export interface Product<State extends GatewayState, World, Works, Cloud> {
  /** Its part of a new account's state. */
  newState(beginning: Beginning): object;
  readonly limits: Readonly<Record<string, LimitKind<State>>>;
  readonly actions: Readonly<Record<string, Action<Cloud>>>;
  /** What it does to the world. Takes nothing up yet: that is each work's `resume`. */
  work(place: WorkPlace<State, World, Works>): Readonly<Record<string, Work>>;
  /** What it has, for people and for labels. */
  objects(state: State): readonly CloudObject[];
  /** Its part of a world for tests of the API alone. @shape others: the parts of all products, complete when the first call comes */
  remember(script: Script, others: object): object;
}

/** What a new account has from the beginning. */
export interface Beginning {
  /** Unix seconds. */
  readonly createdAt: number;
  readonly vpc: {
    readonly id: string;
    readonly name: string;
    readonly network: Cidr;
    /** What lies behind a leased line, none if left out. */
    readonly hybrid?: readonly Cidr[];
    readonly subnets: readonly { readonly id: string; readonly name: string; readonly cidr: Cidr }[];
  };
  readonly images: readonly { readonly id: string; readonly name: string; readonly sizeGib: number }[];
}

/** A product that only answers, from what others have. */
export const bare = {
  newState: () => ({}),
  limits: {},
  work: () => ({}),
  objects: () => [],
  remember: () => ({}),
};

export interface WorkPlace<State, World, Works> {
  readonly state: State;
  readonly region: string;
  readonly caller: WorldCaller<World>;
  /** What other products do to the world: complete when the first work is done, not while the works are made. */
  readonly works: Works;
}

export interface Work {
  /** Takes up what a snapshot was made in the middle of. */
  resume(): void;
}

/** One object of the simulated cloud, as a row for people. */
export interface CloudObject {
  readonly kind: string;
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly where: string;
  /** As labels name its type; absent: no label can be bound to it. */
  readonly labelType?: string;
}
