import type { Ms } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';
import type { Result } from '#unit/result.ts';
import type { CloudFailure } from './failure.ts';

declare const homeBrand: unique symbol;
/**
 * A network interface as the place of further addresses. Only its provider makes one, and knows what its calls need of it: to everybody
 * else two are the same if their ids are. An id can be written down and compared after a restart.
 */
export interface AddressHome {
  readonly id: string;
  readonly [homeBrand]: true;
}

/** Further addresses of cloud machines' interfaces: what their pods are given. An address stays at one home for as long as it lives. */
export interface Addresses {
  /** How long the network may need before a fresh address works. @source UCloud: flow tables take 5 to 15 s */
  readonly settle: Ms;
  /**
   * Asks for more addresses. No token exists: after `unknown`, list before asking again.
   * @shape the addresses obtained, sorted, perhaps fewer than `count`
   * @unit count: addresses, 1 or more
   * @fails exhausted(addresses): none left in the subnet · quota: the interface is full, or the account · gone: no such interface · denied · throttled · unavailable · unknown
   */
  extend(home: AddressHome, count: number, opts: { readonly within: Ms }): Promise<Result<readonly Ip[], CloudFailure>>;
  /** Takes one address back; one that is gone already is success. @fails denied · throttled · unavailable · unknown */
  release(home: AddressHome, address: Ip, opts: { readonly within: Ms }): Promise<Result<void, CloudFailure>>;
  /**
   * The further addresses of this interface, sorted; its primary address is not among them.
   * @unit leisurely: everything else may go first, because nothing waits for the answer
   * @fails denied · throttled · unavailable · unknown
   */
  list(
    home: AddressHome,
    opts: { readonly within: Ms; readonly leisurely?: boolean },
  ): Promise<Result<readonly Ip[], CloudFailure>>;
}
