import { type LimitKind, type Limits, leftOf } from '../gateway/limits.ts';
import { Refusal } from '../gateway/refusal.ts';
import { type AnyBalancer, isClassic } from './lookup.ts';
import type { UlbState } from './state.ts';

/** @source UCloud ULB manual, quotas; certificates: ALB manual, SNI, the default ones not counted */
const most = {
  network: { balancers: 200, listeners: 5, targets: 300 },
  application: { balancers: 200, listeners: 50, targets: 300, rules: 100, certificates: 25 },
  classic: { balancers: 5, listeners: 50, targets: 50 },
} as const;
type Kind = keyof typeof most;

export const ulbLimits = {
  balancers: {
    says: `network load balancers of the account, never more than ${most.network.balancers}: 4207`,
    used: (state) => state.balancers.length,
  },
  applicationBalancers: {
    says: `application load balancers of the account, never more than ${most.application.balancers}: 4207`,
    used: (state) => state.applicationBalancers.length,
  },
  classicBalancers: {
    says: `classic load balancers of the account, never more than ${most.classic.balancers}: 4207`,
    used: (state) => state.classicBalancers.length,
  },
} as const satisfies Record<string, LimitKind<UlbState>>;

const limitOf = {
  network: 'balancers',
  application: 'applicationBalancers',
  classic: 'classicBalancers',
} as const satisfies Record<Kind, keyof typeof ulbLimits>;

/** @fails Refusal 4207 */
export function checkBalancerQuota(kind: Kind, state: UlbState & { readonly limits: Limits }): void {
  const limit = limitOf[kind];
  const used = ulbLimits[limit].used(state);
  const left = Math.min(leftOf(state.limits[limit], used), most[kind].balancers - used);
  if (left < 1) throw new Refusal(4207, `the account has ${used} ${kind} load balancers, and no room for another`);
}

/** @unit wanted: how many there would be. @fails Refusal 4207 */
export function checkQuota<K extends Kind>(kind: K, what: keyof (typeof most)[K] & string, wanted: number): void {
  const limit = most[kind][what] as number;
  if (wanted > limit) throw new Refusal(4207, `a load balancer of this kind has at most ${limit} ${what}`);
}

/** How many EIPs may lead to it; a classic one has an address in its subnet or EIPs, never both. @source UCloud ULB manual, quotas */
export function eipQuota(balancer: AnyBalancer): number {
  if (!isClassic(balancer)) return 30;
  return balancer.ip === undefined ? 20 : 0;
}
