import { type Ms, ms } from '#unit/clock.ts';

/** The end of a whole call, handed down to all of its parts. */
export interface Deadline {
  /** What is left; never below 0. */
  left(): Ms;
}

export function deadlineIn(within: Ms): Deadline {
  const end = performance.now() + within;
  return { left: () => ms(Math.max(0, end - performance.now())) };
}

/** An earlier end, so that something remains for looking at what became of this part. */
export function shareOf(deadline: Deadline, share: number): Deadline {
  return deadlineIn(ms(deadline.left() * share));
}
