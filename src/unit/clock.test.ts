import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { formatMs, ms, seconds, sleep, waitFor } from './clock.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1000, '1.0 s'],
  [59_940, '59.9 s'],
  [60_000, '1 min 00 s'],
  [125_400, '2 min 05 s'],
])('%i ms reads "%s"', (span, text) => {
  expect(formatMs(ms(span))).toBe(text);
});

test('a sleep ends at its time, and at once when its signal is aborted', async () => {
  const whole = sleep(seconds(5));
  const stop = new AbortController();
  const cut = sleep(seconds(5), stop.signal);
  stop.abort(new Error('enough'));
  await expect(cut).rejects.toThrow('enough');
  await expect(sleep(seconds(5), stop.signal)).rejects.toThrow('enough');
  await vi.advanceTimersByTimeAsync(5000);
  await whole;
});

test('a wait gives the first value that is there', async () => {
  const answers = [undefined, false, 'here'] as const;
  let asked = 0;
  const found = waitFor('an answer', async () => answers[asked++], { within: seconds(5) });
  await vi.advanceTimersByTimeAsync(1000);
  expect(await found).toBe('here');
});

test('a wait that runs out says what it waited for, how long, and what it saw last', async () => {
  const wait = waitFor(
    'node base-1',
    async () => {
      throw new Error('connection refused');
    },
    { within: seconds(2) },
  );
  const outcome = expect(wait).rejects.toThrow('waited 2.0 s for node base-1; last seen: connection refused');
  await vi.advanceTimersByTimeAsync(3000);
  await outcome;
});
