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
  /** The default first; none for HTTP. Of HTTPS none when no Secret can be used: then a port that is open keeps those that it has. */
  readonly certificates: readonly CertificateRef[];
  /** The one that is tried first is first. */
  readonly routes: readonly WishedRoute[];
  /** What becomes of requests that no route is for. */
  readonly last: RouteAction;
  /** `namespace/name` of the Service that answers those; `undefined` when none does, or the Service is who asks. */
  readonly lastService?: string | undefined;
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
