/** File systems that machines share. */
export interface UfsState {
  readonly shares: ShareRecord[];
}

export interface ShareRecord {
  readonly id: string;
  name: string;
  remark: string;
  readonly tag: string;
  readonly zone: string;
  /** Capacity or performance. */
  readonly storageType: 'Basic' | 'Advanced';
  sizeGib: number;
  readonly chargeType: string;
  readonly quantity: number;
  /** Unix seconds. */
  readonly createdAt: number;
  at: 'making' | 'ready' | 'failed';
  mountPoints: readonly MountPointRecord[];
  /** What the world last failed at. */
  trouble: string | undefined;
}

/** Where the machines of one subnet reach a file system. */
export interface MountPointRecord {
  readonly name: string;
  readonly vpc: string;
  readonly subnet: string;
  /** An address of the subnet. */
  readonly ip: string;
  readonly createdAt: number;
  /** Lists have it while it is `open` or `closing`. */
  at: 'opening' | 'open' | 'closing';
}
