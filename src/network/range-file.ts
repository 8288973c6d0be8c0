import * as z from 'zod';
import { readIfThere, writeWhole } from '#host/files.ts';
import { podRangeSpec } from '#kube/api/pod-range.ts';
import type { Note } from './note.ts';

/** The PodRange as this node saw it last; with it the node's pods come and go while the API server is away. */
export const rangeSeen = z.object({
  uid: z.string(),
  generation: z.number().int(),
  spec: podRangeSpec,
});
export type RangeSeen = z.infer<typeof rangeSeen>;

const format = 'isthmus-pod-range/v1';
const fileShape = z.object({ format: z.literal(format), range: rangeSeen.nullable() });

/**
 * @shape undefined when no range was seen yet, or it was gone when last looked. A file that this version can't read, or that is
 * damaged, is noted and counts as none: the range is read from the API server again, and pods that run keep their addresses.
 */
export async function readRange(path: string, note: Note): Promise<RangeSeen | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const parsed = fileShape.safeParse(parseJson(text));
  if (parsed.success) return parsed.data.range ?? undefined;
  note({ path, fault: z.prettifyError(parsed.error) }, 'leaving out a file that this version cannot read');
  return undefined;
}

/** Returns when it is safe on disk: what is answered to the controller must hold after a crash too. */
export function writeRange(path: string, range: RangeSeen | undefined): Promise<void> {
  return writeWhole(path, JSON.stringify({ format, range: range ?? null }), 0o600);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
