import { actionsOf } from '../gateway/declare.ts';
import type { Desk } from '../gateway/desk.ts';
import type { GatewayState } from '../gateway/state.ts';
import type { Placed } from '../vpc/state.ts';
import type { UnetState } from './state.ts';
import type { UnetWorks } from './work.ts';

export type UnetSeen = GatewayState & Placed & UnetState;
/** What the actions of this product get. */
export type UnetCloud = Desk<UnetSeen> & UnetWorks;

export const action = actionsOf<UnetCloud>();
