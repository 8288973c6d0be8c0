import type { Health } from './record.ts';

/** How often a target is checked. @unit interval: seconds; the others: checks in a row */
export interface Rhythm {
  readonly interval: number;
  readonly minSuccess: number;
  readonly maxFail: number;
}

/** @source UCloud API reference, nlb-api, model HealthCheckConfig: defaults */
export const usualRhythm: Rhythm = { interval: 2, minSuccess: 3, maxFail: 3 };

export const newborn: Health = { isHealthy: false, contrary: 0 };

/** The health after one more check. */
export function nextHealth({ isHealthy, contrary }: Health, hasAnswered: boolean, rhythm: Rhythm): Health {
  if (hasAnswered === isHealthy) return { isHealthy, contrary: 0 };
  const needed = hasAnswered ? rhythm.minSuccess : rhythm.maxFail;
  return contrary + 1 < needed ? { isHealthy, contrary: contrary + 1 } : { isHealthy: hasAnswered, contrary: 0 };
}
