import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ms } from '#unit/clock.ts';
import { planBackoff } from './plan-backoff.ts';

const backoff = { first: ms(100), most: ms(1000) };

test('the wait after a failure never passes its bounds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, chance) => {
      const wait = planBackoff(failures, backoff, chance);
      expect(wait).toBeGreaterThanOrEqual(backoff.first / 2);
      expect(wait).toBeLessThanOrEqual(backoff.most);
    }),
  );
});
