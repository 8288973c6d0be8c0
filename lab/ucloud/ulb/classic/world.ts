import type { WorldTarget } from '../world-place.ts';

/** A classic load balancer that forwards packets (CLB4): targets own its addresses and answer clients directly. */
export interface WorldDirectBalancer {
  readonly id: string;
  /** In its subnet or of the internet. */
  readonly addresses: readonly string[];
  readonly listeners: readonly WorldDirectListener[];
}

export interface WorldDirectListener {
  readonly id: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  readonly scheduler: 'RoundRobin' | 'WeightRoundRobin' | 'SourceHash';
  /** Seconds for which a client keeps its target; 0: not at all. */
  readonly stickiness: number;
  readonly targets: readonly WorldDirectTarget[];
}

/** Its address is the one by which the VPC finds it; it may be checked without getting anything else. */
export interface WorldDirectTarget extends WorldTarget {
  readonly id: string;
  /** Where it is in the VPC. */
  readonly at: string;
  readonly takesPackets: boolean;
  /** The address that its checks come from: it is the only one that they reach. */
  readonly checkedFrom: string;
}
