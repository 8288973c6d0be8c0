import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addressAt,
  byNumber,
  cidr,
  contains,
  formatCidr,
  formatSpan,
  ip,
  ipOf,
  numberOf,
  overlaps,
  parseCidr,
  parseIp,
  parseSpan,
  partAt,
  partsOf,
  sizeOf,
  span,
  spanLiesIn,
  spanOf,
} from './ip.ts';

const anyNumber = fc.nat(0xffffffff);
const anyRange = fc.tuple(anyNumber, fc.nat(32)).map(([n, bits]) => ({ first: n - (n % 2 ** (32 - bits)), bits }));

test('an address and its number are the same thing in two forms', () => {
  fc.assert(fc.property(anyNumber, (n) => numberOf(ipOf(n)) === n && parseIp(ipOf(n)) === ipOf(n)));
});

test.each(['', '1.2.3', '1.2.3.4.5', '256.0.0.1', '01.2.3.4', '1.2.3.-4', '1.2.3.4 ', '1.2.3.a', '1..2.3'])(
  '"%s" is no address',
  (text) => {
    expect(parseIp(text)).toBeUndefined();
  },
);

test.each([
  '10.0.0.0',
  'x10.0.0.0/8',
  '10.0.0.0/33',
  '10.0.0.1/24',
  '10.0.0.0/',
  '10.0.0/8',
  '10.0.0.0/8/8',
  '300.0.0.0/8',
])('"%s" is no range', (text) => {
  expect(parseCidr(text)).toBeUndefined();
});

test('a range and its text are the same thing in two forms', () => {
  fc.assert(
    fc.property(anyRange, (range) => {
      expect(parseCidr(formatCidr(range))).toEqual(range);
    }),
  );
});

test('a literal that is no address or range is refused with a good example', () => {
  expect(() => ip('10.0.0')).toThrow('"10.0.0" is no IPv4 address, write 10.9.0.12');
  expect(() => cidr('10.0.0.1/8')).toThrow('"10.0.0.1/8" is no IPv4 range, write 10.9.0.0/16');
});

test('two ranges overlap exactly when one holds the first address of the other', () => {
  fc.assert(
    fc.property(anyRange, anyRange, (a, b) => {
      expect(overlaps(a, b)).toBe(contains(a, ipOf(b.first)) || contains(b, ipOf(a.first)));
      expect(overlaps(a, b)).toBe(overlaps(b, a));
    }),
  );
});

test.each([
  ['10.8.255.255', false],
  ['10.9.0.0', true],
  ['10.9.0.255', true],
  ['10.9.1.0', false],
])('10.9.0.0/24 contains %s: %s', (address, within) => {
  expect(contains(cidr('10.9.0.0/24'), ip(address))).toBe(within);
});

test('the whole of IPv4 contains its last address', () => {
  expect(contains(cidr('0.0.0.0/0'), ip('255.255.255.255'))).toBe(true);
});

test.each([
  ['itself', '10.9.1.0/24', true],
  ['a part of it', '10.9.1.128/25', true],
  ['what it is a part of', '10.9.0.0/16', true],
  ['its last address', '10.9.1.255/32', true],
  ['the neighbour below', '10.9.0.0/24', false],
  ['the neighbour above', '10.9.2.0/24', false],
])('10.9.1.0/24 overlaps %s: %s, %s', (_, other, both) => {
  expect(overlaps(cidr('10.9.1.0/24'), cidr(other))).toBe(both);
  expect(overlaps(cidr(other), cidr('10.9.1.0/24'))).toBe(both);
});

test('the parts of a range are inside it, apart from each other, and as many as it says', () => {
  const pods = cidr('172.16.0.0/22');
  const parts = Array.from({ length: partsOf(pods, 24) }, (_, index) => partAt(pods, 24, index));
  expect(parts.map((part) => part && formatCidr(part))).toEqual([
    '172.16.0.0/24',
    '172.16.1.0/24',
    '172.16.2.0/24',
    '172.16.3.0/24',
  ]);
  expect(partAt(pods, 24, 4)).toBeUndefined();
  expect(partAt(pods, 20, 0)).toBeUndefined();
  expect(partsOf(pods, 20)).toBe(0);
});

test('a range is the one part of its own length, and its smallest parts are addresses', () => {
  const range = cidr('10.9.0.0/30');
  expect([partsOf(range, 30), partAt(range, 30, 0), partAt(range, 30, 1)]).toEqual([1, range, undefined]);
  expect([partsOf(range, 32), partAt(range, 32, 3)]).toEqual([4, cidr('10.9.0.3/32')]);
  expect([partAt(range, 33, 0), partAt(range, 32, -1)]).toEqual([undefined, undefined]);
});

test('addresses are found by their place, and none outside', () => {
  const range = cidr('10.9.0.0/30');
  expect([0, 3].map((place) => addressAt(range, place))).toEqual(['10.9.0.0', '10.9.0.3']);
  expect([-1, 4].map((place) => addressAt(range, place))).toEqual([undefined, undefined]);
  expect(sizeOf(cidr('0.0.0.0/0'))).toBe(2 ** 32);
});

test('addresses are ordered by number, not by text', () => {
  expect([ip('10.0.0.10'), ip('10.0.0.9')].sort(byNumber)).toEqual(['10.0.0.9', '10.0.0.10']);
});

test.each([
  ['192.168.50.128-192.168.50.250', { first: 0xc0_a8_32_80, last: 0xc0_a8_32_fa }],
  ['10.0.0.1-10.0.0.1', { first: 0x0a_00_00_01, last: 0x0a_00_00_01 }],
])('%s is read as addresses from one to another, and written so', (text, value) => {
  expect(parseSpan(text)).toEqual(value);
  expect(span(text)).toEqual(value);
  expect(formatSpan(value)).toBe(text);
});

test.each([
  '10.0.0.2-10.0.0.1',
  '10.0.0.1',
  '10.0.0.1-',
  '-10.0.0.1',
  '10.0.0.1-10.0.0.2-10.0.0.3',
  '10.0.0.0/24',
  '10.0.0.1 - 10.0.0.2',
  '',
])('"%s" is no range of addresses', (text) => {
  expect(parseSpan(text)).toBeUndefined();
  expect(() => span(text)).toThrow(`"${text}" is no range of addresses, write 10.9.0.128-10.9.0.250`);
});

test('a range of addresses lies in another with its first and its last', () => {
  const network = spanOf(cidr('192.168.50.0/24'));
  expect(formatSpan(network)).toBe('192.168.50.0-192.168.50.255');
  expect(spanLiesIn(network, network)).toBe(true);
  expect(spanLiesIn(span('192.168.50.1-192.168.50.254'), network)).toBe(true);
  expect(spanLiesIn(span('192.168.49.255-192.168.50.9'), network)).toBe(false);
  expect(spanLiesIn(span('192.168.50.9-192.168.51.0'), network)).toBe(false);
});
