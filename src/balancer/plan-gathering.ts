import { type Ms, ms, seconds } from '#unit/clock.ts';

/** Changes of nodes that nobody has acted upon yet. */
export interface Gathered {
  /** When the first and the last of them came, by one clock. */
  readonly first: number;
  readonly last: number;
  /** When the first came that takes a machine out of balancers; `undefined` if none does. */
  readonly leaving: number | undefined;
}

interface Patience {
  /** After the last change. */
  readonly quiet: Ms;
  /** After the first. */
  readonly most: Ms;
}

/** A pool that grows by twenty machines, or a rollout that labels them all, is one pass over the Services instead of twenty. */
const joining: Patience = { quiet: ms(500), most: seconds(2) };
/** Clients are sent to a machine that may be gone already. */
const leaving: Patience = { quiet: ms(200), most: seconds(1) };

/** When the Services are to be looked at. */
export function planGathering({ first, last, leaving: left }: Gathered): number {
  const dueBy = (from: number, { quiet, most }: Patience): number => Math.min(last + quiet, from + most);
  const joined = dueBy(first, joining);
  return left === undefined ? joined : Math.min(joined, dueBy(left, leaving));
}

/** @unit before, now: ids of the machines that may be back ends */
export function gatheredWith(
  gathered: Gathered | undefined,
  { before, now, at }: { readonly before: readonly string[]; readonly now: readonly string[]; readonly at: number },
): Gathered {
  const staying = new Set(now);
  const leaves = before.some((machine) => !staying.has(machine));
  return { first: gathered?.first ?? at, last: at, leaving: gathered?.leaving ?? (leaves ? at : undefined) };
}
