import type { FolderRecord } from './folder-record.ts';
import type { Ending } from './parse-share-class.ts';

/** What lies at one name. */
export type Seen =
  | { readonly is: 'absent' }
  /** No directory: a file, or a link that may lead anywhere. */
  | { readonly is: 'other' }
  | { readonly is: 'directory'; readonly inode: string; readonly isEmpty: boolean };

export interface FolderSeen {
  readonly record: FolderRecord | 'unreadable' | undefined;
  readonly folder: Seen;
  /** Where it is moved before it is emptied. */
  readonly trash: Seen;
  /** Where it is moved to be kept. */
  readonly archive: Seen;
}

export interface FolderWish {
  readonly least: number;
  /** 0: none told. */
  readonly most: number;
  readonly onDelete: Ending;
}

interface Refusal {
  readonly do: 'refuse';
  readonly code: 'ALREADY_EXISTS' | 'FAILED_PRECONDITION' | 'ABORTED';
  readonly why: string;
}

type MakeStep =
  | { readonly do: 'note' | 'make' }
  /** It is there and empty, as a killed call left it. */
  | { readonly do: 'finish'; readonly record: FolderRecord; readonly inode: string }
  | { readonly do: 'use'; readonly record: FolderRecord }
  | Refusal;

/** What is left to do to make a volume's directory. */
export function planMakeFolder({ record, folder, trash }: FolderSeen, wish: FolderWish): MakeStep {
  if (record === 'unreadable') return unreadable;
  if (record === undefined) {
    if (folder.is === 'absent' && trash.is === 'absent') return { do: 'note' };
    return refuse('ALREADY_EXISTS', 'something of this name is there that this cluster has not made: move it away');
  }
  if (record.state === 'removing') return refuse('ABORTED', 'it is being deleted; call again');
  if (record.size < wish.least || (wish.most > 0 && record.size > wish.most))
    return refuse('ALREADY_EXISTS', `it is there already, for ${record.size} bytes`);
  if (record.onDelete !== wish.onDelete)
    return refuse('ALREADY_EXISTS', `it is there already, with onDelete: ${record.onDelete}`);
  if (record.state === 'making') {
    if (folder.is === 'absent') return { do: 'make' };
    if (folder.is === 'directory' && folder.isEmpty) return { do: 'finish', record, inode: folder.inode };
    return refuse('ALREADY_EXISTS', 'something of this name is there that this cluster has not made: move it away');
  }
  if (isIt(folder, record)) return { do: 'use', record };
  return refuse('FAILED_PRECONDITION', notIt);
}

type RemoveStep =
  | { readonly do: 'nothing' | 'archive' | 'forget' | 'drop-empty' | 'note-removing' | 'trash' | 'empty-trash' }
  | Refusal;

/** What is left to do when a volume is deleted: only the directory that the record tells of is ever touched. */
export function planRemoveFolder({ record, folder, trash, archive }: FolderSeen): RemoveStep {
  if (record === undefined) return { do: 'nothing' };
  if (record === 'unreadable') return unreadable;
  if (record.state === 'making') {
    if (folder.is === 'absent') return { do: 'forget' };
    if (folder.is === 'directory' && folder.isEmpty) return { do: 'drop-empty' };
    return refuse('FAILED_PRECONDITION', notIt);
  }
  if (record.state === 'removing') {
    if (isIt(trash, record)) return { do: 'empty-trash' };
    if (trash.is !== 'absent') return refuse('FAILED_PRECONDITION', notIt);
    return isIt(folder, record) ? { do: 'trash' } : { do: 'forget' };
  }
  if (record.onDelete === 'retain' || folder.is === 'absent') return { do: 'forget' };
  if (!isIt(folder, record)) return refuse('FAILED_PRECONDITION', notIt);
  if (record.onDelete === 'delete') return { do: 'note-removing' };
  if (archive.is === 'absent') return { do: 'archive' };
  return refuse('FAILED_PRECONDITION', 'its archived name is taken already: move that away');
}

function isIt(seen: Seen, { inode }: FolderRecord): boolean {
  return seen.is === 'directory' && seen.inode === inode;
}

const notIt = 'another directory or file lies in its place, so nothing is touched: look at it and move it away';
const unreadable: Refusal = {
  do: 'refuse',
  code: 'FAILED_PRECONDITION',
  why: 'its record in .isthmus is broken or of another version of Isthmus: look at it',
};

function refuse(code: Refusal['code'], why: string): Refusal {
  return { do: 'refuse', code, why };
}
