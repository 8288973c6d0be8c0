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
  /** Left out for a network load balancer. */
  readonly layer?: Exclude<Layer, 'network'> | undefined;
  /** Whose it is in the cloud, when that is not the object itself: the group of an Ingress. */
  readonly group?: string | undefined;
}

/** Of connections, of connections that back ends answer directly, and of HTTP. */
export type Layer = 'network' | 'direct' | 'application';

const recorded = { layer: z.enum(['direct', 'application']).optional(), group: z.string().optional() };
const recordSchema = z.discriminatedUnion('uses', [
  z.object({ ...recorded, uses: z.literal('made'), balancer: z.string().optional(), address: z.string().optional() }),
  z.object({ ...recorded, uses: z.literal('existing'), balancer: z.string() }),
]);

/** @shape `undefined`: there is none, or somebody changed it by hand to what cannot be read; what is ours is found again by its mark and owner */
export function readRecord(annotations: Readonly<Record<string, string>> | undefined): BalancerRecord | undefined {
  const text = annotations?.[recordAnnotation];
  if (text === undefined) return undefined;
  try {
    return recordSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** One that cannot be read counts as one that says nothing. */
export function parseRecord(annotations: Readonly<Record<string, string>> | undefined): BalancerRecord {
  return readRecord(annotations) ?? { uses: 'made' };
}

export function formatRecord(record: BalancerRecord): string {
  return JSON.stringify(record);
}
