import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { isAbsent, readIfThere, syncFolder, writeWhole } from '#host/files.ts';
import { HostError } from '#host/host.ts';
import { detachLoop, loopsOf } from '#host/loops.ts';
import type { Bytes } from '#unit/bytes.ts';
import { minutes } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { InUse, type Machine } from './machine.ts';
import { type OpenFolder, trashOf, volumesOf } from './open-folder.ts';
import { formatRecord, parseRecord, type VolumeRecord } from './volume-record.ts';

/** One volume in a folder: `FOLDER/volumes/ID` with its record and its file, and nothing else. */
export interface Image {
  readonly folder: OpenFolder;
  readonly record: VolumeRecord;
  /** What its file has of the room that it was promised. */
  readonly has: Bytes;
}

const recordName = 'record.json';
const fileName = 'image';

export function fileOf(folder: OpenFolder, id: string): string {
  return `${volumesOf(folder)}/${id}/${fileName}`;
}

/**
 * Every volume of a folder.
 * @shape `strange`: what lies there and is no volume of this folder, each with what it takes and why; it is never touched
 */
export async function imagesIn(
  { inside, node }: Pick<Machine, 'inside' | 'node'>,
  folder: OpenFolder,
): Promise<{
  readonly images: readonly Image[];
  readonly strange: readonly { readonly id: string; readonly size: Bytes; readonly has: Bytes; readonly why: string }[];
}> {
  const images: Image[] = [];
  const strange: { id: string; size: Bytes; has: Bytes; why: string }[] = [];
  for (const id of (await readdir(inside.at(volumesOf(folder)))).sort()) {
    const at = `${volumesOf(folder)}/${id}`;
    const file = await fileSeen(inside, `${at}/${fileName}`);
    const proof = await prove({ inside, node }, folder, at);
    if (proof.is === 'gone') continue;
    if (proof.is === 'ours' && proof.record.id === id) images.push({ folder, record: proof.record, has: file.has });
    else if (proof.is !== 'unbegun')
      strange.push({
        id,
        ...file,
        why: proof.is === 'ours' ? `${at} has the record of ${proof.record.id}` : proof.why,
      });
  }
  return { images, strange };
}

/** One volume of a folder; `undefined` when it has none of that id. @fails Error when what lies there is not one of this folder */
export async function imageOf(
  machine: Pick<Machine, 'inside' | 'node'>,
  folder: OpenFolder,
  id: string,
): Promise<Image | undefined> {
  const at = `${volumesOf(folder)}/${id}`;
  const proof = await prove(machine, folder, at);
  if (proof.is === 'gone' || proof.is === 'unbegun') return undefined;
  if (proof.is === 'strange') throw new Error(proof.why);
  if (proof.record.id !== id) throw new Error(`${at} has the record of ${proof.record.id}; nothing in it is touched`);
  return { folder, record: proof.record, has: (await fileSeen(machine.inside, `${at}/${fileName}`)).has };
}

async function fileSeen(inside: Machine['inside'], path: string): Promise<{ size: Bytes; has: Bytes }> {
  const seen = await lookAt(inside, path);
  // Blocks of 512 bytes, whatever those of the file system are.
  return { size: (seen?.size ?? 0) as Bytes, has: ((seen?.blocks ?? 0) * 512) as Bytes };
}

async function namesIn(inside: Machine['inside'], path: string): Promise<readonly string[]> {
  try {
    return await readdir(inside.at(path));
  } catch (e) {
    if (isAbsent(e)) return [];
    throw e;
  }
}

