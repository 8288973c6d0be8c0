import type { DiskKind } from './kind.ts';

/** Disks of the network, and what was copied from them. */
export interface UdiskState {
  readonly udisks: UdiskRecord[];
  readonly snapshots: SnapshotRecord[];
  readonly snapshotServices: SnapshotServiceRecord[];
}

export interface UdiskRecord {
  readonly id: string;
  name: string;
  readonly tag: string;
  readonly zone: string;
  readonly kind: DiskKind;
  sizeGib: number;
  readonly chargeType: string;
  readonly quantity: number;
  /** Empty for kinds that are attached anywhere in their zone. */
  readonly rdmaCluster: string;
  /** The key with which it is encrypted. */
  readonly key: string | undefined;
  /** Unix seconds. */
  readonly createdAt: number;
  /** What it began as a copy of. */
  readonly copyOf: { readonly kind: 'disk' | 'snapshot'; readonly id: string } | undefined;
  at: 'making' | 'ready' | 'failed' | 'restoring' | 'restore-failed';
  /** The snapshot that it is being set back to. */
  restoresTo: string | undefined;
  /** The size that it is being given. @unit GiB */
  growsTo: number | undefined;
  /** More than one only where each allowed others beside it. */
  attachments: readonly AttachmentRecord[];
  /** What the world last failed at. */
  trouble: string | undefined;
}

export interface AttachmentRecord {
  readonly machine: string;
  /** As the API tells it: `/dev/vdb`. */
  readonly device: string;
  /** As the machine has it: another one by a fault. */
  shownAs: string;
  /** Whether others may attach the disk beside it. */
  readonly isShared: boolean;
  at: 'attaching' | 'attached' | 'detaching';
  /** By a fault: how long after the API has told of it the machine has the device. @unit ms */
  showsAfter: number;
  /** By a fault: how much longer the detach takes. @unit ms */
  staysFor: number;
  /** The disk is deleted when it is detached, or its snapshot service, too. */
  afterwards: 'keep' | 'delete' | 'delete-with-service';
}

export interface SnapshotRecord {
  readonly id: string;
  readonly name: string;
  readonly comment: string;
  readonly zone: string;
  /** The disk that it was made of, as that was then: it may be gone by now. */
  readonly disk: string;
  readonly diskName: string;
  readonly kind: DiskKind;
  readonly sizeGib: number;
  /** The machine in which the disk was then; empty for none. */
  readonly machine: string;
  readonly createdAt: number;
  /** As DescribeUDiskSnapshot spells it. */
  at: 'Creating' | 'Normal' | 'Failed';
  trouble: string | undefined;
}

/** What is paid for so that a disk may have snapshots. */
export interface SnapshotServiceRecord {
  readonly id: string;
  readonly disk: string;
  readonly tag: string;
  readonly zone: string;
  readonly mode: string;
  readonly chargeType: string;
  readonly quantity: number;
  readonly createdAt: number;
}
