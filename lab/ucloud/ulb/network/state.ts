import type { BalancerHead, TargetRecord } from '../record.ts';

/** A network load balancer (NLB). */
export interface BalancerRecord extends BalancerHead {
  /** The address in its subnet with which its targets see it. */
  readonly backIp: string;
  listeners: readonly ListenerRecord[];
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
