import { type Ms, ms, seconds } from '#unit/clock.ts';

export type RepeatStep =
  | { readonly do: 'repeat'; readonly after: Ms }
  | { readonly do: 'report'; readonly why: 'not-repeatable' | 'no-time-left' };

/** Before the second attempt; doubled before each further one. */
export const usualPause = ms(200);
const longest = seconds(8);
/** An attempt that has less than this for its answer is likely to end in doubt, which is worse than the failure it had. */
const leastForAnAnswer = ms(250);

/**
 * Whether a failed attempt is followed by another one.
 * @unit again: the least pause that the cloud asks for, `undefined` when the same call must not be sent again;
 *       attempt: 1 for the first; pause: before the second; left: until the deadline; chance: 0 to 1, spreads a crowd
 */
export function planRepeat(seen: {
  readonly again: Ms | undefined;
  readonly attempt: number;
  readonly pause: Ms;
  readonly left: Ms;
  readonly chance: number;
}): RepeatStep {
  if (seen.again === undefined) return { do: 'report', why: 'not-repeatable' };
  const backOff = Math.min(longest, seen.pause * 2 ** (seen.attempt - 1)) * (0.5 + seen.chance / 2);
  const after = ms(Math.max(seen.again, backOff));
  if (after + leastForAnAnswer > seen.left) return { do: 'report', why: 'no-time-left' };
  return { do: 'repeat', after };
}
