import { type LimitKind, type Limits, leftOf } from '../gateway/limits.ts';
import { Refusal } from '../gateway/refusal.ts';
import { isListed, type UhostState } from './state.ts';

export const uhostLimits = {
  machines: {
    says: 'machines of the account; a create that goes beyond makes none: 8095',
    used: (state) => state.machines.filter(isListed).length,
  },
  cpus: {
    says: 'CPUs of all its machines; a create that goes beyond makes none: 8095',
    used: (state) => state.machines.filter(isListed).reduce((sum, { cpu }) => sum + cpu, 0),
  },
  stock: {
    says: 'machines that the zone has room for; a create gets fewer, or none: 8224',
    used: (state) => state.machines.filter(({ destroyed }) => !destroyed).length,
  },
} as const satisfies Record<string, LimitKind<UhostState>>;

type Limited = UhostState & { readonly limits: Limits };

/** How many more machines the zone has room for. */
export function stockOf(state: Limited): number {
  return leftOf(state.limits.stock, uhostLimits.stock.used(state));
}

/** @fails Refusal 8095 when the account's quota does not have room for all: then none is made */
export function checkMachineQuota(count: number, cpu: number, state: Limited): void {
  for (const [kind, asked] of [
    ['machines', count],
    ['cpus', count * cpu],
  ] as const)
    if (asked > leftOf(state.limits[kind], uhostLimits[kind].used(state)))
      throw new Refusal(8095, `the account's quota of ${state.limits[kind]} ${kind} has no room for ${asked} more`);
}
