import type { Ms } from '#unit/clock.ts';
import type { Addresses } from './address-work.ts';
import type { Images } from './image-work.ts';
import type { Interfaces } from './interface-work.ts';
import type { Machines } from './machine-work.ts';
import type { Network } from './network-work.ts';
import type { Pace } from './pace.ts';
import type { State } from './state.ts';

/** Whose cloud it is: one account with one project, in one region. */
export interface Account {
  readonly publicKey: string;
  readonly privateKey: string;
  readonly project: { readonly id: string; readonly name: string };
  readonly region: string;
  readonly zone: string;
}

/** What an action may read and touch. */
export interface Cloud {
  readonly account: Account;
  readonly state: State;
  readonly machines: Machines;
  readonly interfaces: Interfaces;
  readonly images: Images;
  readonly addresses: Addresses;
  readonly bounds: Bounds;
  readonly pace: Pace;
  readonly network: Network;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** @fails when the cloud is closed meanwhile */
  readonly wait: (span: Ms) => Promise<void>;
  /** The state as it stood when this fault was planted. */
  readonly frozenAt: (fault: string) => State;
  /** Resolves when the state as it is now is written down. */
  readonly keep: () => Promise<void>;
}

/** What the cloud itself does not go beyond; what its operator limits is in the state. */
export interface Bounds {
  /** Decoded bytes of a machine's user data. */
  readonly userData: number;
  /** Secondary addresses of a machine without elastic interfaces. */
  readonly secondaryAddresses: number;
}
