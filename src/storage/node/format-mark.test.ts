import { expect, test } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { type FormatMark, formatMarkBytes, markLength, markPlace, parseMark } from './format-mark.ts';

const mark: FormatMark = {
  state: 'begun',
  volume: 'bsr-1',
  type: 'ext4',
  uuid: '6c1fa2a6-0000-4000-8000-000000000001',
};

test('a mark reads back as it was written, and fills one page', () => {
  const page = formatMarkBytes(mark);
  expect(page).toHaveLength(markLength);
  expect(parseMark(page)).toEqual({ is: 'mark', mark });
});

test('a page of zeros holds no mark', () => {
  expect(parseMark(Buffer.alloc(markLength))).toEqual({ is: 'absent' });
});

test('a mark with one wrong byte is none, wherever the byte is', () => {
  const page = formatMarkBytes(mark);
  for (let at = 0; at < page.indexOf(0); at++) {
    const broken = Buffer.from(page);
    broken[at] = (broken[at] ?? 0) ^ 1;
    expect(parseMark(broken), `byte ${at}`).toEqual({ is: 'other' });
  }
});

test('it lies in the last MiB of what the volume was made with', () => {
  expect(markPlace(gibi(1))).toBe(2 ** 30 - 2 ** 20);
});
