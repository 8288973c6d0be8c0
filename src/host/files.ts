import { chmod, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The text of a file; `undefined` when there is none, or when it was that of a process that has just ended. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (e) {
    // Of /proc and cgroups: what it tells about went between opening and reading.
    if (['ENOENT', 'ESRCH', 'ENODEV'].includes((e as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw e;
  }
}

/** Whether an error of the file system says that nothing is there. */
export function isAbsent(e: unknown): boolean {
  return (e as NodeJS.ErrnoException).code === 'ENOENT';
}

/** Why a file can't be read, for the person who named it: `no such file`. */
export function explainUnreadable(e: unknown): string {
  const { code = '', message } = e as NodeJS.ErrnoException;
  return unreadable[code] ?? message;
}

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file: a part of its path is no folder',
  EISDIR: 'is a folder',
  EACCES: 'you may not read it',
};

/** How a file is kept. */
export interface Keeping {
  /** Its permissions, as `0o600`. */
  readonly mode: number;
  /** Those of folders that have to be made. */
  readonly folderMode?: number;
  /** `false`: it must survive the death of this process, and need not survive a power cut. */
  readonly sync?: false;
}

/**
 * Puts a file in place whole, with exactly this mode: written beside, then renamed. Returns when it would survive a power cut.
 * @fails the file system's error; then the file is as it was, and nothing lies beside it
 */
export async function writeWhole(path: string, content: string | Uint8Array, keep: number | Keeping): Promise<void> {
  const { mode, folderMode, sync = true } = typeof keep === 'number' ? { mode: keep } : keep;
  await mkdir(dirname(path), { recursive: true, mode: folderMode });
  const beside = `${path}.new`;
  try {
    // Left behind by a process that was killed, perhaps with another mode.
    await rm(beside, { force: true });
    await writeFile(beside, content, { flag: 'wx', mode, flush: sync });
    // What the umask took away.
    await chmod(beside, mode);
    await rename(beside, path);
  } catch (e) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw e;
  }
  if (sync) await syncFolder(dirname(path));
}

/** Makes a rename in it survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
