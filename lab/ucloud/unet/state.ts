export interface UnetState {
  readonly firewalls: FirewallRecord[];
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
