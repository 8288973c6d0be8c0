/** The driver of the cloud's file shares. */
export const shareDriver = 'ufs.isthmus.dev';

/** In a volume's context, and in `volumeAttributes` of PersistentVolumes that people write: the address of the share's mount point. */
export const serverKey = 'server';
