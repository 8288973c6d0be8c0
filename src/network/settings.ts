import * as z from 'zod';
import type { ClusterShape } from '#capability/capability.ts';
import { spanText } from '#kube/api/text.ts';
import { formatSpan } from '#unit/ip.ts';

/** What the network's controllers need to know beside the cluster's own settings: `network.json`, written by `isthmus up`. */
export const networkSettingsSchema = z.object({
  /** How pods of a site machine get addresses when its Machine does not say. Absent: routed, as in clusters of before. */
  mode: z.enum(['routed', 'bridged']).default('routed'),
  /** Prefix length of the pod subnet of one routed site machine. */
  perMachine: z.number().int(),
  /** The addresses of the site's own network that are for pods of bridged machines. */
  bridged: z.object({ pods: spanText, interface: z.string().optional() }).optional(),
  /** Free addresses kept on each cloud node. */
  warm: z.object({ low: z.number().int(), high: z.number().int() }),
});

export type NetworkSettings = z.infer<typeof networkSettingsSchema>;

export function networkSettings({ network }: ClusterShape): NetworkSettings {
  const { mode, routed, bridged } = network.site;
  return {
    mode,
    perMachine: routed?.perMachine ?? usualPerMachine,
    ...(bridged !== undefined && {
      bridged: {
        pods: formatSpan(bridged.pods),
        ...(bridged.interface !== undefined && { interface: bridged.interface }),
      },
    }),
    warm: network.cloud.warm,
  };
}

/** Nobody reads it where no machine is routed. */
const usualPerMachine = 24;
