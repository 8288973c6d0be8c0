import { bare, type Product } from '../gateway/product.ts';
import type { GatewayState } from '../gateway/state.ts';
import type { Placed } from '../vpc/state.ts';
import { accountActions, type UaccountCloud } from './region.ts';

/** Regions, zones and projects. */
export const uaccount = { ...bare, actions: accountActions } satisfies Product<
  GatewayState & Placed,
  unknown,
  unknown,
  UaccountCloud
>;
