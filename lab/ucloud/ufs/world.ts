/** What file systems need of the world. All of it may be asked again after a restart. */
export interface UfsWorld {
  /** Nothing happens when it is there. */
  makeShare(id: string): Promise<void>;
  removeShare(id: string): Promise<void>;
  /** From now on who reaches this address of the VPC may mount the file system. */
  openMountPoint(share: string, ip: string): Promise<void>;
  closeMountPoint(share: string, ip: string): Promise<void>;
  /** @unit bytes that its files take */
  shareUsage(id: string): Promise<number>;
}
