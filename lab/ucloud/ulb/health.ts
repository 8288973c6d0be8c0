import type { Health } from './state.ts';

/** @unit interval: seconds; the others: checks in a row. @source UCloud API reference, nlb-api, model HealthCheckConfig: defaults */
export const checks = { interval: 2, minSuccess: 3, maxFail: 3 } as const;

export const newborn: Health = { isHealthy: false, contrary: 0 };

/** The health after one more check. */
export function nextHealth({ isHealthy, contrary }: Health, hasAnswered: boolean): Health {
  if (hasAnswered === isHealthy) return { isHealthy, contrary: 0 };
  const needed = hasAnswered ? checks.minSuccess : checks.maxFail;
  return contrary + 1 < needed ? { isHealthy, contrary: contrary + 1 } : { isHealthy: hasAnswered, contrary: 0 };
}
