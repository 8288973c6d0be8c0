import { createHash } from 'node:crypto';
import type { FileSystemType } from '#host/file-systems.ts';
import type { Bytes } from '#unit/bytes.ts';

/**
 * What this program writes on a blank device before it makes the first file system there, and again when that is done. It lies where neither
 * mkfs.ext4 nor mkfs.xfs writes: the file system ends before it. So whoever looks at the device after any crash, on any node, knows whether what
 * is there was ever given to a pod.
 */
export interface FormatMark {
  readonly state: 'begun' | 'done';
  /** The handle of the volume that was made blank. */
  readonly volume: string;
  readonly type: FileSystemType;
  /** Of the file system that is made: what carries another one is not what was being made. */
  readonly uuid: string;
}

/** What the place of the mark holds. */
export type MarkSeen =
  | { readonly is: 'absent' }
  | { readonly is: 'mark'; readonly mark: FormatMark }
  /** Something else: data, or a file system that has grown over it. */
  | { readonly is: 'other' };

/** One page, which a disk writes whole or not at all. */
export const markLength = 4096;
/** The end of the device that the first file system leaves free. mkfs.xfs wipes the last 128 KiB of a device, whatever size it is told. */
export const reserved = 1024 * 1024;

/** @unit made: the size that the volume was made with; it may have grown since */
export function markPlace(made: Bytes): Bytes {
  return (made - reserved) as Bytes;
}

const title = 'isthmus.dev format mark 1\n';

export function formatMarkBytes({ state, volume, type, uuid }: FormatMark): Buffer {
  const text = `${title}${JSON.stringify({ state, volume, type, uuid })}\n`;
  const page = Buffer.alloc(markLength);
  page.write(`${text}${digest(text)}\n`, 'utf8');
  return page;
}

export function parseMark(page: Buffer): MarkSeen {
  if (page.every((byte) => byte === 0)) return { is: 'absent' };
  const written = page.toString('utf8');
  const text = written.split('\n').slice(0, 2).join('\n') + '\n';
  if (!text.startsWith(title) || !written.startsWith(`${text}${digest(text)}\n`)) return { is: 'other' };
  return { is: 'mark', mark: JSON.parse(text.slice(title.length)) as FormatMark };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
