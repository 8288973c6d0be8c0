import * as z from 'zod';
import { fileSystemTypes } from '#host/file-systems.ts';
import type { Bytes } from '#unit/bytes.ts';

/**
 * What a machine knows of one of its volumes. It lies beside the volume, and is safe on disk before anything is made that it tells of: its size
 * is what has been promised, whether it has been taken yet or not.
 */
const shape = z.object({
  format: z.literal('isthmus-local-volume/v1'),
  /** The name of its folder; with the node's before it the volume's handle. */
  id: z.string(),
  /** What the volume was asked for as. */
  name: z.string(),
  node: z.string(),
  /** Who asked, for people who look at the machine. */
  claim: z.object({ namespace: z.string(), name: z.string() }).optional(),
  /** When it was asked for, ISO 8601. */
  made: z.string(),
  place: z.discriminatedUnion('in', [
    z.object({ in: z.literal('folder'), pool: z.string(), sector: z.number() }),
    z.object({
      in: z.literal('disk'),
      /** Under `/dev/disk/by-id`, where udev names disks by what they tell of themselves. */
      link: z.string(),
      serial: z.string().optional(),
    }),
  ]),
  usage: z.discriminatedUnion('as', [
    z.object({ as: z.literal('file-system'), type: z.enum(fileSystemTypes) }),
    z.object({ as: z.literal('block') }),
  ]),
  size: z.number().transform((n) => n as Bytes),
  /** The size that it was made with, of nothing. */
  madeWith: z.number().transform((n) => n as Bytes),
  /** `making`: nobody has been told of it yet. `wiping`: nobody has it any more, and its disk is being overwritten. */
  state: z.enum(['making', 'ready', 'wiping']),
});

export type VolumeRecord = Readonly<z.infer<typeof shape>>;

export const recordFormat = 'isthmus-local-volume/v1';

export function formatRecord(record: VolumeRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** @shape undefined for what is not a record of this version */
export function parseRecord(text: string): VolumeRecord | undefined {
  const read = shape.safeParse(parseJson(text));
  return read.success ? read.data : undefined;
}

/** @shape undefined for text that is not JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
