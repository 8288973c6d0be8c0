import { expect, test } from 'vitest';
import { judgeWriters, parseNotes, parseVolume } from '../../support/judge-writers.ts';

const volume = parseVolume('1 a\n2 a\n3 b\n');
const notes = parseNotes('1 a 10\n2 a 20\n3 b 30\n');

test('writers that go on from each other keep the promise, also when the last write was not noted', () => {
  expect(judgeWriters(volume, notes)).toEqual([]);
  expect(judgeWriters(volume, notes.slice(0, 2))).toEqual([]);
});

test.each([
  ['a number that is lost', '1 a\n2 a', '1 a 10\n2 a 20\n3 b 30', ['number 3 of b was on the disk, and is lost']],
  [
    'a number that another writer has overwritten',
    '1 a\n2 b',
    '1 a 10\n2 a 20\n2 b 30',
    ['number 2 of a was on the disk, and is now of b', 'b wrote number 2 after a had written number 2'],
  ],
  [
    'two writers side by side',
    '1 a\n2 b\n3 a',
    '1 a 10\n3 a 20\n2 b 30',
    ['b wrote number 2 after a had written number 3'],
  ],
  ['a volume with a hole', '1 a\n3 a', '1 a 10', ['line 2 of the volume is number 3 of a']],
])('%s is a fault', (_title, written, noted, faults) => {
  expect(judgeWriters(parseVolume(written), parseNotes(noted))).toEqual(faults);
});
