import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ms } from '#unit/clock.ts';
import { deadlineIn } from './deadline.ts';
import { limiter, type Priority } from './limiter.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('lets so many in at once, and the next one when a turn is given back', async () => {
  const limit = limiter(1);
  const first = await limit.turn('changes', deadlineIn(ms(1000)));
  let second = false;
  const waiting = limit.turn('changes', deadlineIn(ms(1000))).then((giveBack) => {
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
  const first = await limit.turn('changes', deadlineIn(ms(1000)));
  const tooLate = limit.turn('changes', deadlineIn(ms(100)));
  await vi.advanceTimersByTimeAsync(100);
  expect(await tooLate).toBeUndefined();
  first?.();
  expect(await limit.turn('changes', deadlineIn(ms(100)))).toBeDefined();
});

test('rests as a whole when one call asks for it', async () => {
  const limit = limiter(4);
  limit.rest(ms(300));
  let begun = false;
  const waiting = limit.turn('changes', deadlineIn(ms(1000))).then(() => {
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
  expect(await limit.turn('changes', deadlineIn(ms(100)))).toBeUndefined();
  await vi.advanceTimersByTimeAsync(5000);
  expect(await limit.turn('changes', deadlineIn(ms(100)))).toBeDefined();
});

test('creates that take a minute leave a turn free for the addresses of pods, and audits leave two', async () => {
  const limit = limiter(4);
  const started: string[] = [];
  const ask = (priority: Priority): void =>
    void limit.turn(priority, deadlineIn(ms(60_000))).then((turn) => turn && started.push(priority));
  for (let i = 0; i < 5; i++) ask('changes');
  await vi.advanceTimersByTimeAsync(1);
  expect(started).toEqual(['changes', 'changes', 'changes']);
  ask('audits');
  ask('addresses');
  await vi.advanceTimersByTimeAsync(1);
  expect(started).toEqual(['changes', 'changes', 'changes', 'addresses']);
});

test('audits alone have two turns of four', async () => {
  const limit = limiter(4);
  const started: number[] = [];
  for (let i = 0; i < 4; i++) void limit.turn('audits', deadlineIn(ms(60_000))).then((turn) => turn && started.push(i));
  await vi.advanceTimersByTimeAsync(1);
  expect(started).toEqual([0, 1]);
});

test('of those who wait addresses go before changes and changes before audits, and of one kind who came first', async () => {
  const limit = limiter(1);
  const first = await limit.turn('audits', deadlineIn(ms(60_000)));
  const order: string[] = [];
  const ask = (priority: Priority, name: string): void =>
    void limit.turn(priority, deadlineIn(ms(60_000))).then((turn) => {
      order.push(name);
      turn?.();
    });
  ask('audits', 'audit');
  ask('changes', 'create 1');
  ask('changes', 'create 2');
  ask('addresses', 'address');
  first?.();
  await vi.advanceTimersByTimeAsync(1);
  expect(order).toEqual(['address', 'create 1', 'create 2', 'audit']);
});

test('a burst of creates that give up in the queue leaves nobody behind', async () => {
  const limit = limiter(2);
  const held = await limit.turn('changes', deadlineIn(ms(60_000)));
  const late = limit.turn('changes', deadlineIn(ms(10)));
  await vi.advanceTimersByTimeAsync(11);
  expect(await late).toBeUndefined();
  held?.();
  expect(await limit.turn('changes', deadlineIn(ms(10)))).toBeDefined();
});
