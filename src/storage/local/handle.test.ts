import { expect, test } from 'vitest';
import { handleOf, parseHandle } from './handle.ts';
import { idOf } from './volume-id.ts';

test.each([
  [
    'a volume in a folder',
    { node: 'base-1', id: 'pvc-0f', place: { in: 'folder' as const, pool: '3f2a9c01d7', sector: 4096 } },
    'base-1/3f2a9c01d7/pvc-0f',
  ],
  [
    'a whole disk',
    { node: 'base-1', id: 'pvc-0f', place: { in: 'disk' as const, link: '/dev/disk/by-id/a' } },
    'base-1/disk/pvc-0f',
  ],
])('the handle of %s says where it is', (_, record, handle) => {
  expect(handleOf(record)).toBe(handle);
  expect(parseHandle(handle)).toEqual({ node: 'base-1', pool: handle.split('/')[1], id: 'pvc-0f' });
});

test.each([
  'base-1/3f2a9c01d7/..',
  'base-1/3f2a9c01d7/../../etc',
  'base-1/3f2a9c01d7/',
  'base-1/3f2a9c01d7/.hidden',
  'base-1/../pvc-0f',
  'base-1/3F2A9C01D7/pvc-0f',
  'base-1/3f2a9c01d7/pvc-0f/x',
  'base-1/3f2a9c01d7/pvc-0f\n',
  '/3f2a9c01d7/pvc-0f',
  'bsr-12345',
  `base-1/disk/${'a'.repeat(65)}`,
  '',
])('"%s" is no handle of ours', (text) => {
  expect(parseHandle(text)).toBeUndefined();
});

test.each([
  ['pvc-5e9c0d7a-1111-4222-8333-944455556666', 'pvc-5e9c0d7a-1111-4222-8333-944455556666'],
  ['../../etc', expect.stringMatching(/^v-[0-9a-f]{40}$/)],
  ['Ärger', expect.stringMatching(/^v-[0-9a-f]{40}$/)],
  ['x'.repeat(128), expect.stringMatching(/^v-[0-9a-f]{40}$/)],
])('the id of the name %s can be that of a folder, and is in a handle of 128 bytes at most', (name, id) => {
  expect(idOf(name)).toEqual(id);
  const handle = handleOf({
    node: 'a'.repeat(40),
    id: idOf(name),
    place: { in: 'folder', pool: '3f2a9c01d7', sector: 4096 },
  });
  expect(handle.length).toBeLessThanOrEqual(128);
  expect(parseHandle(handle)?.id).toBe(idOf(name));
});

test('a name that looks like the id of another name has an id of its own', () => {
  expect(idOf(idOf('x'))).not.toBe(idOf('x'));
});
