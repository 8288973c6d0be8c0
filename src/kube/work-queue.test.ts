import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Ms, ms, seconds, sleep } from '#unit/clock.ts';
import { workQueue } from './work-queue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const backoff = { first: ms(100), most: ms(1000) };
const neverFails = (error: unknown): never => {
  throw error;
};

interface Turn {
  readonly key: string;
  readonly from: number;
  to: number;
}

interface Adding {
  readonly key: string;
  readonly at: number;
}

const adding = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), at: fc.nat(2000) });
/** What one call of tend does: how long it takes and whether it fails. */
const doing = fc.record({ takes: fc.nat(300), fails: fc.boolean() });

/** Adds as scheduled, then lets time run until nothing is left to do. The first `script.length` calls do as the script says. */
async function play(adds: readonly Adding[], script: readonly { takes: number; fails: boolean }[], workers: number) {
  const turns: Turn[] = [];
  const reported: string[] = [];
  const thrown: string[] = [];
  const queue = workQueue({
    workers,
    backoff,
    onError: (_, { key }) => reported.push(key),
    async tend(key) {
      const { takes, fails } = script[turns.length] ?? { takes: 1, fails: false };
      const turn = { key, from: Date.now(), to: Infinity };
      turns.push(turn);
      await sleep(ms(takes));
      turn.to = Date.now();
      if (!fails) return;
      thrown.push(key);
      throw new Error(`no luck with ${key}`);
    },
  });
  const start = Date.now();
  for (const { key, at } of adds) setTimeout(() => queue.add(key), at);
  await vi.runAllTimersAsync();
  await queue.stop();
  return { start, turns, reported, thrown };
}

test('a key that is added is tended to the end of its troubles, by one worker at a time, and no failure is lost', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(adding, { maxLength: 30 }),
      fc.array(doing, { maxLength: 40 }),
      fc.integer({ min: 1, max: 3 }),
      async (adds, script, workers) => {
        const { start, turns, reported, thrown } = await play(adds, script, workers);
        expect(reported).toEqual(thrown);
        for (const { key, at } of adds) {
          const own = turns.filter((turn) => turn.key === key);
          expect(own.some(({ from }) => from >= start + at)).toBe(true);
          expect(own.every(({ from }, n) => n === 0 || from >= (own[n - 1]?.to ?? 0))).toBe(true);
        }
        for (const { from } of turns)
          expect(turns.filter((t) => t.from <= from && from < t.to).length).toBeLessThanOrEqual(workers);
        expect(turns.length).toBeLessThanOrEqual(adds.length + thrown.length);
      },
    ),
    { numRuns: 200 },
  );
});

test('a key added many times before its turn is tended once', async () => {
  const tended: string[] = [];
  const queue = workQueue({ onError: neverFails, tend: async (key) => void tended.push(key) });
  for (const key of ['a', 'b', 'a', 'a', 'b']) queue.add(key);
  await vi.runAllTimersAsync();
  expect(tended).toEqual(['a', 'b']);
});

test('a key added while it is tended is tended once more', async () => {
  const tended: string[] = [];
  const queue = workQueue({
    onError: neverFails,
    async tend(key) {
      tended.push(key);
      await sleep(seconds(1));
    },
  });
  queue.add('a');
  await vi.advanceTimersByTimeAsync(500);
  queue.add('a');
  queue.add('a');
  await vi.runAllTimersAsync();
  expect(tended).toEqual(['a', 'a']);
});

test('a key that fails after it was added again is tended once more, not twice', async () => {
  let calls = 0;
  const queue = workQueue({
    backoff,
    onError: () => undefined,
    async tend() {
      calls++;
      await sleep(seconds(1));
      if (calls === 1) throw new Error('not yet');
    },
  });
  queue.add('a');
  await vi.advanceTimersByTimeAsync(500);
  queue.add('a');
  await vi.runAllTimersAsync();
  expect(calls).toBe(2);
});

test('a failing key waits longer each time and starts anew after a success', async () => {
  const waits: Ms[] = [];
  const counts: number[] = [];
  let calls = 0;
  const queue = workQueue({
    backoff,
    onError: (_, { wait, failures }) => {
      waits.push(wait);
      counts.push(failures);
    },
    async tend() {
      calls++;
      if (calls !== 5) throw new Error('not yet');
    },
  });
  queue.add('a');
  await vi.advanceTimersByTimeAsync(5000);
  expect(calls).toBe(5);
  queue.add('a');
  await vi.advanceTimersByTimeAsync(0);
  expect(counts).toEqual([1, 2, 3, 4, 1]);
  for (const [n, wait] of waits.entries()) {
    const most = [100, 200, 400, 800, 100][n] as number;
    expect(wait).toBeGreaterThanOrEqual(most / 2);
    expect(wait).toBeLessThanOrEqual(most);
  }
  await queue.stop();
});

