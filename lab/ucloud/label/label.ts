import { bare, type Product } from '../gateway/product.ts';
import type { GatewayState } from '../gateway/state.ts';
import { type LabelCloud, labelActions } from './labels.ts';
import type { LabelState } from './state.ts';

/** Labels of what any product has. */
export const label = {
  ...bare,
  newState: (): LabelState => ({ labels: [] }),
  actions: labelActions,
} satisfies Product<GatewayState & LabelState, unknown, unknown, LabelCloud>;
