import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyLife, anyLifeWithLostAnswers, live } from '../../support/repeated-calls.ts';

/** `npm run test:long` tries many more. */
const few = { numRuns: 2, seed: 11, endOnFailure: true };

test('every call of a volume’s life, sent 2 to 10 times at once, has one answer and one result', async () => {
  await fc.assert(
    fc.asyncProperty(anyLife, async (life) => {
      expect(await live(life)).toEqual([]);
    }),
    few,
  );
}, 120_000);

test('also when the cloud does what is asked and nobody hears of it', async () => {
  await fc.assert(
    fc.asyncProperty(anyLifeWithLostAnswers, async (life) => {
      expect(await live(life)).toEqual([]);
    }),
    few,
  );
}, 120_000);
