import { actionsOf } from '../gateway/declare.ts';
import type { Desk } from '../gateway/desk.ts';
import type { GatewayState } from '../gateway/state.ts';
import type { Placed } from '../vpc/state.ts';
import type { UfsWorks } from './work.ts';

export type UfsSeen = GatewayState & Placed;
/** What the actions of this product get. */
export type UfsCloud = Desk<UfsSeen> & UfsWorks;

export const action = actionsOf<UfsCloud>();
