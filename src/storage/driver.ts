/**
 * The driver of cloud disks. It answers under the name of UK8S's own, so that classes, PersistentVolumes and claims that were made for that
 * go on working, and two drivers can never hold one disk: a cluster has one object CSIDriver of a name.
 */
export const diskDriver = 'udisk.csi.ucloud.cn';

/**
 * In a volume's context: how many bytes it was made with, of nothing. The controller writes it once, and only where no snapshot and no other
 * disk was the source; it never changes. Without it a node never formats.
 */
export const madeBlankKey = 'isthmus.dev/made-blank';

/** In the context of a publication: the serial that the disk tells in the machine. */
export const serialKey = 'isthmus.dev/serial';

/** In a volume's context: whom the cloud knows its disk by. */
export const ownerKey = 'isthmus.dev/owner';
