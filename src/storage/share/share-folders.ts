import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, opendir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { isAbsent } from '#host/files.ts';
import { HostError } from '#host/host.ts';
import type { Inside } from '#host/inside.ts';
import { RpcError } from '#rpc/rpc.ts';
import { type Instant, minutes } from '#unit/clock.ts';
import { type FolderRecord, folderRecordFormat, formatFolderRecord, parseFolderRecord } from './folder-record.ts';
import { type FolderSeen, type FolderWish, planMakeFolder, planRemoveFolder, type Seen } from './plan-folder.ts';

/**
 * The root of a share and the place of our records in it, held open: names are looked up in these very directories, so that nobody who writes to the
 * share can lead us elsewhere by a link, however fast.
 */
interface OpenShare {
  readonly inside: Inside;
  readonly root: FileHandle;
  readonly records: FileHandle;
  readonly folder: string;
  readonly before: FolderAt['before'];
}

/** A directory of a share whose root is mounted here. */
export interface FolderAt {
  /** The path of the root on this machine. */
  readonly root: string;
  /** The cluster's: another one may have directories in the same share. */
  readonly mark: string;
  readonly folder: string;
  /** Told before each change in the share. */
  readonly before: (folder: string, step: string) => void;
}

/**
 * Makes the directory of a volume in a share whose root is mounted here, or goes on making it.
 * @fails RpcError ALREADY_EXISTS · FAILED_PRECONDITION · ABORTED; the file system's error
 */
export function makeFolder(inside: Inside, at: FolderAt, wish: FolderWish): Promise<FolderRecord> {
  return withShare(inside, at, async (share) => {
    const record = {
      format: folderRecordFormat,
      folder: at.folder,
      size: wish.least,
      onDelete: wish.onDelete,
      state: 'making',
    } as const;
    // Each turn does one thing and looks again.
    for (let turn = 0; turn < 8; turn++) {
      const step = planMakeFolder(await look(share), wish);
      switch (step.do) {
        case 'use':
          return step.record;
        case 'refuse':
          throw new RpcError(step.code, `directory ${at.folder}: ${step.why}`);
        case 'note':
          await writeRecord(share, record);
          break;
        case 'make':
          at.before(at.folder, 'making its directory');
          await mkdir(pathIn(share.root, at.folder), { mode: 0o700 });
          break;
        case 'finish':
          await openToAll(share, step.inode);
          await writeRecord(share, { ...step.record, inode: step.inode, state: 'ready' });
      }
    }
    throw changing(at.folder);
  });
}

/** Ends the directory of a volume as its record says. One without a record of ours is left as it is. @fails as `makeFolder` */
export function removeFolder(inside: Inside, at: FolderAt): Promise<void> {
  return withShare(inside, at, async (share) => {
    for (let turn = 0; turn < 8; turn++) {
      const seen = await look(share);
      const step = planRemoveFolder(seen);
      switch (step.do) {
        case 'nothing':
          return;
        case 'refuse':
          throw new RpcError(step.code, `directory ${at.folder}: ${step.why}`);
        case 'forget':
          at.before(at.folder, 'removing its record');
          await rm(pathIn(share.records, recordName(at.folder)), { force: true });
          await share.records.sync();
          return;
        case 'drop-empty':
          at.before(at.folder, 'removing its directory, which nobody got');
          await rmdir(pathIn(share.root, at.folder));
          break;
        case 'archive':
          at.before(at.folder, 'renaming its directory');
          await rename(pathIn(share.root, at.folder), pathIn(share.root, archiveName(at.folder)));
          await share.root.sync();
          break;
        case 'note-removing':
          await writeRecord(share, { ...(seen.record as FolderRecord), state: 'removing' });
          break;
        case 'trash':
          at.before(at.folder, 'moving its directory to the records');
          await rename(pathIn(share.root, at.folder), pathIn(share.records, trashName(at.folder)));
          break;
        case 'empty-trash':
          await removeTree(share, trashName(at.folder));
      }
    }
    throw changing(at.folder);
  });
}

/**
 * What this cluster has recorded in a share whose root is mounted here, each with the time of its last change. Nothing is made for it, and what is
 * no record is left out.
 * @fails the file system's error
 */
export async function listFolders(
  inside: Inside,
  { root, mark }: Pick<FolderAt, 'root' | 'mark'>,
): Promise<readonly { readonly record: FolderRecord; readonly changed: Instant }[]> {
  const held: FileHandle[] = [];
  try {
    // One in the other, so that no link leads elsewhere.
    held.push(await open(inside.at(root), directoryOnly));
    for (const name of [ownFolder, mark]) held.push(await open(pathIn(held.at(-1) as FileHandle, name), directoryOnly));
    const records = held.at(-1) as FileHandle;
    const names = await readdir(`/proc/self/fd/${records.fd}`);
    const read = await Promise.all(
      names.filter((name) => name.endsWith('.json')).map((name) => recordAt(records, name)),
    );
    return read.flatMap((one) => one ?? []);
  } catch (e) {
    if (isAbsent(e) || isNoDirectory(e)) return [];
    throw e;
  } finally {
    for (const handle of held) await handle.close();
  }
}

async function recordAt(
  records: FileHandle,
  name: string,
): Promise<{ readonly record: FolderRecord; readonly changed: Instant } | undefined> {
  const record = await readRecord(records, name);
  if (record === undefined || record === 'unreadable' || recordName(record.folder) !== name) return undefined;
  const { mtimeMs } = await lstat(pathIn(records, name));
  return { record, changed: Math.floor(mtimeMs) as Instant };
}

/** A link is refused, wherever it leads. */
const directoryOnly = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

