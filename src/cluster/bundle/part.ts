import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** In a folder that is being made: it is ours, and may be removed. */
const mark = '.isthmus-part';
/** What an unfinished bundle consists of; folders of earlier versions have no mark. */
const known = new Set([mark, 'bin', 'cni', 'images', 'scratch', 'bundle.json']);

/**
 * A folder that something is made in, before it gets its name. What an earlier run left there goes, unless it is kept.
 * @fails Error when there is a folder that isthmus did not make
 */
export async function claimPart(folder: string, { keep = false }: { readonly keep?: boolean } = {}): Promise<string> {
  await refuseForeignPart(folder);
  if (!keep) await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, mark), 'unfinished; made by isthmus bundle\n');
  return folder;
}

/** @fails Error when there is a folder that isthmus did not make */
export async function refuseForeignPart(folder: string): Promise<void> {
  const names = await readdir(folder).catch((e: NodeJS.ErrnoException): string[] => {
    if (e.code === 'ENOENT') return [];
    throw e;
  });
  if (!names.includes(mark) && names.some((name) => !known.has(name)))
    throw new Error(`${folder} already exists, and isthmus did not make it; move it away, or name another folder`);
}

/** Before it gets its name. */
export function disownPart(folder: string): Promise<void> {
  return rm(join(folder, mark), { force: true });
}

/** An unfinished bundle file begins with its bundle.json, or is empty. @fails Error when there is another file */
export async function refuseForeignTar(path: string): Promise<void> {
  const file = await open(path, 'r').catch((e: unknown) => {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw e;
  });
  if (file === undefined) return;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(12), 0, 12, 0);
    if (bytesRead > 0 && buffer.toString('latin1', 0, bytesRead) !== 'bundle.json\0')
      throw new Error(`${path} already exists, and isthmus did not make it; move it away, or name another file`);
  } finally {
    await file.close();
  }
}
