import { bare, type Product } from '../gateway/product.ts';
import type { UnetCloud, UnetSeen } from './cloud.ts';
import { firewallActions } from './firewall.ts';
import type { UnetState } from './state.ts';

/** What concerns the internet: firewalls. */
export const unet = {
  ...bare,
  newState: (): UnetState => ({ firewalls: [] }),
  actions: firewallActions,
} satisfies Product<UnetSeen, unknown, unknown, UnetCloud>;