test('a key that asks to come again comes after that time, or at once when it is added before', async () => {
  const at: number[] = [];
  const start = Date.now();
  const queue = workQueue({
    onError: neverFails,
    async tend() {
      at.push(Date.now() - start);
      return { again: seconds(10) };
    },
  });
  queue.add('a');
  await vi.advanceTimersByTimeAsync(10_000);
  await vi.advanceTimersByTimeAsync(3000);
  queue.add('a');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(at).toEqual([0, 10_000, 13_000, 23_000]);
  await queue.stop();
});

test('a wait longer than a timer can hold does not come round at once', async () => {
  let calls = 0;
  const queue = workQueue({
    onError: neverFails,
    async tend() {
      calls++;
      return { again: ms(2 ** 40) };
    },
  });
  queue.add('a');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(calls).toBe(1);
  await queue.stop();
});

test('stop waits for what is being tended and starts nothing more', async () => {
  const ended: string[] = [];
  const queue = workQueue({
    onError: neverFails,
    async tend(key) {
      await sleep(seconds(1));
      ended.push(key);
    },
  });
  queue.add('a');
  queue.add('b');
  await vi.advanceTimersByTimeAsync(500);
  let stopped = false;
  const stopping = queue.stop().then(() => {
    stopped = true;
  });
  queue.add('c');
  await vi.advanceTimersByTimeAsync(400);
  expect(stopped).toBe(false);
  await vi.runAllTimersAsync();
  await stopping;
  expect(ended).toEqual(['a']);
});

test('a key that is busy and wanted again holds no other key back', async () => {
  const started: string[] = [];
  const queue = workQueue({
    workers: 2,
    onError: neverFails,
    async tend(key) {
      started.push(key);
      await sleep(key === 'slow' ? seconds(60) : ms(1));
    },
  });
  queue.add('slow');
  await vi.advanceTimersByTimeAsync(10);
  queue.add('slow');
  queue.add('other');
  await vi.advanceTimersByTimeAsync(10);
  expect(started).toEqual(['slow', 'other']);
  await vi.runAllTimersAsync();
  expect(started).toEqual(['slow', 'other', 'slow']);
});

test('a failure is followed by another try within 200 ms unless told otherwise', async () => {
  const waits: Ms[] = [];
  const queue = workQueue({
    onError: (_, { wait }) => void waits.push(wait),
    async tend() {
      if (waits.length === 0) throw new Error('not yet');
    },
  });
  queue.add('a');
  await vi.runAllTimersAsync();
  expect(waits).toHaveLength(1);
  expect(waits[0]).toBeGreaterThanOrEqual(100);
  expect(waits[0]).toBeLessThanOrEqual(200);
});

test.each(['fails', 'asks to come again'])(
  'a key that %s while the queue stops leaves no timer behind',
  async (how) => {
    const queue = workQueue({
      backoff,
      onError: () => undefined,
      async tend() {
        await sleep(seconds(1));
        if (how === 'fails') throw new Error('no luck');
        return { again: seconds(5) };
      },
    });
    queue.add('a');
    await vi.advanceTimersByTimeAsync(500);
    const stopping = queue.stop();
    await vi.advanceTimersByTimeAsync(500);
    await stopping;
    expect(vi.getTimerCount()).toBe(0);
  },
);

test('a key that waits for its time leaves no timer behind when the queue stops', async () => {
  const queue = workQueue({ onError: neverFails, tend: async () => ({ again: seconds(5) }) });
  queue.add('a');
  await vi.advanceTimersByTimeAsync(1000);
  expect(vi.getTimerCount()).toBe(1);
  await queue.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test('a key that is added just before the stop, or after it, is not begun', async () => {
  const tended: string[] = [];
  const queue = workQueue({ onError: neverFails, tend: async (key) => void tended.push(key) });
  queue.add('a');
  await queue.stop();
  queue.add('b');
  await vi.runAllTimersAsync();
  expect(tended).toEqual([]);
});
