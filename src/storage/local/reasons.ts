/**
 * How a machine's folders and disks for volumes are, by the reason of the condition `isthmus.dev/LocalVolumes` of its Node; with what it means
 * and what helps. `docs/reference/events.md` is made from it.
 */
export const poolReasons = {
  Usable:
    'All folders and disks that cluster.yaml gives of the machine can be used. The message says how much room each folder had and what each disk was when this was last written.',
  FolderUnusable:
    'A folder takes no volumes, and those in it may be out of reach: it is missing, its disk is not mounted, it is read-only, or on a file system on which room does not last. The message names it, with what helps.',
  FolderFull:
    'A folder’s file system has less free than half of what is to stay free, or less than its volumes were promised: something else fills it. Remove that, or lower `machines[].storage.keepFree`.',
  DiskUnusable:
    'A disk becomes no volume: it is not in the machine, in use, or not blank. What is on it is left as it is. The message names it, with what helps.',
  StrangeFiles: 'In a folder lies something that is no volume of it. It is left as it is; look at it.',
  LeftBehind:
    'A volume lies on the machine, older than an hour, and no PersistentVolume names it: somebody deleted the PersistentVolume, or the cluster was set up anew. `isthmus doctor storage --fix` makes a PersistentVolume that keeps it.',
  LookFailed: 'The driver could not look at its folders and disks, and tries again. The message has the error.',
} as const satisfies Readonly<Record<string, string>>;

export type PoolReason = keyof typeof poolReasons;
