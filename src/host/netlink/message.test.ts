import { expect, test } from 'vitest';
import { attr, cString, message, nest, parseAttrs, parseReplies, text, u32, withHeader } from './message.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

test('an attribute tells the length of its value without the padding to four bytes', () => {
  expect(attr(3, bytes('aabbccdd'))).toEqual(bytes('0800 0300 aabbccdd'));
  expect(attr(3, bytes('aabbccddee'))).toEqual(bytes('0900 0300 aabbccddee 000000'));
  expect(attr(3, bytes(''))).toEqual(bytes('0400 0300'));
});

test('a nest is an attribute of attributes, and is marked as one', () => {
  expect(nest(18, attr(1, text('veth')), attr(2, u32(7)))).toEqual(
    bytes('1800 1280  0900 0100 7665746800 000000  0800 0200 07000000'),
  );
});

test('numbers go in the byte order of the processor, names with the zero that ends them', () => {
  expect(u32(1, 0xfffffffe)).toEqual(bytes('01000000 feffffff'));
  expect(text('eth0')).toEqual(bytes('6574683000'));
});

test('a name is read up to its zero, or to the end when it has none', () => {
  expect(cString(bytes('6574683000ff'))).toBe('eth0');
  expect(cString(bytes('65746830'))).toBe('eth0');
  expect(cString(bytes('00'))).toBe('');
});

test('a message is its fixed part, then its attributes', () => {
  expect(message(16, 1, bytes('01020304'), attr(1, bytes('05')), attr(2, bytes('')))).toEqual({
    type: 16,
    flags: 1,
    body: bytes('01020304  0500 0100 05 000000  0400 0200'),
  });
});

test('a header tells the length without padding, the type, both kinds of flags and the sequence number', () => {
  const sent = withHeader({ type: 20, flags: 0x600, body: bytes('0102030405') }, 9, 5);
  expect(sent).toEqual(bytes('15000000 1400 0506 09000000 00000000  0102030405 000000'));
});

test('attributes are found behind the fixed part, whatever their length', () => {
  const body = Buffer.concat([
    bytes('ffffffff ffffffff'),
    attr(1, text('eth0')),
    attr(2, u32(7)),
    nest(3, attr(4, u32(1))),
  ]);
  expect([...parseAttrs(body, 8)]).toEqual([
    [1, bytes('6574683000')],
    [2, bytes('07000000')],
    [3, bytes('0800 0400 01000000')],
  ]);
});

test('marks of a nest and of network byte order are no part of the type', () => {
  expect([...parseAttrs(bytes('0400 01c0'), 0)]).toEqual([[1, bytes('')]]);
});

test.each([
  ['shorter than an attribute can be', '0300 0900 00000000'],
  ['longer than the message', '0900 0900 00000000'],
  ['cut off in its header', '0800 09'],
])('attributes end at one that is %s', (_, rest) => {
  expect([...parseAttrs(Buffer.concat([attr(1, u32(7)), bytes(rest)]), 0)]).toEqual([[1, bytes('07000000')]]);
});

test('one reading of the socket brings several replies, each padded', () => {
  const first = withHeader({ type: 16, flags: 2, body: bytes('0102030405') }, 7, 0);
  const second = withHeader({ type: 3, flags: 0, body: bytes('') }, 8, 2);
  expect(parseReplies(Buffer.concat([first, second]))).toEqual([
    { type: 16, flags: 2, sequence: 7, body: bytes('0102030405'), error: 0, text: '' },
    { type: 3, flags: 2, sequence: 8, body: bytes(''), error: 0, text: '' },
  ]);
});

/** struct nlmsgerr: the error number and the 16 bytes of the request's header. */
const refusal = (error: number): Buffer => {
  const body = Buffer.alloc(20);
  body.writeInt32LE(error);
  return body;
};

test('an acknowledgement is an error of number 0', () => {
  expect(parseReplies(withHeader({ type: 2, flags: 0, body: refusal(0) }, 7, 0))).toMatchObject([
    { type: 2, sequence: 7, error: 0, text: '' },
  ]);
});

test('an error has its number, and the words of the kernel when it gives some', () => {
  const bare = withHeader({ type: 2, flags: 0x100, body: refusal(-17) }, 7, 0);
  const words = attr(1, text('Invalid prefix for given prefix length'));
  const explained = withHeader({ type: 2, flags: 0x300, body: Buffer.concat([refusal(-22), words]) }, 8, 0);
  const unexplained = withHeader({ type: 2, flags: 0x300, body: Buffer.concat([refusal(-22), attr(2, u32(8))]) }, 9, 0);
  const replies = parseReplies(Buffer.concat([bare, explained, unexplained]));
  expect(replies.map(({ sequence, error, text }) => ({ sequence, error, text }))).toEqual([
    { sequence: 7, error: 17, text: '' },
    { sequence: 8, error: 22, text: 'Invalid prefix for given prefix length' },
    { sequence: 9, error: 22, text: '' },
  ]);
});

test('what follows an error without the flag for words is not taken for words', () => {
  const body = Buffer.concat([refusal(-17), attr(1, text('part of the request'))]);
  expect(parseReplies(withHeader({ type: 2, flags: 0, body }, 7, 0))).toMatchObject([{ error: 17, text: '' }]);
});

test('only an error has words', () => {
  const body = Buffer.concat([refusal(-17), attr(1, text('a name'))]);
  expect(parseReplies(withHeader({ type: 16, flags: 0x200, body }, 7, 0))).toMatchObject([{ error: 0, text: '' }]);
});

test.each([
  ['shorter than a header', '0f000000 1000 0000 00000000 00000000'],
  ['longer than what was read', '11000000 1000 0000 00000000 00000000'],
  ['cut off in its header', '10000000 1000 0000 00000000 000000'],
])('replies end at one that is %s', (_, rest) => {
  const whole = withHeader({ type: 3, flags: 0, body: bytes('') }, 8, 2);
  expect(parseReplies(Buffer.concat([whole, bytes(rest)])).map(({ sequence }) => sequence)).toEqual([8]);
});
