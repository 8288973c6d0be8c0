import * as z from 'zod';
import type { ClusterShape } from '#capability/capability.ts';

/** What the network's controllers need to know beside the cluster's own settings: `network.json`, written by `isthmus up`. */
export const networkSettingsSchema = z.object({
  /** Prefix length of the pod subnet of one site machine. */
  perMachine: z.number().int(),
  /** Free addresses kept on each cloud node. */
  warm: z.object({ low: z.number().int(), high: z.number().int() }),
});

export type NetworkSettings = z.infer<typeof networkSettingsSchema>;

export function networkSettings({ network }: ClusterShape): NetworkSettings {
  return { perMachine: network.site.perMachine, warm: network.cloud.warm };
}
