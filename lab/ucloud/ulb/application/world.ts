import type { WorldPlace, WorldTarget } from '../world-place.ts';
import type { FinalAction, HeaderAction, HostCondition } from './state.ts';

export interface WorldApplicationBalancer extends WorldPlace {
  /** The addresses with which its targets see it. */
  readonly snatIps: readonly string[];
  readonly listeners: readonly WorldApplicationListener[];
}

export interface WorldApplicationListener {
  readonly id: string;
  readonly port: number;
  /** With HTTPS: the first certificate is for every name that no other is for, of the others the later counts. */
  readonly tls: { readonly certificates: readonly WorldCertificate[]; readonly http2: boolean } | undefined;
  readonly targetProtocol: 'HTTP' | 'HTTPS';
  /** Seconds without a byte after which a connection ends. */
  readonly idleTimeout: number;
  readonly scheduler: 'RoundRobin' | 'SourceHash' | 'WeightRoundRobin' | 'LeastConn';
  /** The cookie that tells which target a client keeps: of the balancer's own, or one that targets set. */
  readonly cookie: { readonly name: string; readonly isOwn: boolean } | undefined;
  readonly compresses: boolean;
  /** The port to which every request is sent on by HTTPS; `undefined`: none is. */
  readonly redirectTo: number | undefined;
  /** In the order in which they count; the last matches every request. */
  readonly rules: readonly WorldRule[];
}

export interface WorldCertificate {
  readonly chain: string;
  readonly key: string;
}

export interface WorldRule {
  readonly id: string;
  readonly host: HostCondition | undefined;
  readonly path: string | undefined;
  /** What is done to headers, in this order, before the rest. */
  readonly headers: readonly HeaderAction[];
  readonly last:
    | Extract<FinalAction, { type: 'FixedResponse' }>
    /** Those that take requests now. */
    | { readonly type: 'Forward'; readonly targets: readonly WorldApplicationTarget[] };
}

export interface WorldApplicationTarget extends WorldTarget {
  readonly id: string;
}
