import { type Ms, ms } from '#unit/clock.ts';

/** The wait after the first failure in a row, and the most that it doubles up to. */
export interface Backoff {
  readonly first: Ms;
  readonly most: Ms;
}

/**
 * The wait after the `failures`-th failure in a row.
 * @unit chance: 0 to 1; half of the wait goes by it, so that many keys do not come back together
 */
export function planBackoff(failures: number, { first, most }: Backoff, chance: number): Ms {
  return ms(Math.min(first * 2 ** (failures - 1), most) * (0.5 + chance / 2));
}
