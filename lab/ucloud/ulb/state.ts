/** Load balancers. */
export interface UlbState {
  readonly balancers: BalancerRecord[];
}

/** A network load balancer (NLB). */
export interface BalancerRecord {
  readonly id: string;
  name: string;
  tag: string;
  remark: string;
  readonly vpc: string;
  readonly subnet: string;
  /** The address in its subnet that it answers on. */
  readonly ip: string;
  /** The address in its subnet with which its targets see it. */
  readonly backIp: string;
  readonly chargeType: string;
  readonly quantity: number;
  /** Unix seconds. */
  readonly createdAt: number;
  /** Lists have it from then on: Unix milliseconds, here and below. */
  readonly listedAt: number;
  listeners: readonly ListenerRecord[];
  /** What the world last failed at. */
  trouble: string | undefined;
}

export type Scheduler = 'RoundRobin' | 'SourceHash' | 'LeastConn' | 'WeightLeastConn' | 'WeightRoundRobin';

export interface ListenerRecord {
  readonly id: string;
  name: string;
  remark: string;
  readonly protocol: 'TCP' | 'UDP';
  startPort: number;
  endPort: number;
  scheduler: Scheduler;
  /** Seconds for which a client keeps its target; 0: not at all. */
  stickiness: number;
  forwardSource: 'None' | 'ProxyProto';
  check: CheckRecord;
  readonly listedAt: number;
  targets: readonly TargetRecord[];
}

export interface CheckRecord {
  readonly type: 'Port' | 'UDP' | 'Ping';
  /** 0 with Ping. */
  readonly port: number;
  readonly request: string;
  readonly response: string;
}

export interface TargetRecord {
  readonly id: string;
  readonly type: 'UHost' | 'UNI' | 'IP';
  /** Of a machine or an interface; empty for an address. */
  readonly resource: string;
  readonly vpc: string;
  readonly subnet: string;
  readonly ip: string;
  readonly port: number;
  weight: number;
  enabled: boolean;
  readonly listedAt: number;
  health: Health;
}

/** What checks have said. A target is new and unhealthy until enough checks have succeeded. */
export interface Health {
  readonly isHealthy: boolean;
  /** How many checks in a row have said the contrary. */
  readonly contrary: number;
}
