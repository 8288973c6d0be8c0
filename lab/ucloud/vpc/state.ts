import type { UfsState } from '../ufs/state.ts';
import type { SecurityMode, UhostState } from '../uhost/state.ts';
import type { UlbState } from '../ulb/state.ts';

/** Networks, and what has an address in them beside the machines. */
export interface VpcState {
  readonly vpcs: VpcRecord[];
  readonly subnets: SubnetRecord[];
  readonly interfaces: InterfaceRecord[];
  readonly addresses: AddressRecord[];
  readonly routeTables: RouteTableRecord[];
  readonly secGroups: SecGroupRecord[];
}

/** Everything that has an address. */
export type Placed = VpcState & UhostState & UlbState & UfsState;

export interface VpcRecord {
  readonly id: string;
  readonly name: string;
  readonly tag: string;
  /** Ranges as `10.9.0.0/16`. */
  networks: readonly string[];
  /** What lies behind the hybrid gateway, over the leased line. */
  readonly hybrid: readonly string[];
  /** Unix seconds, here and wherever a name ends in `At`, except `readyAt`. */
  readonly createdAt: number;
}

export interface SubnetRecord {
  readonly id: string;
  readonly vpc: string;
  name: string;
  tag: string;
  readonly remark: string;
  readonly cidr: string;
  /** Exactly one at any time. */
  routeTable: string;
  readonly createdAt: number;
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
