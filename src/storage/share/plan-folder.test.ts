import { expect, test } from 'vitest';
import type { FolderRecord } from './folder-record.ts';
import { type FolderSeen, planMakeFolder, planRemoveFolder, type Seen } from './plan-folder.ts';

const ready: FolderRecord = {
  format: 'isthmus-share-directory/v1',
  folder: 'pvc-1',
  size: 100,
  onDelete: 'archive',
  inode: '7',
  state: 'ready',
};
const making: FolderRecord = { ...ready, inode: undefined, state: 'making' };
const removing: FolderRecord = { ...ready, onDelete: 'delete', state: 'removing' };
const absent: Seen = { is: 'absent' };
const other: Seen = { is: 'other' };
const empty: Seen = { is: 'directory', inode: '7', isEmpty: true };
const full: Seen = { is: 'directory', inode: '7', isEmpty: false };
const foreign: Seen = { is: 'directory', inode: '8', isEmpty: false };

function seen(change: Partial<FolderSeen>): FolderSeen {
  return { record: undefined, folder: absent, trash: absent, archive: absent, ...change };
}

const wish = { least: 100, most: 0, onDelete: 'archive' } as const;
const taken = 'something of this name is there that this cluster has not made: move it away';
const notIt = 'another directory or file lies in its place, so nothing is touched: look at it and move it away';
const unreadable = 'its record in .isthmus is broken or of another version of Isthmus: look at it';

test.each([
  ['nothing is there', seen({}), wish, { do: 'note' }],
  ['a directory of others', seen({ folder: empty }), wish, { do: 'refuse', code: 'ALREADY_EXISTS', why: taken }],
  ['a link of others', seen({ folder: other }), wish, { do: 'refuse', code: 'ALREADY_EXISTS', why: taken }],
  [
    'one of its name is being emptied',
    seen({ trash: full }),
    wish,
    { do: 'refuse', code: 'ALREADY_EXISTS', why: taken },
  ],
  ['it was noted', seen({ record: making }), wish, { do: 'make' }],
  ['it was made', seen({ record: making, folder: empty }), wish, { do: 'finish', record: making, inode: '7' }],
  [
    'somebody has put files there meanwhile',
    seen({ record: making, folder: full }),
    wish,
    { do: 'refuse', code: 'ALREADY_EXISTS', why: taken },
  ],
  ['it is ready', seen({ record: ready, folder: full }), wish, { do: 'use', record: ready }],
  [
    'it is as large as asked at most',
    seen({ record: ready, folder: full }),
    { ...wish, most: 100 },
    { do: 'use', record: ready },
  ],
  [
    'it is larger than asked',
    seen({ record: ready, folder: full }),
    { ...wish, least: 50, most: 99 },
    { do: 'refuse', code: 'ALREADY_EXISTS', why: 'it is there already, for 100 bytes' },
  ],
  [
    'it is smaller than asked',
    seen({ record: ready, folder: full }),
    { ...wish, least: 101 },
    { do: 'refuse', code: 'ALREADY_EXISTS', why: 'it is there already, for 100 bytes' },
  ],
  [
    'it ends otherwise',
    seen({ record: ready, folder: full }),
    { ...wish, onDelete: 'delete' as const },
    { do: 'refuse', code: 'ALREADY_EXISTS', why: 'it is there already, with onDelete: archive' },
  ],
  [
    'it was replaced',
    seen({ record: ready, folder: foreign }),
    wish,
    { do: 'refuse', code: 'FAILED_PRECONDITION', why: notIt },
  ],
  [
    'its record does not tell which it is, and a link is there',
    seen({ record: { ...ready, inode: undefined }, folder: other }),
    wish,
    { do: 'refuse', code: 'FAILED_PRECONDITION', why: notIt },
  ],
  [
    'it is going',
    seen({ record: removing }),
    wish,
    { do: 'refuse', code: 'ABORTED', why: 'it is being deleted; call again' },
  ],
  [
    'its record is broken',
    seen({ record: 'unreadable' }),
    wish,
    { do: 'refuse', code: 'FAILED_PRECONDITION', why: unreadable },
  ],
])('making: %s', (_, world, asked, step) => {
  expect(planMakeFolder(world, asked)).toEqual(step);
});

const deletes: FolderRecord = { ...ready, onDelete: 'delete' };

test.each([
  ['there is no record', seen({ folder: full }), { do: 'nothing' }],
  [
    'its record is broken',
    seen({ record: 'unreadable', folder: full }),
    { do: 'refuse', code: 'FAILED_PRECONDITION', why: unreadable },
  ],
  ['it was noted', seen({ record: making }), { do: 'forget' }],
  ['it was made', seen({ record: making, folder: empty }), { do: 'drop-empty' }],
  [
    'others have put files there before it was ready',
    seen({ record: making, folder: full }),
    { do: 'refuse', code: 'FAILED_PRECONDITION', why: notIt },
  ],
  ['it is to be kept', seen({ record: ready, folder: full }), { do: 'archive' }],
  ['it was moved to be kept', seen({ record: ready, archive: full }), { do: 'forget' }],
  [
    'its kept name is taken',
    seen({ record: ready, folder: full, archive: foreign }),
    { do: 'refuse', code: 'FAILED_PRECONDITION', why: 'its archived name is taken already: move that away' },
  ],
  ['it is to stay', seen({ record: { ...ready, onDelete: 'retain' }, folder: full }), { do: 'forget' }],
  ['it is to go', seen({ record: deletes, folder: full }), { do: 'note-removing' }],
  [
    'another directory is in its place',
    seen({ record: deletes, folder: foreign }),
    { do: 'refuse', code: 'FAILED_PRECONDITION', why: notIt },
  ],
  [
    'a link is in its place',
    seen({ record: deletes, folder: other }),
    { do: 'refuse', code: 'FAILED_PRECONDITION', why: notIt },
  ],
  ['it is gone', seen({ record: deletes }), { do: 'forget' }],
  ['it is going', seen({ record: removing, folder: full }), { do: 'trash' }],
  ['it was moved away', seen({ record: removing, trash: full }), { do: 'empty-trash' }],
  [
    'something else was moved away',
    seen({ record: removing, trash: foreign }),
    { do: 'refuse', code: 'FAILED_PRECONDITION', why: notIt },
  ],
  ['it was emptied', seen({ record: removing }), { do: 'forget' }],
  ['it was emptied, and others use its name', seen({ record: removing, folder: foreign }), { do: 'forget' }],
])('deleting: %s', (_, world, step) => {
  expect(planRemoveFolder(world)).toEqual(step);
});
