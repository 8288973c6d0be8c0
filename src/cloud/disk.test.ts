import { expect, test } from 'vitest';
import { type DiskSource, ownerFor, sourceKey } from './disk.ts';

const uid = '6f1c6f3c-1a2b-4d5e-8f90-123456789abc';

test.each([
  ['the name of a volume', `pvc-${uid}`],
  ['the name of a snapshot', `snapshot-${uid}`],
  ['6 characters', 'abc-12'],
  ['48 characters', 'A'.repeat(48)],
])('%s is an owner as it is', (_title, text) => {
  expect(ownerFor(text)).toBe(text);
});

test.each([
  ['nothing', ''],
  ['5 characters', 'abc-1'],
  ['49 characters', 'a'.repeat(49)],
  ['an underscore', 'pvc_123'],
  ['a character that no name takes', 'größe-1'],
  ['what looks like a digest', 'sha-0123456789abcdef0123456789abcdef'],
])('%s is an owner by its digest', (_title, text) => {
  expect(ownerFor(text)).toMatch(/^sha-[0-9a-f]{32}$/);
  expect(ownerFor(text)).not.toBe(text);
});

test('two long texts are two owners', () => {
  expect(ownerFor('a'.repeat(128))).not.toBe(ownerFor('a'.repeat(127)));
});

test('what a disk was made from is one of as many keys', () => {
  const sources: readonly DiskSource[] = [
    { from: 'nothing' },
    { from: 'snapshot', snapshot: 'a' },
    { from: 'snapshot', snapshot: 'b' },
    { from: 'disk', disk: 'a' },
  ];
  expect(new Set(sources.map(sourceKey)).size).toBe(4);
  expect(sources.map(sourceKey)).toEqual([
    '',
    ...Array.from({ length: 3 }, () => expect.stringMatching(/^[0-9a-f]{12}$/)),
  ]);
});
