import { type Instant, type Ms, minutes } from '#unit/clock.ts';
import { formatAmount, type JoinReport } from './join-report.ts';

/** What is known of the progress of one joining machine, from the reports that were seen. */
export interface Tracked {
  /** When it last made progress; at the beginning, when it was first looked at. */
  readonly lastProgress: Instant;
  /** The most bytes that it has had. */
  readonly have: number;
  readonly steps: readonly string[];
  /** The latest looks at which there were more bytes, for the speed. */
  readonly samples: readonly { readonly at: Instant; readonly have: number }[];
  readonly report: JoinReport | undefined;
  /** Why its last try failed, as long as it has made no progress since. */
  readonly fault: string | undefined;
}

/** How long the speed is measured over. */
const window = minutes(0.5);

export function beginTracking(at: Instant): Tracked {
  return { lastProgress: at, have: 0, steps: [], samples: [], report: undefined, fault: undefined };
}

/**
 * Adds a look. Progress is more bytes than ever before, or a step that was not seen before; a machine that tries the same again
 * and again makes none.
 */
export function track(tracked: Tracked, report: JoinReport | undefined, at: Instant): Tracked {
  if (report === undefined) return tracked;
  const hasMore = report.have > tracked.have;
  const isNewStep = !tracked.steps.includes(report.step);
  const progressed = hasMore || isNewStep;
  const samples = [...tracked.samples, ...(hasMore || tracked.samples.length === 0 ? [{ at, have: report.have }] : [])];
  return {
    lastProgress: progressed ? at : tracked.lastProgress,
    have: Math.max(tracked.have, report.have),
    steps: isNewStep ? [...tracked.steps, report.step] : tracked.steps,
    samples: samples.filter((sample, i) => i === samples.length - 1 || at - sample.at <= window),
    report,
    fault: report.fault ?? (progressed ? undefined : tracked.fault),
  };
}

/** Since when it makes no progress, when that is longer than whoever waits for it has patience. */
export function stalledSince({ lastProgress }: Tracked, at: Instant, patience: Ms): Instant | undefined {
  return at - lastProgress >= patience ? lastProgress : undefined;
}

/** `412 of 586 MB, 3.1 Mbit/s`; or what it does when all is fetched; or why its last try failed. */
export function explainProgress({ report, samples, have, fault }: Tracked, at: Instant): string {
  if (report === undefined) return 'it has not reported any progress yet';
  if (fault !== undefined) return `its last try failed, and it tries again: ${fault}`;
  if (have >= report.of && report.of > 0) return `everything is fetched; ${report.step}`;
  const amount = formatAmount({ have, of: report.of });
  const rate = speed(samples, at);
  return report.of === 0 ? report.step : `${amount}${rate === undefined ? '' : `, ${rate}`}`;
}

function speed(samples: Tracked['samples'], at: Instant): string | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.have === first.have) return undefined;
  const span: Ms = (at - first.at) as Ms;
  return span <= 0 ? undefined : `${(((last.have - first.have) * 8) / 1000 / span).toFixed(1)} Mbit/s`;
}
