import * as z from 'zod';
import { readIfThere, writeWhole } from '#host/files.ts';
import { podRangeSpec } from '#kube/api/pod-range.ts';

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
    return rangeSeen.optional().parse(JSON.parse((await readIfThere(path)) ?? 'null') ?? undefined);
  } catch (e) {
    throw new Error(`reading ${path}: ${(e as Error).message}`, { cause: e });
  }
}

/** Returns when it is safe on disk: what is answered to the controller must hold after a crash too. */
export function writeRange(path: string, range: RangeSeen | undefined): Promise<void> {
  return writeWhole(path, JSON.stringify(range ?? null), 0o600);
}
