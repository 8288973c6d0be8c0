import type { Ms } from '#unit/clock.ts';

/** Whose an object is. Only what carries our mark is ever changed or removed; a name is for people and never looked at. */
export interface Marked {
  /** The cluster that made it; `undefined` for an object of somebody else. */
  readonly mark: string | undefined;
  /** The object of the cluster that it was made for, as its UID. */
  readonly owner: string | undefined;
}

/** The same where both are known. */
export interface Owned {
  readonly mark: string;
  readonly owner: string;
}

/** Of several that were made for one owner the first is the oldest: every process that looks adopts the same one. */
export function byAge(
  a: { readonly id: string; readonly createdAt: number },
  b: { readonly id: string; readonly createdAt: number },
): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}

/** How it is paid: by the hour, or a month or a year in advance. */
export type Charge = 'hour' | 'month' | 'year';

/** The limit of a whole call, its own retries included. */
export interface Within {
  readonly within: Ms;
}

/** @unit leisurely: everything else may go first, because nothing waits for the answer */
export interface Leisurely extends Within {
  readonly leisurely?: boolean;
}
