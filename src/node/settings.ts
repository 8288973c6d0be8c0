import * as z from 'zod';
import type { ClusterShape, JoinFacts } from '#capability/capability.ts';

/** What machines are told to join with, beside the cluster's own settings: `node.json`, written by `isthmus up`. */
export const nodeSettingsSchema = z.object({
  kubernetes: z.string(),
  bundle: z.object({ url: z.string(), digest: z.string() }),
  api: z.object({ address: z.string(), port: z.number().int() }),
  /** Our program in the bundle, and how many bytes a node fetches in all. */
  download: z.object({
    program: z.object({ path: z.string(), digest: z.string(), size: z.number().int() }),
    bytes: z.number().int(),
  }),
});

export type NodeSettings = z.infer<typeof nodeSettingsSchema>;

export function nodeSettings({ kubernetes }: ClusterShape, { bundle, api, download }: JoinFacts): NodeSettings {
  return { kubernetes, bundle, api, download };
}
