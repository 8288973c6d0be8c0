import type { BalancerHead, TargetRecord } from '../record.ts';

/** A classic load balancer (CLB) that forwards packets. */
export interface ClassicBalancerRecord extends Omit<BalancerHead, 'ip'> {
  /** The address in its subnet; one for the internet has none, and is reached by its EIPs alone. */
  readonly ip: string | undefined;
  listeners: readonly VServerRecord[];
}

export type ClassicMethod = 'Roundrobin' | 'WeightRoundrobin' | 'Source' | 'ConsistentHash';

/** A listener, which the API calls VServer. */
export interface VServerRecord {
  readonly id: string;
  name: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  method: ClassicMethod;
  /** Seconds for which a client keeps its target; 0: not at all. */
  stickiness: number;
  check: ClassicCheckRecord;
  readonly listedAt: number;
  targets: readonly BackendRecord[];
}

export interface ClassicCheckRecord {
  readonly type: 'Port' | 'Ping' | 'Customize';
  readonly request: string;
  readonly response: string;
}

/** A target, which the API calls back end. */
export interface BackendRecord extends TargetRecord {
  /** Of all numbers that no other back end has: the address that its checks come from follows from it. */
  readonly number: number;
}
