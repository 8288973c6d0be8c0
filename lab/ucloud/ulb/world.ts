import type { CheckRecord, Scheduler } from './state.ts';

/** What balancers need of the world: hosts in the VPC that forward packets, and somebody who looks at their targets. */
export interface UlbWorld {
  /** From now on the balancer forwards as told, and no longer as it was told before. Connections that it knows go on. */
  shapeBalancer(balancer: WorldBalancer): Promise<void>;
  /** Nothing happens when there is no such balancer. */
  removeBalancer(id: string): Promise<void>;
  /** Whether a target answers a check. */
  probe(probe: WorldProbe): Promise<boolean>;
}

export interface WorldBalancer {
  readonly id: string;
  /** The address that it answers on, and the one with which its targets see it. */
  readonly ip: string;
  readonly backIp: string;
  /** The subnet's prefix length and gateway address. */
  readonly prefixLength: number;
  readonly gateway: string;
  /** Addresses of the internet that lead to it. */
  readonly publicIps: readonly string[];
  readonly listeners: readonly WorldListener[];
}

export interface WorldListener {
  readonly id: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly startPort: number;
  readonly endPort: number;
  readonly scheduler: Scheduler;
  /** Seconds; 0: none. */
  readonly stickiness: number;
  readonly forwardSource: 'None' | 'ProxyProto';
  /** Those that take new connections now. */
  readonly targets: readonly WorldTarget[];
}

export interface WorldTarget {
  readonly ip: string;
  readonly port: number;
  readonly weight: number;
}

export interface WorldProbe extends CheckRecord {
  readonly ip: string;
  /** The address that it comes from. */
  readonly from: string;
}
