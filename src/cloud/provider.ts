import type * as z from 'zod';
import type { Cloud } from './cloud.ts';

/** Where in a cloud a cluster is: what every provider has, and beside it the provider's own settings. All of it is text. */
export interface CloudPlace {
  readonly provider: string;
  readonly region: string;
  readonly zone: string;
  /** Ids of the network that the cluster's machines are in. */
  readonly vpc: string;
  readonly subnet: string;
  /** The provider's own settings, by name. */
  readonly own: Readonly<Record<string, string>>;
}

/** The provider's own record of secrets, by name. */
export type CloudKeys = Readonly<Record<string, string>>;

/** One kind of cloud: what cluster.yaml says of it under `cloud:`, and how it is opened. Only `program/` knows which there are. */
export interface CloudProvider {
  /** What `cloud.provider` says; the scheme of its provider ids. */
  readonly name: string;
  /** Examples of the settings that every provider has, as this one writes them. */
  readonly examples: Readonly<Record<'region' | 'zone' | 'vpc' | 'subnet', string>>;
  /** The settings that only this provider has, each a text with an example. */
  readonly settings: Readonly<Record<string, z.ZodType<string, string | undefined>>>;
  /** Of these settings, those that a cluster keeps for as long as it exists, each with the reason. */
  readonly fixed: Readonly<Record<string, string>>;
  /** The secrets that it needs, each with the usual name of its environment variable. */
  readonly credentials: Readonly<Record<string, string>>;
  /**
   * Opens nothing until it is asked. A key is read from `keys` at each call, so that another one is in use at once.
   * @fails RangeError for settings or keys that the provider can't take
   */
  open(
    this: void,
    place: CloudPlace,
    keys: CloudKeys,
    options?: { readonly note?: (call: { readonly action: string; readonly outcome: string }) => void },
  ): Cloud;
}
