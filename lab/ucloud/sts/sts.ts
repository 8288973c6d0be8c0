import { bare, type Product } from '../gateway/product.ts';
import type { GatewayState } from '../gateway/state.ts';
import { type StsCloud, stsActions } from './role.ts';

/** Temporary credentials. Its sessions are in the gateway's state, which judges by them. */
export const sts = { ...bare, actions: stsActions } satisfies Product<GatewayState, unknown, unknown, StsCloud>;
