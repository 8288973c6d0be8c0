import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, lstat, mkdir, stat, statfs } from 'node:fs/promises';
import * as z from 'zod';
import { isAbsent, readIfThere, syncFolder, writeWhole } from '#host/files.ts';
import type { Bytes } from '#unit/bytes.ts';
import { messageOf } from '#unit/message-of.ts';
import { fail, ok, type Result } from '#unit/result.ts';
import type { Machine } from './machine.ts';
import { parseJson } from './volume-record.ts';

/** A folder of this machine whose volumes can be worked with. */
export interface OpenFolder {
  readonly path: string;
  /** Made once for a folder, and written in it. */
  readonly id: string;
  /** Whether new volumes may be made in it: it still stands in cluster.yaml. */
  readonly isGiven: boolean;
  /** Why nothing can be made or removed in it now; what is there can be looked at. */
  readonly isReadOnly: boolean;
}

const markShape = z.object({ format: z.literal('isthmus-local-folder/v1'), id: z.string(), node: z.string() });
const markName = '.isthmus-folder.json';

/** The two file systems on which room that was taken for a file stays taken. @source statfs(2) */
const kinds: ReadonlySet<number> = new Set([0xef53, 0x5846_5342]);
const others = new Map([
  [0x0102_1994, 'tmpfs, which is empty after each start of the machine'],
  [0x794c_7630, 'an overlay, as containers have'],
  [0x9123_683e, 'btrfs, which writes changes to new places, so that room taken for a file does not last'],
  [0x2fc1_2fc1, 'ZFS, which writes changes to new places, so that room taken for a file does not last'],
  [0x6969, 'NFS, which is not of this machine'],
]);

/**
 * Looks whether a folder can hold volumes, and marks it the first time. A disk that is not mounted, was swapped or belongs to another machine is
 * told by its mark.
 * @shape or why not, to be read behind its path
 */
export async function openFolder(
  { inside, node }: Pick<Machine, 'inside' | 'node'>,
  path: string,
  { known, isGiven }: { readonly known: string | undefined; readonly isGiven: boolean },
): Promise<Result<OpenFolder, string>> {
  const place = await lookAt(inside, path);
  if (place.fault !== undefined) return fail(place.fault);
  const { isReadOnly } = place;
  const text = await readIfThere(inside.at(`${path}/${markName}`));
  const mark = text === undefined ? undefined : markShape.safeParse(parseJson(text));
  if (mark === undefined) {
    if (known !== undefined)
      return fail(`has lost its mark ${markName}: is its disk mounted there? Volumes of this machine are on it`);
    if (isReadOnly) return fail(readOnly);
    const id = randomBytes(5).toString('hex');
    const written = { format: 'isthmus-local-folder/v1', id, node };
    await writeWhole(inside.at(`${path}/${markName}`), `${JSON.stringify(written)}\n`, 0o600);
    return ok(await withPlaces(inside, { path, id, isGiven, isReadOnly }));
  }
  if (!mark.success) return fail(`has a mark ${markName} that is broken or of another version of Isthmus; look at it`);
  if (mark.data.node !== node)
    return fail(
      `holds volumes of the machine ${mark.data.node}, as its mark ${markName} says; give this machine another folder`,
    );
  if (known !== undefined && known !== mark.data.id)
    return fail(`is another folder than before, as its mark ${markName} says: is the right disk mounted there?`);
  return ok(await withPlaces(inside, { path, id: mark.data.id, isGiven, isReadOnly }));
}

/** Where its volumes lie, and what is left of those that were deleted. */
async function withPlaces(inside: Machine['inside'], folder: OpenFolder): Promise<OpenFolder> {
  if (folder.isReadOnly) return folder;
  for (const place of [volumesOf(folder), trashOf(folder)])
    await mkdir(inside.at(place), { recursive: true, mode: 0o700 });
  await syncFolder(inside.at(folder.path));
  return folder;
}

export function volumesOf({ path }: Pick<OpenFolder, 'path'>): string {
  return `${path}/volumes`;
}

export function trashOf({ path }: Pick<OpenFolder, 'path'>): string {
  return `${path}/trash`;
}

export const readOnly = 'is read-only: look at the kernel log for errors of its disk, and mount it writable';

interface Place {
  readonly fault: string | undefined;
  readonly isReadOnly: boolean;
}

async function lookAt(inside: Machine['inside'], path: string): Promise<Place> {
  const fault = (await missingPart(inside, path)) ?? (await unfitKind(inside, path));
  if (fault !== undefined) return { fault, isReadOnly: false };
  try {
    await access(inside.at(path), constants.W_OK);
    return { fault: undefined, isReadOnly: false };
  } catch (e) {
    const isReadOnly = (e as NodeJS.ErrnoException).code === 'EROFS';
    return { fault: isReadOnly ? undefined : `cannot be written to: ${messageOf(e)}`, isReadOnly };
  }
}

/** Links are not followed: what they lead to can change, and absolute ones lead out of the machine. */
async function missingPart(inside: Machine['inside'], path: string): Promise<string | undefined> {
  const parts = path.split('/').slice(1);
  for (let i = 1; i <= parts.length; i++) {
    const part = `/${parts.slice(0, i).join('/')}`;
    const seen = await lstat(inside.at(part)).catch((e: unknown) => {
      if (isAbsent(e)) return undefined;
      throw e;
    });
    if (seen === undefined) return `is not there: make it with mkdir -p ${path}, or mount its disk`;
    if (seen.isSymbolicLink()) return `leads through the symbolic link ${part}: write the path that it leads to`;
    if (!seen.isDirectory()) return part === path ? 'is no folder' : `lies below ${part}, which is no folder`;
  }
  return undefined;
}

async function unfitKind(inside: Machine['inside'], path: string): Promise<string | undefined> {
  const { type } = await statfs(inside.at(path));
  if (kinds.has(type)) return undefined;
  return `is on ${others.get(type) ?? `a file system of kind 0x${type.toString(16)}`}; volumes need ext4 or xfs`;
}

/** Of the folder's file system, and what of it is not for volumes. */
export async function spaceOf(
  inside: Machine['inside'],
  path: string,
  keepFree: Bytes | undefined,
): Promise<{ readonly total: Bytes; readonly available: Bytes; readonly keepFree: Bytes }> {
  const { bsize, blocks, bavail } = await statfs(inside.at(path));
  const total = (blocks * bsize) as Bytes;
  return {
    total,
    available: (bavail * bsize) as Bytes,
    keepFree: keepFree ?? ((await isOfSystem(inside, path)) ? part(total, 5) : part(total, 20)),
  };
}

// A fifth: kubelet removes images when less than 15 % are free and evicts pods below 10 %. @source KubeletConfiguration imageGCHighThresholdPercent,
// evictionHard
function part(total: Bytes, of: number): Bytes {
  return Math.floor(total / of) as Bytes;
}

/** Whether the machine itself, or kubelet, stops working when this file system is full. */
async function isOfSystem(inside: Machine['inside'], path: string): Promise<boolean> {
  const { dev } = await stat(inside.at(path));
  for (const one of ['/', '/var', '/var/lib/kubelet', '/var/lib/containerd']) {
    try {
      if ((await stat(inside.at(one))).dev === dev) return true;
    } catch (e) {
      if (!isAbsent(e)) throw e;
    }
  }
  return false;
}
