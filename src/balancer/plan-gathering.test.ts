import { expect, test } from 'vitest';
import { type Gathered, gatheredWith, planGathering } from './plan-gathering.ts';

test.each<[string, Gathered, number]>([
  ['nothing more comes', { first: 1000, last: 1000, leaving: undefined }, 1500],
  ['more comes soon', { first: 1000, last: 1400, leaving: undefined }, 1900],
  ['more comes without an end', { first: 1000, last: 2900, leaving: undefined }, 3000],
  ['one leaves', { first: 1000, last: 1000, leaving: 1000 }, 1200],
  ['one leaves after others came', { first: 1000, last: 1450, leaving: 1450 }, 1650],
  ['several leave', { first: 1000, last: 1950, leaving: 1000 }, 2000],
  ['one leaves when it is time for the others', { first: 1000, last: 2950, leaving: 2950 }, 3000],
])('Services are looked at soon after a node has changed: %s', (_title, gathered, due) => {
  expect(planGathering(gathered)).toBe(due);
});

const first = { first: 1000, last: 1000, leaving: undefined };

test.each<[string, Gathered | undefined, [before: string[], now: string[]], Gathered]>([
  ['the first comes', undefined, [['a'], ['a', 'b']], { first: 1200, last: 1200, leaving: undefined }],
  ['one comes beside others', first, [['a'], ['a', 'b']], { ...first, last: 1200 }],
  ['one leaves', first, [['a', 'b'], ['a']], { first: 1000, last: 1200, leaving: 1200 }],
  ['one takes the place of another', undefined, [['a'], ['b']], { first: 1200, last: 1200, leaving: 1200 }],
  ['one comes after one has left', { ...first, leaving: 1000 }, [[], ['a']], { ...first, last: 1200, leaving: 1000 }],
])('changes of nodes are gathered: %s', (_title, gathered, [before, now], after) => {
  expect(gatheredWith(gathered, { before, now, at: 1200 })).toEqual(after);
});