const ownFolder = '.isthmus';
const recordName = (folder: string): string => `${folder}.json`;
const trashName = (folder: string): string => `${folder}.removing`;
/** As users of the subdirectory provisioner of Kubernetes' projects know it. */
const archiveName = (folder: string): string => `archived-${folder}`;

async function withShare<T>(
  inside: Inside,
  { root, mark, folder, before }: FolderAt,
  work: (share: OpenShare) => Promise<T>,
): Promise<T> {
  const held: FileHandle[] = [];
  const hold = async (path: string): Promise<FileHandle> => {
    const handle = await open(path, directoryOnly);
    held.push(handle);
    return handle;
  };
  try {
    const top = await hold(inside.at(root));
    const records = await holdRecords(top, mark, hold);
    return await work({ inside, root: top, records, folder, before });
  } finally {
    for (const handle of held) await handle.close();
  }
}

async function holdRecords(
  top: FileHandle,
  mark: string,
  hold: (path: string) => Promise<FileHandle>,
): Promise<FileHandle> {
  try {
    const own = await hold(await ensureFolder(top, ownFolder));
    return await hold(await ensureFolder(own, mark));
  } catch (e) {
    if (!isNoDirectory(e)) throw e;
    throw new RpcError(
      'FAILED_PRECONDITION',
      `${ownFolder} or ${ownFolder}/${mark} in the file share is a link or a file, and not a directory with our records: move it away`,
    );
  }
}

/** A link, or anything else, where only a directory is opened. */
function isNoDirectory(e: unknown): boolean {
  return ['ENOTDIR', 'ELOOP'].includes((e as NodeJS.ErrnoException).code ?? '');
}

/** The path of a name in a directory that is held open: the kernel looks nowhere else. */
function pathIn({ fd }: FileHandle, name: string): string {
  return `/proc/self/fd/${fd}/${name}`;
}

async function ensureFolder(parent: FileHandle, name: string): Promise<string> {
  const path = pathIn(parent, name);
  await mkdir(path, { mode: 0o700 }).catch((e: unknown) => {
    if ((e as NodeJS.ErrnoException).code !== 'EEXIST') throw e;
  });
  return path;
}

async function look({ root, records, folder }: OpenShare): Promise<FolderSeen> {
  return {
    record: await readRecord(records, recordName(folder)),
    folder: await seenAt(root, folder),
    trash: await seenAt(records, trashName(folder)),
    archive: await seenAt(root, archiveName(folder)),
  };
}

async function readRecord(records: FileHandle, name: string): Promise<FolderSeen['record']> {
  try {
    const flag = constants.O_RDONLY | constants.O_NOFOLLOW;
    return parseFolderRecord(await readFile(pathIn(records, name), { encoding: 'utf8', flag }));
  } catch (e) {
    if (isAbsent(e)) return undefined;
    if (['ELOOP', 'EISDIR'].includes((e as NodeJS.ErrnoException).code ?? '')) return 'unreadable';
    throw e;
  }
}

async function seenAt(parent: FileHandle, name: string): Promise<Seen> {
  let directory: FileHandle | undefined;
  try {
    directory = await open(pathIn(parent, name), directoryOnly);
    const { ino } = await directory.stat({ bigint: true });
    return { is: 'directory', inode: `${ino}`, isEmpty: await isEmpty(directory) };
  } catch (e) {
    if (isAbsent(e)) return { is: 'absent' };
    if (isNoDirectory(e)) return { is: 'other' };
    throw e;
  } finally {
    await directory?.close();
  }
}

/** One name is enough to know: a volume may hold millions. */
async function isEmpty({ fd }: FileHandle): Promise<boolean> {
  const listed = await opendir(`/proc/self/fd/${fd}`);
  try {
    return (await listed.read()) === null;
  } finally {
    await listed.close();
  }
}

/** Whole or not at all, and safe on the server before it returns. */
async function writeRecord({ records, folder, before }: OpenShare, record: FolderRecord): Promise<void> {
  before(folder, `recording that it is ${record.state}`);
  const path = pathIn(records, recordName(folder));
  const beside = `${path}.new`;
  await rm(beside, { force: true });
  const file = await open(beside, 'wx', 0o600);
  try {
    await file.writeFile(formatFolderRecord(record));
    await file.sync();
  } finally {
    await file.close();
  }
  before(folder, 'putting the record in its place');
  await rename(beside, path);
  await records.sync();
}

/** Pods of any user may write: who may use the volume is decided by who may use its claim. */
async function openToAll({ root, folder, before }: OpenShare, inode: string): Promise<void> {
  before(folder, 'opening its directory to all users');
  const directory = await open(pathIn(root, folder), directoryOnly);
  try {
    const { ino } = await directory.stat({ bigint: true });
    if (`${ino}` !== inode) throw changing(folder);
    await directory.chmod(0o777);
    await directory.sync();
    await root.sync();
  } finally {
    await directory.close();
  }
}

const emptying = minutes(30);

/**
 * By the machine's own `rm`, which looks every name up in directories that it holds open, follows no link and leaves what is mounted in it alone.
 * @source coreutils rm(1): --one-file-system; gnulib fts with FTS_PHYSICAL and FTS_CWDFD
 */
async function removeTree({ inside, records, folder, before }: OpenShare, name: string): Promise<void> {
  before(folder, 'emptying its directory');
  // Process numbers are the machine's, and it sees the directory that this process holds open.
  const path = `/proc/${process.pid}/fd/${records.fd}/${name}`;
  const ran = await inside.run(['rm', '-rf', '--one-file-system', '--', path], { within: emptying });
  if (ran.code !== 0) throw new HostError('this machine', `emptying ${name}`, ran.stderr.trim().slice(-500));
}

function changing(folder: string): Error {
  return new Error(`directory ${folder}: what lies there keeps changing`);
}
