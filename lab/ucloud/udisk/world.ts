/** What disks need of the world: bytes that stay, and machines that see them. All of it may be asked again after a restart. */
export interface UdiskWorld {
  /** Makes a disk of zeros, or a copy that may be larger than what it is copied from. Nothing happens when it is there. */
  makeDisk(disk: WorldDisk): Promise<void>;
  /** A machine that has it sees the new size. */
  growDisk(id: string, sizeGib: number): Promise<void>;
  removeDisk(id: string): Promise<void>;
  /** The machine has the disk under this name from now on, or from its next start on. Nothing happens when it has it. */
  plugDisk(machine: string, disk: { readonly id: string; readonly device: string }): Promise<void>;
  /** Takes the disk out of the machine, unless that uses it. */
  unplugDisk(machine: string, id: string): Promise<'unplugged' | 'in-use'>;
  /** Whether the machine has mounted the disk or holds it open. */
  usesDisk(machine: string, id: string): Promise<boolean>;
  /** Copies a disk as it is at one moment. */
  makeSnapshot(id: string, disk: string): Promise<void>;
  /** Sets a disk that is in no machine back to what the snapshot has. */
  restoreDisk(disk: string, snapshot: string): Promise<void>;
  removeSnapshot(id: string): Promise<void>;
}

export interface WorldDisk {
  readonly id: string;
  readonly sizeGib: number;
  readonly copyOf: { readonly kind: 'disk' | 'snapshot'; readonly id: string } | undefined;
}
