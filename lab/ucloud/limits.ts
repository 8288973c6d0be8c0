import * as z from 'zod';
import { Refusal } from './gateway/refusal.ts';
import { isListed, type State } from './gateway/state.ts';

/** What an operator of the cloud may limit, and what a call meets that goes beyond. Nothing is limited unless somebody says so. */
export const limitKinds = {
  machines: 'machines of the account; a create that goes beyond makes none: 8095',
  cpus: 'CPUs of all its machines; a create that goes beyond makes none: 8095',
  interfaces: 'network interfaces beside those that machines are made with: 4207',
  addresses: 'secondary addresses of all its interfaces; 4207, a batch gets what is left',
  stock: 'machines that the zone has room for; a create gets fewer, or none: 8224',
  calls: 'calls of one action within a second; 153 beyond, nothing is done',
} as const satisfies Record<string, string>;

export type LimitKind = keyof typeof limitKinds;

/** Absent: not limited. */
export type Limits = { readonly [kind in LimitKind]?: number };

const most = z.number().int().nonnegative().nullable().optional();

/** New values of some limits; `null` takes a limit away. */
export const limitChange = z.strictObject({
  machines: most,
  cpus: most,
  interfaces: most,
  addresses: most,
  stock: most,
  // A cloud that answers no call at all would be another trouble, for which there is a fault.
  calls: z.number().int().positive('write at least 1').nullable().optional(),
} satisfies Record<LimitKind, z.ZodType>);
export type LimitChange = z.output<typeof limitChange>;

export function changeLimits(limits: Limits, change: LimitChange): Limits {
  const kinds = Object.keys(limitKinds) as LimitKind[];
  return Object.fromEntries(
    kinds.flatMap((kind) => {
      const value = change[kind] === undefined ? limits[kind] : change[kind];
      return typeof value === 'number' ? [[kind, value]] : [];
    }),
  );
}

/** How much of what is limited the account has now; calls are counted by the second and not here. */
export function usageOf(state: State): Readonly<Record<Exclude<LimitKind, 'calls'>, number>> {
  const machines = state.machines.filter(isListed);
  return {
    machines: machines.length,
    cpus: machines.reduce((sum, { cpu }) => sum + cpu, 0),
    interfaces: state.interfaces.length,
    addresses: state.addresses.filter(({ at }) => at !== 'leaving').length,
    stock: state.machines.filter(({ destroyed }) => !destroyed).length,
  };
}

/** How much more of it the account may have. */
export function leftOf(kind: Exclude<LimitKind, 'calls'>, state: State): number {
  const limit = state.limits[kind];
  return limit === undefined ? Number.POSITIVE_INFINITY : Math.max(0, limit - usageOf(state)[kind]);
}

/** @fails Refusal 8095 when the account's quota does not have room for all: then none is made */
export function checkMachineQuota(count: number, cpu: number, state: State): void {
  for (const [kind, asked] of [
    ['machines', count],
    ['cpus', count * cpu],
  ] as const)
    if (asked > leftOf(kind, state))
      throw new Refusal(8095, `the account's quota of ${state.limits[kind]} ${kind} has no room for ${asked} more`);
}

/**
 * One limit as a person writes it: `machines` and `3`, `calls` and `5/s`, anything and `none`.
 * @fails Error that names the word, the fault and the cure
 */
export function parseLimit(kind: string, text: string): LimitChange {
  const kinds = Object.keys(limitKinds);
  if (!kinds.includes(kind)) throw new Error(`limit "${kind}": there is none of that name; write ${kinds.join(', ')}`);
  if (text === 'none') return { [kind]: null };
  const form = kind === 'calls' ? /^([1-9]\d{0,8})\/s$/ : /^(\d{1,9})$/;
  const number = form.exec(text)?.[1];
  if (number === undefined)
    throw new Error(
      `limit ${kind} "${text}": write ${kind === 'calls' ? 'a rate such as 5/s' : 'a number such as 3'}, or none`,
    );
  return { [kind]: Number(number) };
}
