import type { BalancerHead, TargetRecord } from '../record.ts';

/** An application load balancer (ALB). */
export interface ApplicationBalancerRecord extends BalancerHead {
  /** The addresses in its subnet with which its targets see it. */
  readonly snatIps: readonly string[];
  listeners: readonly ApplicationListenerRecord[];
}

export type ApplicationScheduler = 'Roundrobin' | 'Source' | 'WeightRoundrobin' | 'Leastconn' | 'Backup';

export interface ApplicationListenerRecord {
  readonly id: string;
  name: string;
  remark: string;
  readonly port: number;
  readonly protocol: 'HTTP' | 'HTTPS';
  targetProtocol: 'HTTP' | 'HTTPS';
  /** Ids; the first is the one for every name that no other is for, those after it are in the order of their binding. */
  certificates: readonly string[];
  http2: boolean;
  /** Seconds. */
  idleTimeout: number;
  scheduler: ApplicationScheduler;
  stickiness: StickinessRecord;
  check: ApplicationCheckRecord;
  compresses: boolean;
  redirect: { readonly enabled: boolean; readonly port: number };
  readonly listedAt: number;
  targets: readonly ApplicationTargetRecord[];
  /** In the order of their making: the default rule is the first. */
  rules: readonly RuleRecord[];
}

export interface StickinessRecord {
  readonly enabled: boolean;
  readonly type: 'ServerInsert' | 'UserDefined';
  /** With UserDefined. */
  readonly cookie: string;
}

export interface ApplicationCheckRecord {
  readonly type: 'Port' | 'HTTP';
  /** 0: the target's own. */
  readonly port: number;
  /** Of HTTP checks, as the three after it; empty: the target's address. */
  readonly domain: string;
  readonly path: string;
  readonly method: 'GET' | 'HEAD';
  /** As the API writes them: `2xx,3xx`. */
  readonly codes: string;
  /** Seconds. */
  readonly interval: number;
  readonly timeout: number;
  readonly minSuccess: number;
  readonly maxFail: number;
}

export interface ApplicationTargetRecord extends TargetRecord {
  isBackup: boolean;
}

export interface RuleRecord {
  readonly id: string;
  readonly isDefault: boolean;
  /** Of two rules that match the one that was made later counts. Neither: any request. */
  host: HostCondition | undefined;
  path: string | undefined;
  /** Whether the rule is passed over while it has no target. */
  pass: boolean;
  /** In the order in which they are done; the last forwards or answers. */
  actions: readonly RuleAction[];
  readonly listedAt: number;
}

export interface HostCondition {
  readonly mode: 'Regular' | 'Wildcard';
  readonly value: string;
}

export type RuleAction = HeaderAction | FinalAction;

export type HeaderAction =
  | {
      readonly type: 'InsertHeader';
      readonly order: number;
      readonly key: string;
      readonly kind: 'UserDefined' | 'ReferenceHeader' | 'SystemDefined';
      readonly value: string;
    }
  | { readonly type: 'RemoveHeader'; readonly order: number; readonly key: string }
  | ({ readonly type: 'Cors'; readonly order: number } & Cors);

export interface Cors {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly credentials: boolean;
  /** Seconds; -1: not kept. */
  readonly maxAge: number;
}

export type FinalAction =
  /** `all`: whatever targets the listener has, with their own weights. */
  | { readonly type: 'Forward'; readonly targets: 'all' | readonly ForwardTarget[] }
  | { readonly type: 'FixedResponse'; readonly code: number; readonly content: string };

export interface ForwardTarget {
  readonly id: string;
  readonly weight: number;
}

/** A certificate with its key. */
export interface CertificateRecord {
  readonly id: string;
  readonly name: string;
  /** PEM: the certificate of the server, then those that signed it. */
  readonly chain: string;
  readonly key: string;
  /** Unix seconds. */
  readonly createdAt: number;
}
