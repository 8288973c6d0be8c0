/**
 * Disks and file shares of the cloud that belong to the cluster and that no PersistentVolume names, by the reason of Events of the CSIDriver
 * that made them; with what it means and what helps. `docs/reference/events.md` is made from it.
 */
export const orphanReasons = {
  WithoutVolume:
    'Disks or file shares carry the mark of this cluster, are older than an hour, and no PersistentVolume names them: somebody deleted the PersistentVolume, or the cluster was set up anew. They are billed, and nobody can use them. `isthmus doctor storage --fix` makes PersistentVolumes that keep them; remove in the provider’s console what nobody needs.',
} as const satisfies Readonly<Record<string, string>>;
