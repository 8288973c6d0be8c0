import * as z from 'zod';
import { recordAnnotation } from './annotations.ts';

/**
 * What was done in the cloud for a Service, noted on it before the cloud is asked: `made` is ours from the first to the last, and
 * of an `existing` balancer only the listeners are.
 */
export type BalancerRecord =
  | { readonly uses: 'made'; readonly balancer?: string | undefined; readonly address?: string | undefined }
  | { readonly uses: 'existing'; readonly balancer: string };

const recordSchema = z.discriminatedUnion('uses', [
  z.object({ uses: z.literal('made'), balancer: z.string().optional(), address: z.string().optional() }),
  z.object({ uses: z.literal('existing'), balancer: z.string() }),
]);

/** A record that somebody changed by hand counts as none: what is ours is found again by its mark and owner. */
export function parseRecord(annotations: Readonly<Record<string, string>> | undefined): BalancerRecord {
  const text = annotations?.[recordAnnotation];
  if (text === undefined) return { uses: 'made' };
  try {
    const parsed = recordSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : { uses: 'made' };
  } catch {
    return { uses: 'made' };
  }
}

export function formatRecord(record: BalancerRecord): string {
  return JSON.stringify(record);
}
