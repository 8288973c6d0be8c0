import type { Chance } from '../engine/random.ts';
import type { PlantedFault } from './faults.ts';
import type { Limits } from './limits.ts';

/** What the gateway itself knows; every product adds its own. */
export interface GatewayState {
  readonly chance: Chance;
  readonly sessions: SessionRecord[];
  readonly faults: PlantedFault[];
  /** How many faults were ever planted. */
  faultsPlanted: number;
  limits: Limits;
}

/** A temporary credential. */
export interface SessionRecord {
  readonly publicKey: string;
  readonly privateKey: string;
  readonly token: string;
  /** Unix seconds. */
  readonly expiresAt: number;
  /** Of the machine that was given it by the metadata server. */
  readonly machine?: string;
}
