import { type Instant, type Ms, minutes } from '#unit/clock.ts';

/** What is known of one Event that was told before. */
export interface EventSeen {
  /** How often it was told, the first time included. */
  readonly count: number;
  /** When it was told last. */
  readonly last: Instant;
  /** When what the server holds of it was written. */
  readonly written: Instant;
}

/**
 * What telling the same thing once more comes to: a new Event, a growing series of the one that is there, or only a higher
 * count in our memory, because a series is written at most once a minute.
 * @source k8s.io/client-go tools/events: a series ends after six minutes without news
 */
export function planEvent(seen: EventSeen | undefined, at: Instant): 'create' | 'series' | 'count' {
  if (seen === undefined || at - seen.last > seriesEnds) return 'create';
  return seen.count === 1 || at - seen.written >= seriesEvery ? 'series' : 'count';
}

const seriesEnds = minutes(6);
const seriesEvery = minutes(1);

/** How many further Events an object may have now; each has its own allowance, so that a noisy one silences no other. */
export interface Allowance {
  readonly left: number;
  readonly at: Instant;
}

/** The allowance after one more Event at this time; `undefined` when it has none left. */
export function planAllowance(
  before: Allowance | undefined,
  at: Instant,
  { burst, every }: { readonly burst: number; readonly every: Ms },
): Allowance | undefined {
  const left = before === undefined ? burst : Math.min(burst, before.left + Math.max(0, at - before.at) / every);
  return left < 1 ? undefined : { left: left - 1, at };
}
