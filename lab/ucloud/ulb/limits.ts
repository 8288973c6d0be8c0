import { type LimitKind, type Limits, leftOf } from '../gateway/limits.ts';
import { Refusal } from '../gateway/refusal.ts';
import type { UlbState } from './state.ts';

/** @source UCloud ULB manual, quotas */
const most = { balancers: 200, listeners: 5, targets: 300 } as const;
/** @source UCloud API reference, nlb-api, RemoveNLBTargets */
export const mostRemoved = 40;

export const ulbLimits = {
  balancers: {
    says: `network load balancers of the account, never more than ${most.balancers}: 4207`,
    used: (state) => state.balancers.length,
  },
} as const satisfies Record<string, LimitKind<UlbState>>;

/** @fails Refusal 4207 */
export function checkBalancerQuota(state: UlbState & { readonly limits: Limits }): void {
  const used = ulbLimits.balancers.used(state);
  const left = Math.min(leftOf(state.limits.balancers, used), most.balancers - used);
  if (left < 1) throw new Refusal(4207, `the account has ${used} network load balancers, and no room for another`);
}

/** @unit wanted: how many there would be. @fails Refusal 4207 */
export function checkQuota(what: 'listeners' | 'targets', wanted: number): void {
  if (wanted > most[what]) throw new Refusal(4207, `a network load balancer has at most ${most[what]} ${what}`);
}
