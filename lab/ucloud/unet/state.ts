export interface UnetState {
  readonly firewalls: FirewallRecord[];
  readonly eips: EipRecord[];
}

/** An address of the internet. */
export interface EipRecord {
  readonly id: string;
  readonly ip: string;
  name: string;
  tag: string;
  remark: string;
  /** As the API spells the line that it is on: `Bgp`. */
  readonly operator: string;
  /** Mb/s */
  bandwidth: number;
  payMode: string;
  readonly chargeType: string;
  readonly quantity: number;
  /** Unix seconds. */
  readonly createdAt: number;
  at: 'free' | 'binding' | 'used' | 'unbinding';
  /** What it leads to, from the order to bind it until it is free. */
  resource: string | undefined;
}

export interface FirewallRecord {
  readonly id: string;
  name: string;
  tag: string;
  remark: string;
  /** A new account has one of each of the two others. */
  readonly type: 'user defined' | 'recommend web' | 'recommend non web';
  /** `TCP|22|0.0.0.0/0|ACCEPT|HIGH|ssh` */
  rules: readonly string[];
  readonly createdAt: number;
  machines: readonly string[];
}
