export interface UnetState {
  readonly firewalls: FirewallRecord[];
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
