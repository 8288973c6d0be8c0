import { actionsOf } from '../gateway/declare.ts';
import type { Desk } from '../gateway/desk.ts';
import type { GatewayState } from '../gateway/state.ts';
import type { UhostWorks } from '../uhost/work.ts';
import type { UnetState } from '../unet/state.ts';
import type { Placed } from './state.ts';
import type { VpcWorks } from './work.ts';

/** A change of the security mode touches firewalls. */
export type VpcSeen = GatewayState & Placed & UnetState;
/** What the actions of this product get. */
export type VpcCloud = Desk<VpcSeen> & VpcWorks & Pick<UhostWorks, 'machines'>;

export const action = actionsOf<VpcCloud>();
