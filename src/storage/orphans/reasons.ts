/**
 * Disks, file shares and directories of them that belong to the cluster and that no PersistentVolume names, by the reason of Events of the CSIDriver
 * that made them; with what it means and what helps. `docs/reference/events.md` is made from it.
 */
export const orphanReasons = {
  WithoutVolume:
    'Disks or file shares carry the mark of this cluster, or directories of file shares have a record of it, are older than an hour, and no PersistentVolume names them: somebody deleted the PersistentVolume, or the cluster was set up anew. Nobody can use them, and disks and file shares are billed. `isthmus doctor storage --fix` makes PersistentVolumes that keep them; remove in the provider’s console what nobody needs.',
} as const satisfies Readonly<Record<string, string>>;
