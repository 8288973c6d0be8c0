import { actionsOf } from '../gateway/declare.ts';
import type { Desk } from '../gateway/desk.ts';
import type { GatewayState } from '../gateway/state.ts';
import type { UhostWorks } from '../uhost/work.ts';
import type { Placed } from '../vpc/state.ts';
import type { UdiskState } from './state.ts';
import type { UdiskWorks } from './work.ts';

export type UdiskSeen = GatewayState & Placed & UdiskState;
/** What the actions of this product get. */
export type UdiskCloud = Desk<UdiskSeen> & UdiskWorks & Pick<UhostWorks, 'machines'>;

export const action = actionsOf<UdiskCloud>();
