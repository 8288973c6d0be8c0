import type { Chance } from '../engine/random.ts';
import type { Limits } from '../limits.ts';
import type { Life } from '../uhost/machine-life.ts';
import type { PlantedFault } from './faults.ts';

/** Everything the simulated cloud knows, as one JSON value: written down by `snapshot`, handed back to `createUcloud`. */
export interface State {
  readonly chance: Chance;
  readonly vpcs: VpcRecord[];
  readonly subnets: SubnetRecord[];
  readonly images: ImageRecord[];
  readonly machines: MachineRecord[];
  readonly interfaces: InterfaceRecord[];
  readonly addresses: AddressRecord[];
  readonly labels: LabelRecord[];
  readonly firewalls: FirewallRecord[];
  readonly routeTables: RouteTableRecord[];
  readonly secGroups: SecGroupRecord[];
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
  /** What lies behind the hybrid gateway, over the leased line. */
  readonly hybrid: readonly string[];
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
  /** Exactly one at any time. */
  routeTable: string;
  readonly createdAt: number;
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

/** A network interface that was made by itself; the one that a machine is made with is part of the machine's record. */
export interface InterfaceRecord {
  readonly id: string;
  readonly name: string;
  readonly tag: string;
  readonly remark: string;
  readonly vpc: string;
  readonly subnet: string;
  /** Its primary address. */
  readonly ip: string;
  /** Upper case, as the API writes it. */
  readonly mac: string;
  readonly createdAt: number;
  securityMode: SecurityMode;
  /** From the order to attach it until it is detached. */
  machine: string | undefined;
  at: 'free' | 'attaching' | 'attached' | 'detaching';
  /** What the world last failed at. */
  trouble: string | undefined;
}

/** A secondary address. */
export interface AddressRecord {
  readonly ip: string;
  readonly subnet: string;
  /** Whose it is: the id of a machine for the interface that it was made with, else the interface's own. */
  port: string;
  at: 'settling' | 'working' | 'leaving';
  /** When the network has learnt it: Unix milliseconds. */
  readyAt: number;
  /** The port to which the world carries it now. */
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

export interface RouteTableRecord {
  readonly id: string;
  readonly vpc: string;
  /** Made with its VPC: it has system routes only, and goes with the VPC. */
  readonly isDefault: boolean;
  name: string;
  tag: string;
  remark: string;
  readonly createdAt: number;
  /** Of its own; the system's follow from the VPC. */
  rules: readonly RouteRuleRecord[];
}

export interface RouteRuleRecord {
  readonly id: string;
  /** `10.30.0.0/16` */
  readonly destination: string;
  /** The id of a machine or of its interface. */
  readonly hop: string;
  readonly remark: string;
}

export interface SecGroupRecord {
  readonly id: string;
  readonly vpc: string;
  name: string;
  remark: string;
  readonly createdAt: number;
  rules: readonly SecGroupRuleRecord[];
  members: readonly SecGroupMember[];
}

export interface SecGroupRuleRecord {
  readonly id: string;
  readonly direction: 'Ingress' | 'Egress';
  /** As it was asked for: `10.0.0.0/8,192.168.0.0/16` or the id of one group. */
  readonly peers: string;
  /** 1 to 200, the smallest is looked at first. */
  readonly priority: number;
  readonly protocol: 'TCP' | 'UDP' | 'ICMP' | 'ALL';
  /** `80,443-450`; `ALL` where a protocol has no ports. */
  readonly ports: string;
  readonly action: 'Accept' | 'Drop';
  readonly remark: string;
}

export interface SecGroupMember {
  /** The id of a machine, or of the interface of a machine that has one. */
  readonly resource: string;
  /** 1 to 5: the groups of one resource are looked at in this order. */
  readonly priority: number;
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
