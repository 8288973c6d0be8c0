import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cidr, contains, ipOf, overlaps } from '#unit/ip.ts';
import { chooseSubnet } from './choose-subnet.ts';

test('what is chosen lies in the range, touches nothing that is taken, and nothing lower would do', () => {
  const range = cidr('172.16.0.0/20');
  const taken = fc
    .tuple(fc.integer({ min: 0, max: 16 * 256 - 1 }), fc.integer({ min: 20, max: 32 }))
    .map(([offset, bits]) => {
      const size = 2 ** (32 - bits);
      return { first: Math.floor((range.first + offset) / size) * size, bits };
    });
  fc.assert(
    fc.property(fc.array(taken, { maxLength: 20 }), (others) => {
      const chosen = chooseSubnet(range, 24, others);
      const free = Array.from({ length: 16 }, (_, i) => ({ first: range.first + i * 256, bits: 24 })).filter(
        (part) => !others.some((other) => overlaps(part, other)),
      );
      expect(chosen).toEqual(free[0]);
      if (chosen !== undefined) expect(contains(range, ipOf(chosen.first))).toBe(true);
    }),
  );
});

test.each([
  ['the lowest of a range where nothing is taken', [], '172.16.0.0/24'],
  ['the one behind what is taken, whole or in part', ['172.16.0.0/24', '172.16.1.7/32'], '172.16.2.0/24'],
  ['the last one', ['172.16.0.0/23', '172.16.2.0/24', '10.9.0.0/16'], '172.16.3.0/24'],
  ['none of a range that is used up', ['172.16.0.0/22'], undefined],
])('chooses %s', (_, taken, chosen) => {
  const expected = chosen === undefined ? undefined : cidr(chosen);
  expect(chooseSubnet(cidr('172.16.0.0/22'), 24, taken.map(cidr))).toEqual(expected);
});
