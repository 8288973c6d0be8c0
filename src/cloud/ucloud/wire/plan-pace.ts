import { type Ms, ms, seconds } from '#unit/clock.ts';

/** Limits of calls are told for a second. @source UCloud publishes no rate; 153 is "rate limited" */
const span = seconds(1);

/** What refusals have taught about one action. Until the first one nothing is known, and nothing is held back. */
export interface Pace {
  /** So many calls within `span`. */
  readonly most: number;
  /** When that was learned or tried, by the clock that all of these times are of. */
  readonly since: number;
  /** No call before: a cloud that has just refused is left alone for a while. */
  readonly opens: number;
  /** Refusals in a row. */
  readonly refusals: number;
  /** How long `most` stands before more is tried. */
  readonly trial: Ms;
  /** How many more are tried next time. */
  readonly step: number;
}

/** What was seen of the calls of one action. */
export interface PaceSeen {
  /** Calls that are under way. */
  readonly running: number;
  /** When calls were over that the cloud took, in order. */
  readonly ended: readonly number[];
  readonly at: number;
}

/** A limit that stands where it is known to be is not tried again all the time. */
const longestTrial = seconds(30);
const shortestTrial = seconds(1);
const longestRest = seconds(8);

/**
 * How many calls the cloud takes is what it has taken when it refuses one more. A call that was sent before the last lesson teaches
 * nothing new: several that were under way are refused together.
 * @unit sentAt: of the refused call; pause: after the first refusal, doubled after each further one in a row; chance: 0 to 1, spreads a crowd
 */
export function paceAfterRefusal(
  pace: Pace | undefined,
  { ended, at }: Pick<PaceSeen, 'ended' | 'at'>,
  { sentAt, pause, chance }: { readonly sentAt: number; readonly pause: Ms; readonly chance: number },
): Pace {
  if (pace !== undefined && sentAt < pace.since) return pace;
  const refusals = (pace?.refusals ?? 0) + 1;
  const wasTried = pace !== undefined && pace.step > 1;
  const taken = lately(ended, at).length;
  const rest = Math.min(longestRest, pause * 2 ** (refusals - 1)) * (0.5 + chance / 2);
  return {
    most: Math.max(1, Math.min(taken, (pace?.most ?? Number.POSITIVE_INFINITY) - 1)),
    since: at,
    opens: at + rest,
    refusals,
    trial: ms(wasTried ? Math.min(longestTrial, pace.trial * 2) : (pace?.trial ?? shortestTrial)),
    step: 1,
  };
}

/** A call that was taken ends the row of refusals; one that was under way at the last lesson was left out there, and has its place. */
export function paceAfterAnswer(pace: Pace | undefined, sentAt: number): Pace | undefined {
  if (pace === undefined) return undefined;
  const isLate = sentAt < pace.since && pace.refusals > 0;
  return isLate ? { ...pace, most: pace.most + 1 } : { ...pace, refusals: 0 };
}

/** While calls wait for nothing but the pace, more are tried from time to time: one, then two, then four, until one is refused. */
export function paceWhileWaiting(pace: Pace, at: number): Pace {
  if (at < pace.since + pace.trial) return pace;
  const isGrowing = pace.step > 1;
  return {
    ...pace,
    most: pace.most + pace.step,
    since: at,
    trial: isGrowing ? shortestTrial : pace.trial,
    step: pace.step * 2,
  };
}

/** When the next call of the action may start: `at` for now, infinity when only the end of one that runs can tell. */
export function nextStart(pace: Pace | undefined, { running, ended, at }: PaceSeen): number {
  if (pace === undefined) return at;
  const counted = lately(ended, at);
  const tooMany = running + counted.length + 1 - pace.most;
  // The cloud counted a call at some time before its answer was here: what ended a span ago is surely not counted any more.
  const room = tooMany <= 0 ? at : (counted[tooMany - 1] ?? Number.POSITIVE_INFINITY) + span;
  return Math.max(at, pace.opens, room);
}

/** Those that a limit of calls within a span may still count. */
export function lately(ended: readonly number[], at: number): readonly number[] {
  return ended.filter((time) => time + span > at);
}
