import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ms } from '#unit/clock.ts';
import { deadlineIn } from './deadline.ts';
import { limiter } from './limiter.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('lets so many in at once, and the next one when a turn is given back', async () => {
  const limit = limiter(1);
  const first = await limit.turn(deadlineIn(ms(1000)));
  let second = false;
  const waiting = limit.turn(deadlineIn(ms(1000))).then((giveBack) => {
    second = giveBack !== undefined;
  });
  await vi.advanceTimersByTimeAsync(500);
  expect(second).toBe(false);
  first?.();
  await waiting;
  expect(second).toBe(true);
});

test('gives no turn after the deadline, and loses none by it', async () => {
  const limit = limiter(1);
  const first = await limit.turn(deadlineIn(ms(1000)));
  const tooLate = limit.turn(deadlineIn(ms(100)));
  await vi.advanceTimersByTimeAsync(100);
  expect(await tooLate).toBeUndefined();
  first?.();
  expect(await limit.turn(deadlineIn(ms(100)))).toBeDefined();
});

test('rests as a whole when one call asks for it', async () => {
  const limit = limiter(4);
  limit.rest(ms(300));
  let begun = false;
  const waiting = limit.turn(deadlineIn(ms(1000))).then(() => {
    begun = true;
  });
  await vi.advanceTimersByTimeAsync(299);
  expect(begun).toBe(false);
  await vi.advanceTimersByTimeAsync(2);
  await waiting;
  expect(begun).toBe(true);
});

test('does not wait out a rest that is longer than the deadline', async () => {
  const limit = limiter(1);
  limit.rest(ms(5000));
  expect(await limit.turn(deadlineIn(ms(100)))).toBeUndefined();
  await vi.advanceTimersByTimeAsync(5000);
  expect(await limit.turn(deadlineIn(ms(100)))).toBeDefined();
});
