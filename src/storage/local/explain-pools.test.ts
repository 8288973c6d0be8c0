import { expect, test } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { explainPools } from './explain-pools.ts';

const open = {
  path: '/srv/a',
  is: 'open' as const,
  total: gibi(9),
  available: gibi(5),
  keepFree: gibi(1),
  volumes: [],
};

test('of what a machine gives to volumes only that is told which takes none', () => {
  expect(
    explainPools({
      folders: [open, { path: '/srv/b', is: 'closed', fault: 'is no folder' }],
      disks: [
        { link: '/dev/disk/by-id/a', is: 'free', size: gibi(1) },
        { link: '/dev/disk/by-id/b', is: 'closed', fault: 'can only be read' },
        { link: '/dev/disk/by-id/c', is: 'wiping' },
        { link: '/dev/disk/by-id/d', is: 'taken', volume: 'pvc-1' },
      ],
      strange: ['/srv/a/volumes/x is no folder; nothing in it is touched'],
    }),
  ).toEqual([
    '/srv/b is no folder',
    '/dev/disk/by-id/b can only be read',
    '/srv/a/volumes/x is no folder; nothing in it is touched',
  ]);
  expect(explainPools({ folders: [open], disks: [], strange: [] })).toEqual([]);
});
