import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ms, sleep } from '#unit/clock.ts';
import { deadlineIn } from './deadline.ts';
import { type Limiter, limiter, type Priority, type Turn } from './limiter.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const pause = ms(200);
const turnOf = (limit: Limiter, within = 1000, action = 'DoIt'): Promise<Turn | undefined> =>
  limit.turn(action, 'changes', deadlineIn(ms(within)));
const taken = { refused: false };
const refused = { refused: true };

test('lets so many in at once, and the next one when a turn is over', async () => {
  const limit = limiter(1, pause);
  const first = await turnOf(limit);
  let second = false;
  const waiting = turnOf(limit).then((turn) => {
    second = turn !== undefined;
  });
  await vi.advanceTimersByTimeAsync(500);
  expect(second).toBe(false);
  first?.end(taken);
  await waiting;
  expect(second).toBe(true);
});

test('gives no turn after the deadline, and loses none by it', async () => {
  const limit = limiter(1, pause);
  const first = await turnOf(limit);
  const tooLate = turnOf(limit, 100);
  await vi.advanceTimersByTimeAsync(100);
  expect(await tooLate).toBeUndefined();
  first?.end(taken);
  expect(await turnOf(limit, 100)).toBeDefined();
});

test('an action that was refused as one too many rests, and no other one waits for it', async () => {
  const limit = limiter(1, pause);
  (await turnOf(limit))?.end(refused);
  let begun = false;
  const waiting = turnOf(limit).then(() => {
    begun = true;
  });
  await vi.advanceTimersByTimeAsync(99);
  expect(begun).toBe(false);
  expect(await turnOf(limit, 1000, 'DoElse').then((turn) => turn?.end(taken))).toBeUndefined();
  await vi.advanceTimersByTimeAsync(102);
  await waiting;
  expect(begun).toBe(true);
});

test('a rest that is longer than the deadline is not waited out', async () => {
  const limit = limiter(1, ms(10_000));
  (await turnOf(limit))?.end(refused);
  const tooLate = turnOf(limit, 100);
  await vi.advanceTimersByTimeAsync(100);
  expect(await tooLate).toBeUndefined();
  const patient = turnOf(limit, 10_000);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await patient).toBeDefined();
});

test('creates that take a minute leave a turn free for the addresses of pods, and audits leave two', async () => {
  const limit = limiter(4, pause);
  const started: string[] = [];
  const ask = (priority: Priority): void =>
    void limit.turn('DoIt', priority, deadlineIn(ms(60_000))).then((turn) => turn && started.push(priority));
  for (let i = 0; i < 5; i++) ask('changes');
  await vi.advanceTimersByTimeAsync(1);
  expect(started).toEqual(['changes', 'changes', 'changes']);
  ask('audits');
  ask('addresses');
  await vi.advanceTimersByTimeAsync(1);
  expect(started).toEqual(['changes', 'changes', 'changes', 'addresses']);
});

test('audits alone have two turns of four', async () => {
  const limit = limiter(4, pause);
  const started: number[] = [];
  for (let i = 0; i < 4; i++)
    void limit.turn('DoIt', 'audits', deadlineIn(ms(60_000))).then((turn) => turn && started.push(i));
  await vi.advanceTimersByTimeAsync(1);
  expect(started).toEqual([0, 1]);
});

test('of those who wait addresses go before changes and changes before audits, and of one kind who came first', async () => {
  const limit = limiter(1, pause);
  const first = await limit.turn('DoIt', 'audits', deadlineIn(ms(60_000)));
  const order: string[] = [];
  const ask = (priority: Priority, name: string): void =>
    void limit.turn('DoIt', priority, deadlineIn(ms(60_000))).then((turn) => {
      order.push(name);
      turn?.end(taken);
    });
  ask('audits', 'audit');
  ask('changes', 'create 1');
  ask('changes', 'create 2');
  ask('addresses', 'address');
  first?.end(taken);
  await vi.advanceTimersByTimeAsync(1);
  expect(order).toEqual(['address', 'create 1', 'create 2', 'audit']);
});

