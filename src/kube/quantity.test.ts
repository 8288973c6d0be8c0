import { expect, test } from 'vitest';
import { parseQuantity } from './quantity.ts';

test.each([
  ['10', 10],
  ['10Gi', 10 * 2 ** 30],
  ['1.5Ti', 1.5 * 2 ** 40],
  ['.5Gi', 2 ** 29],
  ['5.Mi', 5 * 2 ** 20],
  ['+3Ki', 3 * 2 ** 10],
  ['-1', -1],
  ['2Pi', 2 ** 51],
  ['1Ei', 2 ** 60],
  ['10k', 10e3],
  ['10M', 10e6],
  ['10G', 10e9],
  ['1T', 1e12],
  ['3P', 3e15],
  ['1E', 1e18],
  ['1e9', 1e9],
  ['12E2', 1200],
  ['1e-3', 0.001],
  ['1E+2', 100],
  ['100m', 0.1],
  ['7u', 7e-6],
  ['9n', 9e-9],
  ['0', 0],
])('%s is %d', (text, amount) => {
  expect(parseQuantity(text)).toBeCloseTo(amount, 12);
});

test.each(['', 'Gi', '10 Gi', '10gi', '10K', '1e', '1e9Gi', '0x10', '1,5Gi', 'x10', '10x', '.'])(
  '"%s" is no quantity',
  (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  },
);
