import * as z from 'zod';
import { callLimit, type Limits } from './gateway/limits.ts';
import { products, type State } from './products.ts';

/** What an operator of the cloud may limit, and what a call meets that goes beyond: those of every product, and the rate of calls. */
export const limitKinds: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    products.flatMap(({ limits }) => Object.entries(limits).map(([kind, { says }]) => [kind, says])),
  ),
  calls: callLimit,
};

/** New values of some limits; `null` takes a limit away. */
export const limitChange = z
  .strictObject({
    ...Object.fromEntries(
      Object.keys(limitKinds).map((kind) => [kind, z.number().int().nonnegative().nullable().optional()]),
    ),
    // A cloud that answers no call at all would be another trouble, for which there is a fault.
    calls: z.number().int().positive('write at least 1').nullable().optional(),
  })
  .pipe(z.record(z.string(), z.number().nullable().optional()));
export type LimitChange = z.output<typeof limitChange>;

export function changeLimits(limits: Limits, change: LimitChange): Limits {
  return Object.fromEntries(
    Object.keys(limitKinds).flatMap((kind) => {
      const value = change[kind] === undefined ? limits[kind] : change[kind];
      return typeof value === 'number' ? [[kind, value]] : [];
    }),
  );
}

/** How much of what is limited the account has now; calls are counted by the second and not here. */
export function usageOf(state: State): Readonly<Record<string, number>> {
  return Object.fromEntries(
    products.flatMap(({ limits }) => Object.entries(limits).map(([kind, { used }]) => [kind, used(state)])),
  );
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
