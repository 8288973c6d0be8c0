import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';

const known = ['access', 'bandwidth', 'id', 'subnet'];
const cases: readonly [string, string | undefined][] = [
  ['access', 'access'],
  ['Acess', 'access'],
  ['bandwdith', 'bandwidth'],
  ['sub-nets', 'subnet'],
  ['ip', 'id'],
  ['xyzzy', undefined],
  ['frobnicate', undefined],
];
test.each(cases)('%s may have meant %s', (key, meant) => {
  expect(nearest(key, known)).toBe(meant);
});

test('where nothing is known, nothing was meant', () => {
  expect(nearest('access', [])).toBeUndefined();
});
