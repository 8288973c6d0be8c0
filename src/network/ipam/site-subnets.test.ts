import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Cidr, cidr, overlaps } from '#unit/ip.ts';
import { SiteSubnets } from './site-subnets.ts';

const range = cidr('172.16.0.0/20');
const parts = Array.from({ length: 16 }, (_, i): Cidr => ({ first: range.first + i * 256, bits: 24 }));

/** Ranges of any size in and around the site's. */
const block = fc
  .tuple(fc.integer({ min: -512, max: 16 * 256 + 511 }), fc.integer({ min: 20, max: 32 }))
  .map(([offset, bits]): Cidr => {
    const size = 2 ** (32 - bits);
    return { first: Math.floor((range.first + offset) / size) * size, bits };
  });
const change = fc.record({ owner: fc.constantFrom('a', 'b', 'c', 'd', 'e'), taken: fc.array(block, { maxLength: 4 }) });

test('after any changes the free subnet is the lowest that nothing touches, and who has a part is known', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const subnets = new SiteSubnets(range, 24);
      const all = new Map<string, readonly Cidr[]>();
      for (const { owner, taken } of changes) {
        subnets.set(owner, taken);
        all.set(owner, taken);
        const free = parts.filter((part) => ![...all.values()].flat().some((other) => overlaps(part, other)));
        expect(subnets.free()).toEqual(free[0]);
        for (const part of parts) {
          const owners = [...all].filter(([, has]) => has.some((other) => overlaps(part, other)));
          expect(subnets.ownersOf(part).toSorted()).toEqual(owners.map(([name]) => name).toSorted());
        }
      }
    }),
  );
});

test.each([
  ['the lowest of a range where nothing is taken', [], '172.16.0.0/24'],
  ['the one behind what is taken, whole or in part', ['172.16.0.0/24', '172.16.1.7/32'], '172.16.2.0/24'],
  ['the last one', ['172.16.0.0/23', '172.16.2.0/24', '10.9.0.0/16'], '172.16.3.0/24'],
  ['none of a range that is used up', ['172.16.0.0/22'], undefined],
])('gives %s', (_, taken, free) => {
  const subnets = new SiteSubnets(cidr('172.16.0.0/22'), 24);
  subnets.set('others', taken.map(cidr));
  expect(subnets.free()).toEqual(free === undefined ? undefined : cidr(free));
});

test('a range smaller than one subnet has none', () => {
  expect(new SiteSubnets(cidr('172.16.0.0/28'), 24).free()).toBeUndefined();
});

test('what one node was given is read once, however many nodes come after it', () => {
  let reads = 0;
  const watched = (i: number): Cidr => ({
    get first() {
      reads++;
      return cidr('172.16.0.0/12').first + i * 256;
    },
    bits: 24,
  });
  const subnets = new SiteSubnets(cidr('172.16.0.0/12'), 24);
  for (let i = 0; i < 1000; i++) {
    expect(subnets.free()?.first).toBe(cidr('172.16.0.0/12').first + i * 256);
    subnets.set(`range ${i}`, [watched(i)]);
  }
  expect(reads).toBeLessThan(10 * 1000);
});
