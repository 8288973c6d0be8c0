import type { Life } from './machine-life.ts';

/** Machines and the images that they are made from. */
export interface UhostState {
  readonly images: ImageRecord[];
  readonly machines: MachineRecord[];
}

export interface ImageRecord {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly tag: string;
  readonly sizeGib: number;
  readonly createdAt: number;
  /** The image that the cloud had from the beginning, under this one: its own id where it is one of those. */
  readonly base: string;
  /** The machine of whose disk it was made. */
  readonly madeOf: string | undefined;
  /** As DescribeImage spells it. */
  at: 'Making' | 'Available' | 'Unavailable';
  /** What the world failed at. */
  trouble: string | undefined;
}

export type SecurityMode = 'Firewall' | 'SecGroup';

export interface MachineRecord {
  readonly id: string;
  name: string;
  tag: string;
  /** Absent until somebody writes one. */
  remark?: string;
  readonly zone: string;
  readonly image: string;
  readonly cpu: number;
  readonly memoryMib: number;
  readonly machineType: string;
  readonly chargeType: string;
  readonly netCapability: string;
  readonly vpc: string;
  readonly subnet: string;
  /** Its primary address, usable as soon as the machine is on. */
  readonly ip: string;
  /** Upper case, as the API writes it. */
  readonly mac: string;
  /** Only on machines made with Features.UNI. */
  readonly nic: string | undefined;
  /** In which of the two modes its traffic is judged; a firewall judges none that the lab has. */
  securityMode: SecurityMode;
  /** Those that lie in it, its boot disk first; what was attached is recorded with the disk. */
  readonly disks: readonly DiskRecord[];
  /** Absent: that of new disks. Of machine types that are in none it says nothing. */
  rdmaCluster?: string;
  /** Base64, both. */
  readonly userData: string;
  readonly password: string | undefined;
  readonly createdAt: number;
  life: Life;
  /** Its installation will fail, by a fault. */
  doomed: boolean;
  /** Its attached disks end with it. */
  releasesDisks?: boolean;
  /** The world has no such machine any more; its primary address rests before another may have it. */
  destroyed: boolean;
  /** What the world last failed at. */
  trouble: string | undefined;
}

export interface DiskRecord {
  readonly id: string;
  readonly boot: boolean;
  readonly type: string;
  readonly sizeGib: number;
}

/** Whether the API still knows the machine: one that was terminated is gone from every answer at once. */
export function isListed(machine: MachineRecord): boolean {
  return machine.life.job !== 'end';
}
