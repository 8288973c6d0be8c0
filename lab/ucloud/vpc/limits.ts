import { type LimitKind, type Limits, leftOf } from '../gateway/limits.ts';
import type { VpcState } from './state.ts';

export const vpcLimits = {
  interfaces: {
    says: 'network interfaces beside those that machines are made with: 4207',
    used: (state) => state.interfaces.length,
  },
  addresses: {
    says: 'secondary addresses of all its interfaces; 4207, a batch gets what is left',
    used: (state) => state.addresses.filter(({ at }) => at !== 'leaving').length,
  },
} as const satisfies Record<string, LimitKind<VpcState>>;

/** How many more of it the account may have. */
export function quotaLeft(kind: keyof typeof vpcLimits, state: VpcState & { readonly limits: Limits }): number {
  return leftOf(state.limits[kind], vpcLimits[kind].used(state));
}
