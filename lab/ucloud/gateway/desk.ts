import type { Ms } from '#unit/clock.ts';
import type { Pace } from './pace.ts';
import type { CloudObject } from './product.ts';
import type { GatewayState } from './state.ts';

/** Whose cloud it is: one account with one project, in one region. */
export interface Account {
  readonly publicKey: string;
  readonly privateKey: string;
  readonly project: { readonly id: string; readonly name: string };
  readonly region: string;
  readonly zone: string;
}

/** What every action may read and touch; those of a product get its works and those of its neighbours besides. */
export interface Desk<State extends GatewayState> {
  readonly account: Account;
  readonly state: State;
  readonly bounds: Bounds;
  readonly pace: Pace;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** @fails when the cloud is closed meanwhile */
  readonly wait: (span: Ms) => Promise<void>;
  /** The state as it stood when this fault was planted. */
  readonly frozenAt: (fault: string) => State;
  /** What the account has in every other region: nothing. */
  readonly elsewhere: State;
  /** Resolves when the state as it is now is written down. */
  readonly keep: () => Promise<void>;
  /** Everything that any product has. */
  objects(state: State): readonly CloudObject[];
}

/** What the cloud itself does not go beyond; what its operator limits is in the state. */
export interface Bounds {
  /** Decoded bytes of a machine's user data. */
  readonly userData: number;
  /** Secondary addresses of a machine without elastic interfaces. */
  readonly secondaryAddresses: number;
}
