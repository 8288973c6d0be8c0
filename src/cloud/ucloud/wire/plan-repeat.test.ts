import { expect, test } from 'vitest';
import { ms, seconds } from '#unit/clock.ts';
import { planRepeat, type RepeatStep, usualPause } from './plan-repeat.ts';

test.each<[string, Omit<Parameters<typeof planRepeat>[0], 'pause'>, RepeatStep]>([
  [
    'reports what must not be sent again',
    { again: undefined, attempt: 1, left: seconds(60), chance: 1 },
    { do: 'report', why: 'not-repeatable' },
  ],
  [
    'begins with a short pause',
    { again: ms(0), attempt: 1, left: seconds(60), chance: 1 },
    { do: 'repeat', after: ms(200) },
  ],
  [
    'spreads callers over half of the pause',
    { again: ms(0), attempt: 1, left: seconds(60), chance: 0 },
    { do: 'repeat', after: ms(100) },
  ],
  [
    'doubles the pause with each attempt',
    { again: ms(0), attempt: 4, left: seconds(60), chance: 1 },
    { do: 'repeat', after: ms(1600) },
  ],
  [
    'never pauses longer than eight seconds of its own accord',
    { again: ms(0), attempt: 400, left: seconds(60), chance: 1 },
    { do: 'repeat', after: seconds(8) },
  ],
  [
    'waits as long as the cloud asks for',
    { again: seconds(30), attempt: 1, left: seconds(60), chance: 1 },
    { do: 'repeat', after: seconds(30) },
  ],
  [
    'reports when the pause would leave no time for an answer',
    { again: ms(0), attempt: 1, left: ms(449), chance: 1 },
    { do: 'report', why: 'no-time-left' },
  ],
  [
    'repeats when the pause leaves just enough',
    { again: ms(0), attempt: 1, left: ms(450), chance: 1 },
    { do: 'repeat', after: ms(200) },
  ],
  [
    'reports at once when the pause would outlast the deadline',
    { again: seconds(30), attempt: 1, left: seconds(30), chance: 1 },
    { do: 'report', why: 'no-time-left' },
  ],
])('%s', (_title, seen, step) => {
  expect(planRepeat({ ...seen, pause: usualPause })).toEqual(step);
});
