import type { ApplicationCheck, ApplicationScheduler, RuleMatch, Stickiness } from '#cloud/application-balancer.ts';
import type { BackEnd } from '#cloud/balancer.ts';
import type { Ms } from '#unit/clock.ts';
import type { Asked } from '../asked.ts';

/** What is asked of one ALB, whoever asks: a Service, or a group of Ingresses. */
export interface ApplicationWish extends Asked {
  readonly layer: 'application';
  /** Sorted by port. */
  readonly listeners: readonly WishedEntry[];
}

/** How one port is to be answered. */
export interface WishedEntry {
  readonly protocol: 'HTTP' | 'HTTPS';
  readonly port: number;
  readonly scheduler: ApplicationScheduler;
  readonly idleTimeout: Ms;
  readonly sticky: Stickiness;
  readonly check: ApplicationCheck;
  readonly redirectTo: number | undefined;
  /** The default first; none for HTTP, and for HTTPS none when no Secret can be used. */
  readonly certificates: readonly CertificateRef[];
  /** Some Secret cannot be used: a port that is open keeps what it has for it. */
  readonly lacks?: Lacking | undefined;
  /** The one that is tried first is first. */
  readonly routes: readonly WishedRoute[];
  /** What becomes of requests that no route is for. */
  readonly last: RouteAction;
  /** `namespace/name` of the Service that answers those; `undefined` when none does, or the Service is who asks. */
  readonly lastService?: string | undefined;
}

export interface Lacking {
  /** Whether it is the one that the default comes from. */
  readonly isDefault: boolean;
  /** Digests of certificates that have a successor, and so are not kept. */
  readonly replaced: readonly string[];
}

/** One that the cloud has, or one that is to be given to it. */
export type CertificateRef =
  | { readonly id: string; readonly digest?: undefined }
  | { readonly id?: undefined; readonly digest: string };

export interface WishedRoute {
  /** `namespace/name` of the Ingress that it is of; `undefined` for one that only completes the others. */
  readonly of: string | undefined;
  /** The Service that answers, in the namespace of that Ingress. */
  readonly service?: string | undefined;
  readonly match: RuleMatch;
  readonly action: RouteAction;
}

export type RouteAction =
  | { readonly do: 'send'; readonly to: readonly BackEnd[] }
  | { readonly do: 'answer'; readonly status: number; readonly text: string };
