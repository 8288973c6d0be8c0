import * as z from 'zod';
import { endings } from './parse-share-class.ts';

/**
 * What a cluster knows of a directory that it has made in a file share. It lies in the same share, where no volume is, and is safe there before
 * anything is made that it tells of. A directory without it is never changed.
 */
const shape = z.object({
  format: z.literal('isthmus-share-directory/v1'),
  /** The directory, below the root of the share. */
  folder: z.string(),
  /** Bytes that were asked for; nothing holds them. */
  size: z.number(),
  onDelete: z.enum(endings),
  /** Which directory it is, as the file system counts; unknown while it is being made. */
  inode: z.string().optional(),
  /** `making`: nobody has been told of it yet. `removing`: nobody has it any more, and it is being emptied. */
  state: z.enum(['making', 'ready', 'removing']),
});

export type FolderRecord = Readonly<z.infer<typeof shape>>;

export const folderRecordFormat = 'isthmus-share-directory/v1';

export function formatFolderRecord(record: FolderRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** @shape unreadable: of another version, or broken */
export function parseFolderRecord(text: string): FolderRecord | 'unreadable' {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'unreadable';
  }
  const read = shape.safeParse(json);
  return read.success ? read.data : 'unreadable';
}
