import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { podRangeSpec } from '#kube/api/pod-range.ts';
import { syncFolder } from './ipam/journal.ts';

/** The PodRange as this node saw it last; with it the node's pods come and go while the API server is away. */
export const rangeSeen = z.object({
  uid: z.string(),
  generation: z.number().int(),
  spec: podRangeSpec,
});
export type RangeSeen = z.infer<typeof rangeSeen>;

/** @shape undefined when no range was seen yet, or it was gone when last looked. @fails Error with the path when the file is unreadable */
export async function readRange(path: string): Promise<RangeSeen | undefined> {
  try {
    return rangeSeen.optional().parse(JSON.parse(await readFile(path, 'utf8')) ?? undefined);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`reading ${path}: ${(e as Error).message}`, { cause: e });
  }
}

/** Returns when it is safe on disk: what is answered to the controller must hold after a crash too. */
export async function writeRange(path: string, range: RangeSeen | undefined): Promise<void> {
  const aside = `${path}.new`;
  const file = await open(aside, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(range ?? null));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, path);
  await syncFolder(dirname(path));
}
