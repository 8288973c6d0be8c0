import { expect, test } from 'vitest';
import type { CloudFailure } from './failure.ts';
import { retryAdvice } from './retry-advice.ts';

const raw = { action: 'CreateUHostInstance', code: '1', message: 'no' };

test.each<[CloudFailure['kind'], ReturnType<typeof retryAdvice>]>([
  ['throttled', 'after-backoff'],
  ['unavailable', 'after-backoff'],
  ['unknown', 'after-observing'],
  ['state', 'after-observing'],
  ['inUse', 'after-observing'],
  ['gone', 'when-the-world-changes'],
  ['exhausted', 'when-the-world-changes'],
  ['quota', 'when-the-world-changes'],
  ['outOfReach', 'when-the-world-changes'],
  ['denied', 'when-the-world-changes'],
  ['billing', 'when-the-world-changes'],
  ['invalid', 'when-the-world-changes'],
])('after %s the same wish may be asked for again %s', (kind, advice) => {
  expect(retryAdvice(kind === 'exhausted' ? { kind, what: 'addresses', raw } : { kind, raw })).toBe(advice);
});
