import { expect, test } from 'vitest';
import { few } from './few.ts';

test.each([
  [[], ''],
  [['a', 'b', 'c'], 'a, b, c'],
  [['a', 'b', 'c', 'd'], 'a, b, c and 1 more'],
])('of %j a sentence names the first three', (names, text) => {
  expect(few(names)).toBe(text);
});
