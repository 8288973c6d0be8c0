import type { CloudFailure } from './failure.ts';

/** When the same wish may be asked for again. */
export function retryAdvice(failure: CloudFailure): 'after-backoff' | 'after-observing' | 'when-the-world-changes' {
  switch (failure.kind) {
    case 'throttled':
    case 'unavailable':
      return 'after-backoff';
    case 'unknown':
    case 'state':
    case 'inUse':
      return 'after-observing';
    case 'gone':
    case 'exhausted':
    case 'quota':
    case 'outOfReach':
    case 'denied':
    case 'billing':
    case 'invalid':
      return 'when-the-world-changes';
  }
}
