import { expect, test } from 'vitest';
import { formatShareHandle, parseShareHandle } from './handle.ts';

test.each([
  ['ufs-1a2b', { share: 'ufs-1a2b', folder: undefined }],
  ['ufs-1a2b/pvc-1', { share: 'ufs-1a2b', folder: 'pvc-1' }],
  ['ufs-1a2b/teams/shop.v2', { share: 'ufs-1a2b', folder: 'teams/shop.v2' }],
])('%s is a handle, and is written the same', (text, handle) => {
  expect(parseShareHandle(text)).toEqual(handle);
  expect(formatShareHandle(handle)).toBe(text);
});

test.each([
  '',
  '/',
  'ufs-1/',
  'ufs-1//a',
  'ufs-1/..',
  'ufs-1/a/../b',
  'ufs-1/.isthmus',
  'ufs-1/a b',
  '../ufs-1',
  `ufs-1/${'a/'.repeat(70)}a`,
])('"%s" names no volume', (text) => {
  expect(parseShareHandle(text)).toBeUndefined();
});
