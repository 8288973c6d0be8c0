import type { PlantedFault } from './faults.ts';
import type { Limits } from './limits.ts';
import type { Life } from './machine-life.ts';
import type { Chance } from './random.ts';

/** Everything the simulated cloud knows, as one JSON value: written down by `snapshot`, handed back to `createUcloud`. */
export interface State {
  readonly chance: Chance;
  readonly vpcs: VpcRecord[];
  readonly subnets: SubnetRecord[];
  readonly images: readonly ImageRecord[];
  readonly machines: MachineRecord[];
  readonly addresses: AddressRecord[];
  readonly labels: LabelRecord[];
  readonly firewalls: FirewallRecord[];
  readonly sessions: SessionRecord[];
  readonly faults: PlantedFault[];
  /** How many faults were ever planted. */
  faultsPlanted: number;
  limits: Limits;
}

export interface VpcRecord {
  readonly id: string;
  readonly name: string;
  readonly tag: string;
  /** Ranges as `10.9.0.0/16`. */
  readonly networks: readonly string[];
  /** Unix seconds, here and wherever a name ends in `At`, except `readyAt`. */
  readonly createdAt: number;
}

export interface SubnetRecord {
  readonly id: string;
  readonly vpc: string;
  readonly name: string;
  readonly tag: string;
  readonly remark: string;
  readonly cidr: string;
  readonly createdAt: number;
}

export interface ImageRecord {
  readonly id: string;
  readonly name: string;
  readonly sizeGib: number;
  readonly createdAt: number;
}

export interface MachineRecord {
  readonly id: string;
  name: string;
  tag: string;
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
  readonly disks: readonly DiskRecord[];
  /** Base64, both. */
  readonly userData: string;
  readonly password: string | undefined;
  readonly createdAt: number;
  life: Life;
  /** Its installation will fail, by a fault. */
  doomed: boolean;
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

/** A secondary address. */
export interface AddressRecord {
  readonly ip: string;
  readonly subnet: string;
  machine: string;
  at: 'settling' | 'working' | 'leaving';
  /** When the network has learnt it: Unix milliseconds. */
  readyAt: number;
  /** The machine to which the world carries it now. */
  heldBy: string | undefined;
  trouble: string | undefined;
}

export interface LabelRecord {
  /** The id of what carries it. */
  readonly resource: string;
  readonly key: string;
  readonly value: string;
}

export interface FirewallRecord {
  readonly id: string;
  readonly name: string;
  readonly tag: string;
  readonly remark: string;
  /** `TCP|22|0.0.0.0/0|ACCEPT|HIGH|ssh` */
  rules: readonly string[];
  readonly createdAt: number;
  machines: readonly string[];
}

/** A temporary credential. */
export interface SessionRecord {
  readonly publicKey: string;
  readonly privateKey: string;
  readonly token: string;
  readonly expiresAt: number;
}

/** Whether the API still knows the machine: one that was terminated is gone from every answer at once. */
export function isListed(machine: MachineRecord): boolean {
  return machine.life.job !== 'end';
}
