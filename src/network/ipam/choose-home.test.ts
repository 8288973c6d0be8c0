import { expect, test } from 'vitest';
import { chooseHome, type HomeChoice, type HomeSeen } from './choose-home.ts';

const first: HomeSeen = { id: undefined, most: undefined, refused: undefined };
const second: HomeSeen = { ...first, id: 'uni-2' };
const entry = (home?: string) => ({
  ip: '10.9.0.1',
  state: 'usable' as const,
  since: '2026-11-29T12:00:00Z',
  ...(home !== undefined && { home }),
});
const any = Number.POSITIVE_INFINITY;

test.each<[string, readonly HomeSeen[], ReturnType<typeof entry>[], HomeChoice]>([
  [
    'the only interface is asked, whatever it has',
    [first],
    [entry(), entry()],
    { do: 'ask', home: undefined, room: any },
  ],
  ['the first interface is asked first', [first, second], [], { do: 'ask', home: undefined, room: any }],
  [
    'the room that the cloud tells is what is not given yet',
    [{ ...first, most: 3 }, second],
    [entry(), entry('uni-2')],
    { do: 'ask', home: undefined, room: 2 },
  ],
  [
    'an interface that has all that it takes is passed over',
    [
      { ...first, most: 2 },
      { ...second, most: 2 },
    ],
    [entry(), entry(), entry('uni-2')],
    { do: 'ask', home: 'uni-2', room: 1 },
  ],
  [
    'an interface that was refused is passed over',
    [{ ...first, refused: 'full' }, second],
    [],
    { do: 'ask', home: 'uni-2', room: any },
  ],
  [
    'when all have what they take the first is asked all the same: the refusal tells why',
    [
      { ...first, most: 1 },
      { ...second, most: 1 },
    ],
    [entry(), entry('uni-2')],
    { do: 'ask', home: undefined, room: any },
  ],
  [
    'and then the next one',
    [
      { ...first, most: 1, refused: 'full' },
      { ...second, most: 1 },
    ],
    [entry(), entry('uni-2')],
    { do: 'ask', home: 'uni-2', room: any },
  ],
  [
    'when all were refused the last refusal is told',
    [
      { ...first, refused: 'quota 4207' },
      { ...second, refused: 'subnet full 57000' },
    ],
    [],
    { do: 'refuse', why: 'subnet full 57000' },
  ],
  [
    'of three, too',
    ['a', 'b', 'c'].map((why, at) => ({ ...first, id: at === 0 ? undefined : `uni-${at}`, refused: why })),
    [],
    { do: 'refuse', why: 'c' },
  ],
  ['a machine without an interface has nothing to ask', [], [], { do: 'refuse', why: 'the machine has no interface' }],
])('%s', (_title, homes, entries, choice) => {
  expect(chooseHome(homes, entries)).toEqual(choice);
});
