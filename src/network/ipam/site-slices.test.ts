import { expect, test } from 'vitest';
import { type Ip, ip, ipOf, numberOf, span } from '#unit/ip.ts';
import { SiteSlices } from './site-slices.ts';

const nth = (n: number): Ip => ipOf(numberOf(ip('192.168.50.128')) + n);
const run = (first: number, count: number): readonly Ip[] => Array.from({ length: count }, (_, i) => nth(first + i));
const slices = (): SiteSlices => new SiteSlices(span('192.168.50.128-192.168.50.143'));
const slice = (usable: readonly Ip[], unsettled: readonly Ip[] = [], inUse = 0) => ({ usable, unsettled, inUse });

test('the lowest addresses that nobody has are free, and no more than there are', () => {
  const index = slices();
  expect(index.around('base-1', true).free(2)).toEqual(run(0, 2));
  index.setSlice('base-1', slice(run(0, 3), [nth(4)]));
  index.setHost('base-9', [nth(3)]);
  index.setPods('base-2', [nth(5)]);
  expect(index.around('base-2', true).free(2)).toEqual(run(6, 2));
  expect(index.around('base-2', true).free(100)).toEqual(run(6, 10));
  expect(index.around('base-2', true).free(0)).toEqual([]);
});

test('what a machine has no more is free again, unless somebody else has it', () => {
  const index = slices();
  index.setSlice('base-1', slice(run(0, 4)));
  index.setPods('base-1', [nth(0)]);
  index.setSlice('base-1', slice([nth(1)]));
  expect(index.around('base-2', true).free(2)).toEqual(run(2, 2));
  index.setPods('base-1', []);
  index.setSlice('base-1', undefined);
  expect(index.around('base-2', true).free(2)).toEqual(run(0, 2));
});

test('of two machines with one address the one whose pods may have it keeps it, and two that may not have it both lose it', () => {
  const index = slices();
  index.setSlice('base-1', slice([nth(0)], [nth(1), nth(2)]));
  index.setSlice('base-2', slice([], [nth(0), nth(1)]));
  expect([...index.around('base-1', true).contested]).toEqual([nth(1)]);
  expect([...index.around('base-2', true).contested]).toEqual([nth(0), nth(1)]);
});

test('an address that is usable on two machines is contested on both', () => {
  const index = slices();
  index.setSlice('base-1', slice([nth(0)]));
  index.setSlice('base-2', slice([nth(0)]));
  expect([...index.around('base-1', true).contested]).toEqual([nth(0)]);
  expect([...index.around('base-2', true).contested]).toEqual([nth(0)]);
});

test('so is what a node or a pod of another machine has, but not what its own pods have', () => {
  const index = slices();
  index.setSlice('base-1', slice(run(0, 4)));
  index.setPods('base-1', [nth(0)]);
  index.setPods('base-2', [nth(1)]);
  index.setHost('base-1', [nth(2)]);
  expect([...index.around('base-1', true).contested]).toEqual(run(1, 2));
});

test('a range that was made anew lacks what its pods have, as long as nobody else has it and it is of the range', () => {
  const index = slices();
  index.setSlice('base-1', slice([nth(0)]));
  index.setPods('base-1', [nth(5), nth(0), nth(3), nth(2), nth(16), ip('172.16.0.1'), nth(-1), nth(15)]);
  index.setSlice('base-2', slice([], [nth(2)]));
  expect(index.around('base-1', true).unlisted).toEqual([nth(3), nth(5), nth(15)]);
  expect(index.around('base-2', true).unlisted).toEqual([]);
});

test('the share of a machine is what no pod uses, divided by the machines; who has what does not matter', () => {
  const index = slices();
  expect(index.around('base-1', true).share).toBe(16);
  index.setSlice('base-1', slice(run(0, 8), [], 3));
  index.setSlice('base-2', slice([], [], 0));
  expect(index.around('base-1', true).share).toBe(6);
  index.setHost('base-9', [nth(15), ip('192.168.50.9')]);
  index.setSlice('base-1', slice(run(0, 2), [], 3));
  expect(index.around('base-1', true).share).toBe(6);
  index.setSlice('base-2', slice([], [], 1));
  expect(index.around('base-2', true).share).toBe(5);
  index.setSlice('base-2', slice([], [], 14));
  expect(index.around('base-2', true).share).toBe(0);
});

test('whether everybody else was seen is for the caller to say', () => {
  expect(slices().around('base-1', true).complete).toBe(true);
  expect(slices().around('base-1', false).complete).toBe(false);
});
