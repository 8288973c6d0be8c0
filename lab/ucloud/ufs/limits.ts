import { type LimitKind, type Limits, leftOf } from '../gateway/limits.ts';
import { Refusal } from '../gateway/refusal.ts';
import type { UfsState } from './state.ts';

/** @source UCloud UFS manual, quotas; mount points: MaxMountPointNum of DescribeUFSVolume2 */
const most = 100;
export const mountPointsPerShare = 5;

export const ufsLimits = {
  shares: {
    says: `file systems (UFS) of the account, never more than ${most}: 65100`,
    used: ({ shares }) => shares.length,
  },
} as const satisfies Record<string, LimitKind<UfsState>>;

/** @fails Refusal 65100: the published list has no code for it */
export function checkShareQuota(state: UfsState & { readonly limits: Limits }): void {
  const used = ufsLimits.shares.used(state);
  if (used >= most || leftOf(state.limits.shares, used) < 1)
    throw new Refusal(codes.quota, `the account has ${used} file systems, and no room for another`);
}

/** Only 65126 is published; the others are of our own in its neighbourhood. */
export const codes = { gone: 65_126, quota: 65_100, inUse: 65_101, taken: 65_102 } as const;
