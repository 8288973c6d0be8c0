import { expect, test } from 'vitest';
import { type Instant, minutes, ms, seconds } from '#unit/clock.ts';
import { planAllowance, planEvent } from './plan-event.ts';

const at = (span: number): Instant => (1_000_000 + span) as Instant;

test('the same thing told again makes a series, which is written at its beginning and then once a minute', () => {
  expect(planEvent(undefined, at(0))).toBe('create');
  expect(planEvent({ count: 1, last: at(0), written: at(0) }, at(1))).toBe('series');
  const told = { count: 2, last: at(1), written: at(1) };
  expect(planEvent(told, at(1 + seconds(60) - 1))).toBe('count');
  expect(planEvent(told, at(1 + seconds(60)))).toBe('series');
});

test('after six minutes of silence it is a new Event', () => {
  const told = { count: 9, last: at(0), written: at(0) };
  expect(planEvent(told, at(minutes(6)))).toBe('series');
  expect(planEvent(told, at(minutes(6) + 1))).toBe('create');
});

test('an object may have a burst of Events and then one in each span', () => {
  const rate = { burst: 2, every: ms(100) };
  const first = planAllowance(undefined, at(0), rate);
  const second = planAllowance(first, at(0), rate);
  expect(second).toEqual({ left: 0, at: at(0) });
  expect(planAllowance(second, at(99), rate)).toBeUndefined();
  expect(planAllowance(second, at(100), rate)).toEqual({ left: 0, at: at(100) });
  expect(planAllowance(second, at(100_000), rate)).toEqual({ left: 1, at: at(100_000) });
  // A clock that was set back takes nothing away.
  expect(planAllowance(first, at(-500), rate)?.left).toBe(0);
});
