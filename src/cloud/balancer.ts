import type { Ms } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';
import type { CloudResult } from './failure.ts';
import type { Charge, Leisurely, Marked, Owned, Within } from './owned.ts';

/** A balancer in front of machines and addresses of the cloud, as one look showed it. */
export interface SeenBalancer<Listener> extends Marked {
  readonly id: string;
  readonly name: string;
  /** Unix seconds; 0 when the cloud does not say. */
  readonly createdAt: number;
  readonly vpc: string;
  readonly subnet: string;
  /** Where it answers inside the VPC; `undefined` while the cloud has not given it, or when it has public addresses alone. */
  readonly address: Ip | undefined;
  /** Whether it has public addresses alone or none at all, where that is settled when it is made; absent where they come and go. */
  readonly isPublic?: boolean | undefined;
  /** The addresses that its back ends see; empty or absent where the cloud does not say. */
  readonly senders?: readonly Ip[] | undefined;
  readonly charge: Charge | undefined;
  /** Sorted by port, then protocol. */
  readonly listeners: readonly Listener[];
}

/** A balancer of layer 4. */
export type CloudBalancer = SeenBalancer<CloudListener>;

export interface BalancerWish extends Owned {
  /** For people: 1 to 63 of A-Z, a-z, 0-9, . and -. */
  readonly name: string;
  readonly vpc: string;
  readonly subnet: string;
  readonly charge: Charge;
  /** How many months or years; nothing for `hour`. */
  readonly quantity: number;
  /** Whether it is to have public addresses, for a kind that settles it here; the others do not look at it. */
  readonly isPublic?: boolean | undefined;
}

/** How one port is answered. */
export interface Listening {
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  readonly scheduler: Scheduler;
  /** How long a client keeps its back end, 60 to 900 s; 0 for not at all. */
  readonly sticky: Ms;
  /** Whether the client's address is told by PROXY protocol, which the application must then speak. */
  readonly proxyProtocol: boolean;
  /** The TCP port of a back end that must take a connection, or it gets no traffic. All back ends of a listener are asked on this port. */
  readonly checkPort: number;
}

export const schedulers = ['round-robin', 'source-hash', 'least-connections', 'weighted-least-connections'] as const;
export type Scheduler = (typeof schedulers)[number];

/** `undefined` where the cloud has a value that we never ask for. */
export type Seen<T> = { readonly [K in keyof T]: T[K] | undefined };

export interface CloudListener extends Marked, Seen<Omit<Listening, 'port' | 'protocol'>> {
  readonly id: string;
  readonly protocol: string;
  readonly port: number;
  /** The last port of a range; `port` for a single one. */
  readonly lastPort: number;
  /** Machines first; sorted by machine or address, then port. */
  readonly backEnds: readonly CloudBackEnd[];
}

/** A machine of the cloud, reached at its primary address. */
export interface MachineBackEnd {
  /** The cloud's id of the machine. */
  readonly machine: string;
  readonly address?: undefined;
  readonly port: number;
}

/** An address of the VPC, whoever has it now. */
export interface AddressBackEnd {
  readonly machine?: undefined;
  readonly address: Ip;
  /** Where the address is. */
  readonly vpc: string;
  readonly subnet: string;
  readonly port: number;
}

export type BackEnd = MachineBackEnd | AddressBackEnd;

export type CloudBackEnd = BackEnd & {
  readonly id: string;
  /** As its health check says; `undefined` while it has not. */
  readonly healthy: boolean | undefined;
};

/** `uhost-1:30080`, `10.9.0.7:8080`: what two back ends of one listener never share. */
export function backEndKey(one: BackEnd): string {
  return `${one.machine ?? one.address}:${one.port}`;
}

/**
 * Balancers of one region and project, of one layer. No token exists for what is made: it is found again by mark and owner. What was removed
 * here is neither found nor adopted any more, although the cloud may show it for as long as `lag`.
 * @unit Wish: how a port is to be answered; Listener: how it is, as one look showed it
 */
export interface BalancersOf<Wish, Listener> {
  /** What one balancer takes at most. */
  readonly most: { readonly listeners: number; readonly backEnds: number };
  /** How long a list may lack what was made, or show what was removed. */
  readonly lag: Ms;
  /**
   * Asks for one balancer. Safe to repeat: one with this mark and owner is looked for first, and the oldest adopted.
   * @fails quota · billing · denied · invalid · exhausted · throttled · unavailable · unknown: it may have been made; wait `lag`, then ask again
   */
  create(wish: BalancerWish, opts: Within): Promise<CloudResult<SeenBalancer<Listener>>>;
  /**
   * All balancers that carry the mark, or all of the project without one, with listeners and back ends, sorted by id.
   * @fails denied · throttled · unavailable · unknown
   */
  list(mark: string | undefined, opts: Leisurely): Promise<CloudResult<readonly SeenBalancer<Listener>[]>>;
  /** The balancer with this id, whoever owns it. @fails gone · as list */
  find(id: string, opts: Within): Promise<CloudResult<SeenBalancer<Listener>>>;
  /**
   * Ends the balancer with its listeners. Public addresses that are bound to it stay. Refuses (`denied`) one that does not carry `mark`.
   * @fails gone is success · as list
   */
  remove(this: void, id: string, mark: string, opts: Within): Promise<CloudResult<void>>;

  /**
   * Opens a port. A listener of the same mark and owner on it is adopted as it is.
   * @fails inUse: somebody else's listener has the port · quota: the balancer has as many as it may · gone · as create
   */
  listen(balancer: string, wish: Wish & Owned, opts: Within): Promise<CloudResult<Listener>>;
  /** Changes how a port is answered, not the port. @fails gone · as list */
  change(balancer: string, listener: string, wish: Wish, opts: Within): Promise<CloudResult<void>>;
  /** Closes a port. @fails gone is success · as list */
  unlisten(balancer: string, listener: string, opts: Within): Promise<CloudResult<void>>;
  /**
   * Adds back ends. One that cannot be added does not keep the others; after any failure some may have been added: look first.
   * @shape all that were asked for, with their ids
   * @fails gone: the listener, or one of the machines · inUse: one is there already · quota · as create
   */
  add(
    balancer: string,
    listener: string,
    backEnds: readonly BackEnd[],
    opts: Within,
  ): Promise<CloudResult<readonly CloudBackEnd[]>>;
  /** Takes back ends out by their ids; one that is gone already is success. @fails as list */
  drop(balancer: string, listener: string, ids: readonly string[], opts: Within): Promise<CloudResult<void>>;
}

/** Of layer 4. */
export type Balancers = BalancersOf<Listening, CloudListener>;
