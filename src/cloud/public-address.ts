import type { Ip } from '#unit/ip.ts';
import type { CloudResult } from './failure.ts';
import type { Charge, Leisurely, Marked, Owned, Within } from './owned.ts';

/** An address of the Internet that can be bound to a balancer of either layer. */
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

/** Public addresses of one region and project. No token exists for what is made: it is found again by mark and owner. Lists lag as those of balancers do. */
export interface PublicAddresses {
  /** Asks for one public address, as `create` does for a balancer. @fails as `create` of a balancer */
  allocate(wish: PublicAddressWish, opts: Within): Promise<CloudResult<PublicAddress>>;
  /** Public addresses that carry the mark, or all of the project without one, sorted by id. @fails denied · throttled · unavailable · unknown */
  list(this: void, mark: string | undefined, opts: Leisurely): Promise<CloudResult<readonly PublicAddress[]>>;
  /** Binds an address to a balancer; one that is bound to it already is success. @fails inUse: bound to something else · state: on its way to something · gone · as list */
  bind(address: string, balancer: string, opts: Within): Promise<CloudResult<void>>;
  /** @unit bandwidth: Mb/s. @fails gone · invalid · as list */
  resize(address: string, bandwidth: number, opts: Within): Promise<CloudResult<void>>;
  /**
   * Unbinds an address and gives it back for good. Refuses (`denied`) one that does not carry `mark`.
   * @fails gone is success · as list
   */
  release(this: void, address: string, mark: string, opts: Within): Promise<CloudResult<void>>;
}
