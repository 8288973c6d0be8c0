import { expect, test } from 'vitest';
import { ms } from '#unit/clock.ts';
import { nextStart, type Pace, paceAfterAnswer, paceAfterRefusal, paceWhileWaiting } from './plan-pace.ts';

const learned: Pace = { most: 3, since: 10_000, opens: 10_100, refusals: 0, trial: ms(1000), step: 1 };
const pause = ms(200);
/** Three calls within the last second, and one before. */
const ended = [9000, 9500, 9600, 9700];

test.each<[string, Pace | undefined, { running: number; ended: readonly number[]; at: number }, number]>([
  ['nothing was ever refused', undefined, { running: 9, ended, at: 10_000 }, 10_000],
  ['the cloud is left alone', learned, { running: 0, ended: [], at: 10_000 }, 10_100],
  ['there is room', learned, { running: 1, ended: [10_200], at: 10_300 }, 10_300],
  ['the oldest is counted until a second after its end', learned, { running: 0, ended, at: 10_200 }, 10_500],
  ['two must leave', learned, { running: 1, ended, at: 10_200 }, 10_600],
  ['all that counts still runs', learned, { running: 3, ended: [], at: 10_200 }, Number.POSITIVE_INFINITY],
])('a call may start when there is room in the pace: %s', (_title, pace, seen, start) => {
  expect(nextStart(pace, seen)).toBe(start);
});

test.each<[string, Pace | undefined, { sentAt: number; chance: number }, Pace]>([
  [
    'the first one teaches what was taken within the last second',
    undefined,
    { sentAt: 9990, chance: 1 },
    { most: 3, since: 10_000, opens: 10_200, refusals: 1, trial: ms(1000), step: 1 },
  ],
  [
    'what was known is not reached any more',
    { ...learned, since: 9000 },
    { sentAt: 9990, chance: 0 },
    { most: 2, since: 10_000, opens: 10_100, refusals: 1, trial: ms(1000), step: 1 },
  ],
  [
    'a trial that failed is repeated later',
    { ...learned, most: 4, since: 9000, step: 2 },
    { sentAt: 9990, chance: 1 },
    { most: 3, since: 10_000, opens: 10_200, refusals: 1, trial: ms(2000), step: 1 },
  ],
  [
    'a trial that failed again and again is repeated every 30 s',
    { ...learned, most: 4, since: 9000, trial: ms(20_000), step: 2 },
    { sentAt: 9990, chance: 1 },
    { most: 3, since: 10_000, opens: 10_200, refusals: 1, trial: ms(30_000), step: 1 },
  ],
  [
    'a row of refusals is followed by longer rests, of 8 s at the most',
    { ...learned, since: 9000, refusals: 6 },
    { sentAt: 9990, chance: 1 },
    { most: 2, since: 10_000, opens: 18_000, refusals: 7, trial: ms(1000), step: 1 },
  ],
  [
    'one that was sent at the moment of the last lesson counts',
    { ...learned, since: 9990 },
    { sentAt: 9990, chance: 1 },
    { most: 2, since: 10_000, opens: 10_200, refusals: 1, trial: ms(1000), step: 1 },
  ],
  ['one that was sent before the last lesson teaches nothing', learned, { sentAt: 9999, chance: 1 }, learned],
])('a refusal: %s', (_title, pace, how, after) => {
  expect(paceAfterRefusal(pace, { ended, at: 10_000 }, { ...how, pause })).toEqual(after);
});

test('one call at least is left, however little was taken', () => {
  expect(paceAfterRefusal(undefined, { ended: [], at: 10_000 }, { sentAt: 9990, pause, chance: 1 }).most).toBe(1);
});

test.each<[string, Pace | undefined, number, Pace | undefined]>([
  ['nothing is known, and nothing is learned', undefined, 9000, undefined],
  ['it ends a row of refusals', { ...learned, refusals: 2 }, 10_200, learned],
  [
    'it was under way when another was refused',
    { ...learned, refusals: 1 },
    9999,
    { ...learned, most: 4, refusals: 1 },
  ],
  ['it was sent after another was refused', { ...learned, refusals: 1 }, 10_000, learned],
  ['it was sent before more was tried, and no refusal came between', learned, 9999, learned],
])('a call that was taken: %s', (_title, pace, sentAt, after) => {
  expect(paceAfterAnswer(pace, sentAt)).toEqual(after);
});

test.each<[string, Pace, number, Pace]>([
  ['not before it is time', learned, 10_999, learned],
  [
    'one more at first, and as seldom as before',
    { ...learned, trial: ms(4000) },
    14_000,
    { ...learned, most: 4, since: 14_000, trial: ms(4000), step: 2 },
  ],
  [
    'faster while it goes well, and as often as at first',
    { ...learned, step: 2, trial: ms(16_000) },
    26_000,
    { ...learned, most: 5, since: 26_000, step: 4 },
  ],
])('while calls wait for the pace more are tried: %s', (_title, pace, at, after) => {
  expect(paceWhileWaiting(pace, at)).toEqual(after);
});
