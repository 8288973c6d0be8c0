import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyLife, anyLifeWithLostAnswers, live } from '../../support/repeated-calls.ts';

test.each([
  ['that asks again', anyLife],
  ['whose changes are made although nobody hears of it', anyLifeWithLostAnswers],
])('150 lives of a volume, every call sent 2 to 10 times at once, over a cloud %s', async (_title, lives) => {
  await fc.assert(
    fc.asyncProperty(lives, async (life) => {
      expect(await live(life)).toEqual([]);
    }),
    { numRuns: 150 },
  );
});
