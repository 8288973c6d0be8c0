import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ms } from '#unit/clock.ts';
import { planBackoff } from './plan-backoff.ts';

const backoff = { first: ms(100), most: ms(1000) };

test.each([
  ['the first failure', 1, 1, 100],
  ['the second', 2, 1, 200],
  ['the fourth', 4, 1, 800],
  ['the fifth, where the bound is', 5, 1, 1000],
  ['the hundredth', 100, 1, 1000],
  ['the first, by chance', 1, 0, 50],
  ['the hundredth, by chance', 100, 0.5, 750],
])('the wait after %s', (_, failures, chance, wait) => {
  expect(planBackoff(failures, backoff, chance)).toBe(wait);
});

test('the wait after a failure never passes its bounds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, chance) => {
      const wait = planBackoff(failures, backoff, chance);
      expect(wait).toBeGreaterThanOrEqual(backoff.first / 2);
      expect(wait).toBeLessThanOrEqual(backoff.most);
    }),
  );
});
