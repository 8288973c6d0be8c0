import type { Ms } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';
import type { Result } from '#unit/result.ts';
import type { CloudFailure } from './failure.ts';

/** Whose an object is. Only what carries our mark is ever changed or removed; a name is for people and never looked at. */
export interface Marked {
  /** The cluster that made it; `undefined` for an object of somebody else. */
  readonly mark: string | undefined;
  /** The object of the cluster that it was made for, as its UID. */
  readonly owner: string | undefined;
}

/** Of several that were made for one owner the first is the oldest: every process that looks adopts the same one. */
export function byAge(
  a: { readonly id: string; readonly createdAt: number },
  b: { readonly id: string; readonly createdAt: number },
): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}

/** The same where both are known. */
export interface Owned {
  readonly mark: string;
  readonly owner: string;
}

/** A balancer of layer 4 in front of machines and addresses of the cloud, as one look showed it. */
export interface CloudBalancer extends Marked {
  readonly id: string;
  readonly name: string;
  /** Unix seconds; 0 when the cloud does not say. */
  readonly createdAt: number;
  readonly vpc: string;
  readonly subnet: string;
  /** Where it answers inside the VPC; `undefined` while the cloud has not given it. */
  readonly address: Ip | undefined;
  /** The addresses that its back ends see; empty or absent where the cloud does not say. */
  readonly senders?: readonly Ip[] | undefined;
  readonly charge: Charge | undefined;
  /** Sorted by port, then protocol. */
  readonly listeners: readonly CloudListener[];
}

/** How it is paid: by the hour, or a month or a year in advance. */
export type Charge = 'hour' | 'month' | 'year';

export interface BalancerWish extends Owned {
  /** For people: 1 to 63 of A-Z, a-z, 0-9, . and -. */
  readonly name: string;
  readonly vpc: string;
  readonly subnet: string;
  readonly charge: Charge;
  /** How many months or years; nothing for `hour`. */
  readonly quantity: number;
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
type Seen<T> = { readonly [K in keyof T]: T[K] | undefined };

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

/** An address of the Internet that can be bound to a balancer. */
export interface PublicAddress extends Marked {
  readonly id: string;
  readonly ip: Ip;
  /** Unix seconds; 0 when the cloud does not say. */
  readonly createdAt: number;
  /** Mb/s */
  readonly bandwidth: number;
  /** The id of what it is bound to. */
  readonly boundTo: string | undefined;
}

export interface PublicAddressWish extends Owned {
  readonly name: string;
  /** Mb/s */
  readonly bandwidth: number;
  readonly charge: Charge;
  readonly quantity: number;
  /** What is paid: the bandwidth, the traffic, or nothing of its own because a shared bandwidth with this id is. */
  readonly pays: 'bandwidth' | 'traffic' | { readonly shared: string };
  /** The cloud's name of the line; `undefined` for the usual one of the region. */
  readonly operator: string | undefined;
}

interface Within {
  readonly within: Ms;
}

/**
 * Balancers and public addresses of one region and project. Every call takes `within`, the limit of the whole call including its
 * own retries. No token exists for what is made: it is found again by mark and owner.
 */
export interface Balancers {
  /** What one balancer takes at most. */
  readonly most: { readonly listeners: number; readonly backEnds: number };
  /** How long a list may lack what was made, or show what was removed. */
  readonly lag: Ms;
  /**
   * Asks for one balancer. Safe to repeat: one with this mark and owner is looked for first, and the oldest adopted.
   * @fails quota · billing · denied · invalid · exhausted · throttled · unavailable · unknown: it may have been made; wait `lag`, then ask again
   */
  create(wish: BalancerWish, opts: Within): Promise<Result<CloudBalancer, CloudFailure>>;
  /**
   * All balancers that carry the mark, or all of the project without one, with listeners and back ends, sorted by id.
   * @unit leisurely: everything else may go first, because nothing waits for the answer
   * @fails denied · throttled · unavailable · unknown
   */
  list(
    mark: string | undefined,
    opts: Within & { readonly leisurely?: boolean },
  ): Promise<Result<readonly CloudBalancer[], CloudFailure>>;
  /** The balancer with this id, whoever owns it. @fails gone · as list */
  find(id: string, opts: Within): Promise<Result<CloudBalancer, CloudFailure>>;
  /**
   * Ends the balancer with its listeners. Public addresses that are bound to it stay. Refuses (`denied`) one that does not carry `mark`.
   * @fails gone is success · as list
   */
  remove(this: void, id: string, mark: string, opts: Within): Promise<Result<void, CloudFailure>>;

  /**
   * Opens a port. A listener of the same mark and owner on it is adopted as it is.
   * @fails inUse: somebody else's listener has the port · quota: the balancer has as many as it may · gone · as create
   */
  listen(balancer: string, wish: Listening & Owned, opts: Within): Promise<Result<CloudListener, CloudFailure>>;
  /** Changes how a port is answered, not the port. @fails gone · as list */
  change(balancer: string, listener: string, wish: Listening, opts: Within): Promise<Result<void, CloudFailure>>;
  /** Closes a port. @fails gone is success · as list */
  unlisten(balancer: string, listener: string, opts: Within): Promise<Result<void, CloudFailure>>;
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
  ): Promise<Result<readonly CloudBackEnd[], CloudFailure>>;
  /** Takes back ends out by their ids; one that is gone already is success. @fails as list */
  drop(balancer: string, listener: string, ids: readonly string[], opts: Within): Promise<Result<void, CloudFailure>>;

  /** Asks for one public address, as `create` does for a balancer. @fails as create */
  allocate(wish: PublicAddressWish, opts: Within): Promise<Result<PublicAddress, CloudFailure>>;
  /** Public addresses that carry the mark, or all of the project without one, sorted by id. @fails as list */
  addresses(
    mark: string | undefined,
    opts: Within & { readonly leisurely?: boolean },
  ): Promise<Result<readonly PublicAddress[], CloudFailure>>;
  /** Binds an address to a balancer; one that is bound to it already is success. @fails inUse: bound to something else · state: on its way to something · gone · as list */
  bind(address: string, balancer: string, opts: Within): Promise<Result<void, CloudFailure>>;
  /** @unit bandwidth: Mb/s. @fails gone · invalid · as list */
  resize(address: string, bandwidth: number, opts: Within): Promise<Result<void, CloudFailure>>;
  /**
   * Unbinds an address and gives it back for good. Refuses (`denied`) one that does not carry `mark`.
   * @fails gone is success · as list
   */
  release(this: void, address: string, mark: string, opts: Within): Promise<Result<void, CloudFailure>>;
}
