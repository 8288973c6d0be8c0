import { type LimitKind, type Limits, leftOf } from '../gateway/limits.ts';
import { Refusal } from '../gateway/refusal.ts';
import type { UnetState } from './state.ts';

export const unetLimits = {
  eips: {
    says: 'addresses of the internet (EIPs); an allocation that goes beyond gives none: 4207',
    used: (state) => state.eips.length,
  },
} as const satisfies Record<string, LimitKind<UnetState>>;

/** @fails Refusal 4207 */
export function checkEipQuota(count: number, state: UnetState & { readonly limits: Limits }): void {
  if (count > leftOf(state.limits.eips, unetLimits.eips.used(state)))
    throw new Refusal(4207, `the account's quota of ${state.limits.eips} EIPs has no room for ${count} more`);
}
