import * as z from 'zod';
import { recordAnnotation } from './annotations.ts';

/**
 * What was done in the cloud for a Service or an Ingress, noted on it before the cloud is asked: `made` is ours from the first to the last, and
 * of an `existing` balancer only the listeners are.
 */
export type BalancerRecord =
  | (Recorded & {
      readonly uses: 'made';
      readonly balancer?: string | undefined;
      readonly address?: string | undefined;
    })
  | (Recorded & { readonly uses: 'existing'; readonly balancer: string });

interface Recorded {
  /** Left out for a balancer of layer 4. */
  readonly layer?: 'application' | undefined;
  /** Whose it is in the cloud, when that is not the object itself: the group of an Ingress. */
  readonly group?: string | undefined;
}

/** 4 for connections, 7 for HTTP. */
export type Layer = 'network' | 'application';

const recorded = { layer: z.literal('application').optional(), group: z.string().optional() };
const recordSchema = z.discriminatedUnion('uses', [
  z.object({ ...recorded, uses: z.literal('made'), balancer: z.string().optional(), address: z.string().optional() }),
  z.object({ ...recorded, uses: z.literal('existing'), balancer: z.string() }),
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
