/** What load balancers of every kind have. */
export interface BalancerHead {
  readonly id: string;
  name: string;
  tag: string;
  remark: string;
  readonly vpc: string;
  readonly subnet: string;
  /** The address in its subnet that it answers on. */
  readonly ip: string;
  readonly chargeType: string;
  readonly quantity: number;
  /** Unix seconds. */
  readonly createdAt: number;
  /** Lists have it from then on: Unix milliseconds, here and below. */
  readonly listedAt: number;
  /** What the world last failed at. */
  trouble: string | undefined;
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
