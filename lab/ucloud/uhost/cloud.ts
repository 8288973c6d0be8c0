import { actionsOf } from '../gateway/declare.ts';
import type { Desk } from '../gateway/desk.ts';
import type { GatewayState } from '../gateway/state.ts';
import type { LabelState } from '../label/state.ts';
import type { UdiskState } from '../udisk/state.ts';
import type { UnetState } from '../unet/state.ts';
import type { Placed } from '../vpc/state.ts';
import type { VpcWorks } from '../vpc/work.ts';
import type { UhostWorks } from './work.ts';

/** A new machine brings its firewall, its labels and its disks along. */
export type UhostSeen = GatewayState & Placed & UnetState & LabelState & UdiskState;
/** What the actions of this product get. */
export type UhostCloud = Desk<UhostSeen> & UhostWorks & VpcWorks;

export const action = actionsOf<UhostCloud>();