test('what an action may do in a second goes to those who are first in rank', async () => {
  const limit = limiter(4, pause);
  (await turnOf(limit))?.end(taken);
  (await turnOf(limit))?.end(refused);
  const order: string[] = [];
  const ask = (priority: Priority): void =>
    void limit.turn('DoIt', priority, deadlineIn(ms(60_000))).then((turn) => {
      order.push(priority);
      turn?.end(taken);
    });
  ask('audits');
  ask('changes');
  ask('addresses');
  await vi.advanceTimersByTimeAsync(990);
  expect(order).toEqual([]);
  await vi.advanceTimersByTimeAsync(3000);
  expect(order).toEqual(['addresses', 'changes', 'audits']);
});

test('a burst of creates that give up in the queue leaves nobody behind', async () => {
  const limit = limiter(2, pause);
  const held = await turnOf(limit, 60_000);
  const late = turnOf(limit, 10);
  await vi.advanceTimersByTimeAsync(11);
  expect(await late).toBeUndefined();
  held?.end(taken);
  expect(await turnOf(limit, 10)).toBeDefined();
});

/** How a cloud counts: whether a call that comes now is taken. */
type Gate = (at: number) => boolean;

function slidingWindow(most: number): Gate {
  let recent: number[] = [];
  return (at) => {
    recent = recent.filter((before) => at - before < 1000);
    return recent.length < most && recent.push(at) > 0;
  };
}

function wholeSeconds(most: number): Gate {
  const counts = new Map<number, number>();
  return (at) => {
    const second = Math.floor(at / 1000);
    const count = counts.get(second) ?? 0;
    counts.set(second, count + 1);
    return count < most;
  };
}

function bucket(rate: number, size: number): Gate {
  let full = size;
  let last = 0;
  return (at) => {
    full = Math.min(size, full + ((at - last) * rate) / 1000);
    last = at;
    return full >= 1 && full-- > 0;
  };
}

/** All calls at once, each repeated until it is taken. */
async function workOff(
  count: number,
  gate: Gate,
  actionOf: (call: number) => string = () => 'DoIt',
): Promise<{ readonly took: number; readonly refusals: number }> {
  const limit = limiter(4, pause);
  const began = performance.now();
  let refusals = 0;
  let left = count;
  const one = async (call: number): Promise<void> => {
    for (let isTaken = false; !isTaken; ) {
      const turn = await turnOf(limit, 3_600_000, actionOf(call));
      await sleep(ms(5 + ((call * 7) % 40)));
      isTaken = gate(performance.now());
      if (!isTaken) refusals++;
      await sleep(ms(5));
      turn?.end({ refused: !isTaken });
    }
    left--;
  };
  for (let call = 0; call < count; call++) void one(call);
  while (left > 0) await vi.advanceTimersByTimeAsync(10);
  return { took: performance.now() - began, refusals };
}

test.each<[string, number, () => Gate]>([
  ['20 in any second', 20, () => slidingWindow(20)],
  ['5 in any second', 5, () => slidingWindow(5)],
  ['20 in each second of the clock', 20, () => wholeSeconds(20)],
  ['20 a second after a burst of 60', 20, () => bucket(20, 60)],
])(
  '500 calls of one action against a limit of %s take little more time than the limit asks for',
  async (_title, rate, gate) => {
    const { took, refusals } = await workOff(500, gate());
    expect(took / ((500 / rate) * 1000)).toBeLessThan(1.1);
    expect(refusals).toBeLessThan(40);
  },
);

test('a limit that counts all actions together is found by each of them', async () => {
  const { took, refusals } = await workOff(500, slidingWindow(20), (call) => `Do${call % 4}`);
  expect(took / 25_000).toBeLessThan(1.25);
  expect(refusals).toBeLessThan(100);
});

test('a refusal that came of no limit is forgotten within seconds', async () => {
  let calls = 0;
  const { took, refusals } = await workOff(300, () => calls++ !== 1);
  expect(refusals).toBe(1);
  expect(took).toBeLessThan(15_000);
});

test('a cloud that takes nothing for ten seconds is asked a few times in them', async () => {
  const { took, refusals } = await workOff(20, (at) => at >= 10_000);
  expect(refusals).toBeLessThan(15);
  expect(took).toBeLessThan(30_000);
});
