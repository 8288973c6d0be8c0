import type { Ms } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';
import type { Result } from '#unit/result.ts';
import type { CloudFailure } from './failure.ts';

/** The interface that further addresses are given to. */
export interface AddressHome {
  readonly zone: string;
  readonly vpc: string;
  readonly subnet: string;
  /** The machine's id, or the interface's where the cloud wants that. */
  readonly object: string;
  readonly mac: string;
}

/** Further addresses of a cloud machine's interface: what its pods are given. */
export interface Addresses {
  /** How long the network may need before a fresh address works. @source UCloud: flow tables take 5 to 15 s */
  readonly settle: Ms;
  /**
   * Asks for more addresses. No token exists: after `unknown`, list before asking again.
   * @shape the addresses obtained, sorted, perhaps fewer than `count`
   * @unit count: addresses, 1 or more
   * @fails exhausted(addresses): none left in the subnet · quota: the interface is full · gone: no such machine · denied · throttled · unavailable · unknown
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
