import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ms, seconds, sleep } from '#unit/clock.ts';
import { sharedLook } from './shared-look.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Looks that take 100 ms and tell their number. */
function counted(every = seconds(1)): { readonly look: () => Promise<number>; readonly begun: number[] } {
  const begun: number[] = [];
  const look = sharedLook(async () => {
    begun.push(performance.now());
    const number = begun.length;
    await sleep(ms(100));
    return number;
  }, every);
  return { look, begun };
}

async function told<T>(asked: Promise<T>): Promise<T> {
  await vi.advanceTimersByTimeAsync(10_000);
  return asked;
}

test('who asks at the same time shares one look', async () => {
  const { look } = counted();
  expect(await told(Promise.all([look(), look(), look()]))).toEqual([1, 1, 1]);
});

test('who asks while a look runs is told by the next one', async () => {
  const { look } = counted();
  const first = look();
  await vi.advanceTimersByTimeAsync(50);
  expect(await told(Promise.all([first, look(), look()]))).toEqual([1, 2, 2]);
});

test('looks begin so far apart, however often somebody asks', async () => {
  const { look, begun } = counted();
  for (let asked = 0; asked < 35; asked++) {
    void look();
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(begun.map((at) => at - (begun[0] ?? 0))).toEqual([0, 1000, 2000, 3000]);
});

test('who asks after a while waits for nothing', async () => {
  const { look, begun } = counted();
  await told(look());
  const at = performance.now();
  await told(look());
  expect(begun[1]).toBe(at);
});

test('looks that take longer than they are apart come one after the other', async () => {
  const { look, begun } = counted(ms(10));
  void look();
  await vi.advanceTimersByTimeAsync(50);
  void look();
  await vi.advanceTimersByTimeAsync(1000);
  expect(begun.map((at) => at - (begun[0] ?? 0))).toEqual([0, 100]);
});

test('a look that fails fails for those who shared it, and the next one is tried', async () => {
  let looks = 0;
  const look = sharedLook(async () => {
    looks++;
    if (looks === 1) throw new Error('no');
    return looks;
  }, ms(10));
  await expect(look()).rejects.toThrow('no');
  expect(await told(look())).toBe(2);
});
