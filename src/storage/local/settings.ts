import * as z from 'zod';
import type { ClusterShape } from '#capability/capability.ts';
import type { Bytes } from '#unit/bytes.ts';

/** What cluster.yaml says of the disks of physical machines, by the machine's name: a part of `storage.json`. */
export const localSettingsSchema = z.object({
  machines: z.record(
    z.string(),
    z.object({
      directories: z.array(z.string()),
      disks: z.array(z.string()),
      keepFree: z
        .number()
        .transform((n) => n as Bytes)
        .optional(),
    }),
  ),
});

export type LocalSettings = z.infer<typeof localSettingsSchema>;

export function localSettings({ machines }: Pick<ClusterShape, 'machines'>): LocalSettings {
  return {
    machines: Object.fromEntries(
      machines.flatMap(({ name, storage }) => {
        if (storage === undefined) return [];
        const { directories, disks, keepFree } = storage;
        return [[name, { directories: [...directories], disks: [...disks], keepFree }]];
      }),
    ),
  };
}
