import * as z from 'zod';

/** `storage.json` in the ConfigMap `isthmus-system/isthmus`, written by `isthmus up` from cluster.yaml. */
export const storageSettingsSchema = z.object({
  /** How long a cloud node may be silent before its machine is switched off; absent: for ever. */
  powerOffSilentAfterMs: z.number().int().positive().optional(),
});
