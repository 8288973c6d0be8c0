import * as z from 'zod';
import { readIfThere, writeWhole } from '#host/files.ts';
import { type Machine, stateFolder } from './machine.ts';
import { parseJson } from './volume-record.ts';

const shape = z.object({
  format: z.literal('isthmus-local-folders/v1'),
  /** The id in each folder's mark, by its path. */
  folders: z.record(z.string(), z.string()),
});

const path = `${stateFolder}/folders.json`;

/**
 * The folders that this machine has ever given to volumes. Without it the place of a disk that is not mounted would look like a new, empty folder.
 * @fails Error when the file is of another version or can't be read as one: what it says must not be guessed at
 */
export async function readKnownFolders({ inside }: Pick<Machine, 'inside'>): Promise<ReadonlyMap<string, string>> {
  const text = await readIfThere(inside.at(path));
  if (text === undefined) return new Map();
  const read = shape.safeParse(parseJson(text));
  if (!read.success)
    throw new Error(
      `${path} cannot be read: it is broken or of another version of Isthmus; look at it before removing it`,
    );
  return new Map(Object.entries(read.data.folders));
}

export async function writeKnownFolders(
  { inside }: Pick<Machine, 'inside'>,
  folders: ReadonlyMap<string, string>,
): Promise<void> {
  const text = JSON.stringify({ format: 'isthmus-local-folders/v1', folders: Object.fromEntries(folders) }, null, 2);
  await writeWhole(inside.at(path), `${text}\n`, { mode: 0o600, folderMode: 0o700 });
}
