import type { Addresses } from './address-work.ts';
import type { Faults } from './faults.ts';
import type { Machines } from './machine-work.ts';
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
  readonly addresses: Addresses;
  readonly limits: Limits;
  readonly faults: Faults;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export interface Limits {
  /** Decoded bytes of a machine's user data. */
  readonly userData: number;
  /** Machines that the zone has room for. */
  readonly stock: number;
  /** Secondary addresses of a machine without elastic interfaces. */
  readonly secondaryAddresses: number;
}
