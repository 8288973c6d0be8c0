/** The driver of the disks of physical machines. */
export const localDriver = 'local.isthmus.dev';

/** The label and topology key that says on which node a volume is; its value is the node's name. */
export const nodeKey = `topology.${localDriver}/node`;

/** Condition of the Node of a physical machine: False with what is wrong with the folders and disks that it gives to volumes. */
export const poolsCondition = 'isthmus.dev/LocalVolumes';
