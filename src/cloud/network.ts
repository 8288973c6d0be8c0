import type { Ms } from '#unit/clock.ts';
import type { Cidr, Ip } from '#unit/ip.ts';
import type { Result } from '#unit/result.ts';
import type { CloudFailure } from './failure.ts';
import type { Inbound } from './inbound.ts';

export interface Vpc {
  readonly id: string;
  readonly name: string;
  readonly ranges: readonly Cidr[];
}

export interface Subnet {
  readonly id: string;
  readonly vpc: string;
  readonly name: string;
  readonly range: Cidr;
  readonly gateway: Ip;
  /** Addresses that can still be given. */
  readonly available: number;
}

export interface Image {
  readonly id: string;
  readonly name: string;
  /** The smallest boot disk it fits on, in GiB. */
  readonly sizeGib: number;
}

/** What is there to build on: read before anything is made, never changed by us. */
export interface CloudNetwork {
  /** The MTU of this cloud's machine interfaces, in bytes. */
  readonly mtu: number;
  /** Where machines of this cloud read their own metadata, secrets in their user data among it. Pods must not. */
  readonly metadata: readonly Ip[];
  /** @fails gone · denied · throttled · unavailable · unknown */
  vpc(id: string, opts: { readonly within: Ms }): Promise<Result<Vpc, CloudFailure>>;
  /** @fails gone · denied · throttled · unavailable · unknown */
  subnet(id: string, opts: { readonly within: Ms }): Promise<Result<Subnet, CloudFailure>>;
  /** @fails gone · denied · throttled · unavailable · unknown */
  image(id: string, zone: string, opts: { readonly within: Ms }): Promise<Result<Image, CloudFailure>>;
  /**
   * What may come in to machines from inside the VPC, by their ids. Those of which nothing can be said are left out.
   * @fails gone: a rule set went meanwhile, ask again · denied · throttled · unavailable · unknown
   */
  inbound(
    machines: readonly string[],
    opts: { readonly within: Ms },
  ): Promise<Result<ReadonlyMap<string, Inbound>, CloudFailure>>;
}