async function lookAt(inside: Machine['inside'], path: string): Promise<Stats | undefined> {
  try {
    return await lstat(inside.at(path));
  } catch (e) {
    if (isAbsent(e) || (e as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw e;
  }
}

type Proof =
  | { readonly is: 'ours'; readonly record: VolumeRecord }
  /** Perhaps while it was looked at. */
  | { readonly is: 'gone' }
  /** A folder that was made, and nothing was written in it. */
  | { readonly is: 'unbegun' }
  | { readonly is: 'strange'; readonly why: string };

/** Whether a folder and its record together say that it is a volume of this folder and machine. Links are not followed. */
async function prove(
  { inside, node }: Pick<Machine, 'inside' | 'node'>,
  folder: OpenFolder,
  at: string,
): Promise<Proof> {
  const strange = (why: string): Proof => ({ is: 'strange', why: `${at} ${why}; nothing in it is touched` });
  // Itself, not what a link there leads to.
  const place = await lookAt(inside, at);
  if (place === undefined) return { is: 'gone' };
  if (!place.isDirectory()) return strange('is no folder');
  const names = (await namesIn(inside, at)).filter((name) => name !== `${recordName}.new`);
  if (names.length === 0) return { is: 'unbegun' };
  const other = names.find((name) => name !== recordName && name !== fileName);
  if (other !== undefined) return strange(`holds "${other}", which is not of a volume`);
  for (const name of names) {
    const file = await lookAt(inside, `${at}/${name}`);
    if (file === undefined) return { is: 'gone' };
    if (!file.isFile() || file.nlink !== 1) return strange(`has ${name}, which is no plain file of its own`);
  }
  const record = parseRecord((await readIfThere(inside.at(`${at}/${recordName}`))) ?? '');
  if ((await lookAt(inside, at)) === undefined) return { is: 'gone' };
  if (record === undefined) return strange(`has no record, or one that is broken or of another version of Isthmus`);
  if (record.place.in !== 'folder' || record.place.pool !== folder.id || record.node !== node)
    return strange(`is the volume ${record.id} of another folder or of the machine ${record.node}`);
  return { is: 'ours', record };
}

/** Reserves the room of a new volume: from here on it counts, whatever happens. Safe to repeat. */
export async function reserveImage(machine: Machine, folder: OpenFolder, record: VolumeRecord): Promise<void> {
  machine.before(record.id, 'making its folder');
  const at = `${volumesOf(folder)}/${record.id}`;
  await mkdir(machine.inside.at(at), { recursive: true, mode: 0o700 });
  await syncFolder(machine.inside.at(volumesOf(folder)));
  machine.before(record.id, 'writing its record');
  await writeRecord(machine, folder, record);
}

export async function writeRecord(
  { inside }: Pick<Machine, 'inside'>,
  folder: OpenFolder,
  record: VolumeRecord,
): Promise<void> {
  await writeWhole(inside.at(`${volumesOf(folder)}/${record.id}/${recordName}`), formatRecord(record), 0o600);
}

/** The file system had less room than it said. */
export class NoRoom extends Error {}

/**
 * Makes the file of a volume that is reserved, with all of its room. Safe to repeat.
 * @fails NoRoom · HostError · the file system's error
 */
export async function makeImage(machine: Machine, folder: OpenFolder, record: VolumeRecord): Promise<void> {
  const path = fileOf(folder, record.id);
  machine.before(record.id, 'making its file');
  const file = await open(machine.inside.at(path), 'a', 0o600);
  await file.close();
  await syncFolder(machine.inside.at(`${volumesOf(folder)}/${record.id}`));
  machine.before(record.id, 'taking its room');
  await takeRoom(machine.inside, path, record.size);
  machine.before(record.id, 'recording that it is ready');
  await writeRecord(machine, folder, { ...record, state: 'ready' });
}

/**
 * Makes a file so long, and has its file system keep the room of all of it. What the file holds stays.
 * @fails NoRoom, and the file is as long as it was · HostError
 */
export async function takeRoom(inside: Machine['inside'], path: string, size: Bytes): Promise<void> {
  // The room first and the length second: a file that is longer than its room would break what lies in it.
  const argv = ['fallocate', '--keep-size', '--length', `${size}`, path];
  const { code, stderr } = await inside.run(argv, { within: minutes(10) });
  const file = await open(inside.at(path), 'r+');
  try {
    const { size: length } = await file.stat();
    if (code !== 0) {
      // What was taken behind its end goes back.
      await file.truncate(length);
      if (stderr.includes('No space left')) throw new NoRoom(`${path}: the file system is full`);
      throw new HostError('this machine', argv.join(' '), stderr.trim());
    }
    if (length < size) await file.truncate(size);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Removes a volume: it is moved to the trash in one go, and then taken apart there. Whoever finds it there later goes on.
 * @fails InUse · Error when what lies there is not what the record says
 */
export async function removeImage(machine: Machine, folder: OpenFolder, id: string): Promise<void> {
  const { inside } = machine;
  const at = `${volumesOf(folder)}/${id}`;
  const proof = await prove(machine, folder, at);
  if (proof.is === 'gone') return;
  if (proof.is === 'strange') throw new Error(proof.why);
  if (proof.is === 'ours') await detachAll(machine, id, `${at}/${fileName}`);
  machine.before(id, 'moving it to the trash');
  const name = `${id}.${randomBytes(4).toString('hex')}`;
  await rename(inside.at(at), inside.at(`${trashOf(folder)}/${name}`));
  await syncFolder(inside.at(volumesOf(folder)));
  await syncFolder(inside.at(trashOf(folder)));
  await takeApart(machine, folder, name);
}

/** @fails InUse */
async function detachAll(machine: Machine, id: string, path: string): Promise<void> {
  if ((await fileSeen(machine.inside, path)).size === 0) return;
  for (const loop of await loopsOf(machine.inside, path)) {
    machine.before(id, 'detaching it');
    try {
      await detachLoop(machine.inside, loop, path);
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== 'EBUSY') throw e;
      throw new InUse(
        `volume ${id} is still in use on ${machine.node}, as /dev/${loop}: stop what has it mounted or opened`,
      );
    }
  }
}

/** Removes what killed deletions left. What can't be proven to be ours stays, and is told. */
export async function emptyTrash(machine: Machine, folder: OpenFolder): Promise<void> {
  for (const name of (await readdir(machine.inside.at(trashOf(folder)))).sort())
    await takeApart(machine, folder, name).catch((e: unknown) => machine.tell(messageOf(e)));
}

async function takeApart(machine: Machine, folder: OpenFolder, name: string): Promise<void> {
  const { inside } = machine;
  const at = `${trashOf(folder)}/${name}`;
  const id = name.replace(/\.[0-9a-f]{8}$/, '');
  const proof = await prove(machine, folder, at);
  // By the call that had put it here.
  if (proof.is === 'gone') return;
  if (proof.is === 'strange') throw new Error(proof.why);
  if (proof.is === 'ours' && proof.record.id !== id)
    throw new Error(`${at} has the record of ${proof.record.id}; nothing in it is touched`);
  if (proof.is === 'ours') await detachAll(machine, id, `${at}/${fileName}`);
  // The record last: without it nobody could tell whose file that is.
  machine.before(id, 'removing its file');
  await removeIfThere(() => unlink(inside.at(`${at}/${fileName}`)));
  machine.before(id, 'removing its record');
  await removeIfThere(() => unlink(inside.at(`${at}/${recordName}`)));
  await removeIfThere(() => unlink(inside.at(`${at}/${recordName}.new`)));
  machine.before(id, 'removing its folder');
  await removeIfThere(() => rmdir(inside.at(at)));
}

/** Removes folders that were made and never got their record. Not while volumes are made. */
export async function removeUnbegun(machine: Machine, folder: OpenFolder): Promise<void> {
  for (const id of await readdir(machine.inside.at(volumesOf(folder)))) {
    const at = `${volumesOf(folder)}/${id}`;
    if ((await prove(machine, folder, at)).is !== 'unbegun') continue;
    await removeIfThere(() => unlink(machine.inside.at(`${at}/${recordName}.new`)));
    await rmdir(machine.inside.at(at));
  }
}

async function removeIfThere(remove: () => Promise<void>): Promise<void> {
  try {
    await remove();
  } catch (e) {
    if (!isAbsent(e)) throw e;
  }
}
