import { expect, test } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { chooseSize, isWithin, type SizeChoice } from './choose-size.ts';

const kind = { least: gibi(10), most: gibi(8000), step: gibi(10) };

const rows: readonly (readonly [string, number, number, number, SizeChoice])[] = [
  ['nothing told', 0, 0, 0, { ok: true, size: gibi(10) }],
  ['less than the least', gibi(1), 0, 0, { ok: true, size: gibi(10) }],
  ['a whole step', gibi(20), gibi(20), 0, { ok: true, size: gibi(20) }],
  ['one byte more than a step', gibi(20) + 1, 0, 0, { ok: true, size: gibi(30) }],
  ['as large as its source', gibi(10), 0, gibi(40), { ok: true, size: gibi(40) }],
  ['the largest', gibi(8000), 0, 0, { ok: true, size: gibi(8000) }],
  [
    'more than the largest',
    gibi(8001),
    0,
    0,
    {
      ok: false,
      code: 'OUT_OF_RANGE',
      fault: '8010Gi is more than 8000Gi, the largest disk of this kind: ask for less',
    },
  ],
  [
    'a limit between two steps',
    gibi(15),
    gibi(16),
    0,
    {
      ok: false,
      code: 'OUT_OF_RANGE',
      fault:
        'the smallest disk that holds what is asked for has 20Gi, more than the limit of 17179869184 bytes: disks come in steps of 10Gi from 10Gi',
    },
  ],
  [
    'a limit below what is required',
    gibi(20),
    gibi(10),
    0,
    { ok: false, code: 'INVALID_ARGUMENT', fault: 'no size is at least 21474836480 and at most 10737418240 bytes' },
  ],
  [
    'a negative size',
    -1,
    0,
    0,
    { ok: false, code: 'INVALID_ARGUMENT', fault: 'no size is at least -1 and at most 0 bytes' },
  ],
  [
    'a negative limit',
    0,
    -1,
    0,
    { ok: false, code: 'INVALID_ARGUMENT', fault: 'no size is at least 0 and at most -1 bytes' },
  ],
];

test.each(rows)('%s', (_title, required, limit, least, choice) => {
  expect(chooseSize({ required, limit }, kind, least)).toEqual(choice);
});

test('a size answers a range with its ends', () => {
  const asked = { required: 10, limit: 20 };
  expect([9, 10, 20, 21].map((size) => isWithin(size, asked))).toEqual([false, true, true, false]);
  expect(isWithin(1000, { required: 10, limit: 0 })).toBe(true);
});
