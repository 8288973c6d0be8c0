import { actionsOf } from '../gateway/declare.ts';
import type { Desk } from '../gateway/desk.ts';
import type { GatewayState } from '../gateway/state.ts';
import type { LabelState } from '../label/state.ts';
import type { UnetState } from '../unet/state.ts';
import type { UnetWorks } from '../unet/work.ts';
import type { Placed } from '../vpc/state.ts';
import type { UlbWorks } from './work.ts';

/** A balancer has addresses of the internet and labels, too. */
export type UlbSeen = GatewayState & LabelState & Placed & UnetState;
/** What the actions of this product get. */
export type UlbCloud = Desk<UlbSeen> & UlbWorks & UnetWorks;

export const action = actionsOf<UlbCloud>();
