import type { Ms } from '#unit/clock.ts';
import type { BalancersOf, CloudBackEnd, SeenBalancer } from './balancer.ts';
import type { CloudResult } from './failure.ts';
import type { Marked, Within } from './owned.ts';

/** A balancer of layer 7. */
export type ApplicationBalancer = SeenBalancer<ApplicationListener>;

/** How one port answers HTTP. */
export type ApplicationListening = Answering & (PlainEntry | TlsEntry);

interface Answering {
  readonly port: number;
  readonly scheduler: ApplicationScheduler;
  /** How long a connection may be silent, 1 s to 86400 s. */
  readonly idleTimeout: Ms;
  readonly sticky: Stickiness;
  readonly check: ApplicationCheck;
}

interface PlainEntry {
  readonly protocol: 'HTTP';
  /** The HTTPS port that every request is sent to instead; open it first. `undefined`: requests are served here. */
  readonly redirectTo: number | undefined;
}

interface TlsEntry {
  readonly protocol: 'HTTPS';
  /** Ids of certificates: the first is given to whoever names no host or an unknown one, the others are chosen by the host that is named. */
  readonly certificates: readonly [string, ...string[]];
}

export const applicationSchedulers = [
  'round-robin',
  'weighted-round-robin',
  'source-hash',
  'least-connections',
] as const;
/** Weights of back ends in rules count with `weighted-round-robin` alone. */
export type ApplicationScheduler = (typeof applicationSchedulers)[number];

/** Whether a client keeps its back end: not at all, by a cookie that the balancer sets, or by one of the application with this name. */
export type Stickiness =
  | { readonly by: 'nothing' }
  | { readonly by: 'own-cookie' }
  | { readonly by: 'cookie'; readonly name: string };

/** What a back end must do on its own port, or it gets no requests: take a connection, or answer 2xx or 3xx. */
export type ApplicationCheck =
  | { readonly by: 'connection' }
  /** @unit path: from `/`; host: what the request names, `undefined` for whatever the cloud takes, be it what was said before */
  | {
      readonly by: 'http';
      readonly method: 'GET' | 'HEAD';
      readonly path: string;
      readonly host: string | undefined;
    };

/** Fields that may be `undefined` are so where the cloud has a value that we never ask for. */
export interface ApplicationListener extends Marked {
  readonly id: string;
  readonly protocol: string;
  readonly port: number;
  readonly scheduler: ApplicationScheduler | undefined;
  readonly idleTimeout: Ms | undefined;
  readonly sticky: Stickiness | undefined;
  readonly check: ApplicationCheck | undefined;
  readonly redirectTo: number | undefined;
  /** The default first, then the others, sorted; none for HTTP. */
  readonly certificates: readonly string[];
  /** Machines first; sorted by machine or address, then port. */
  readonly backEnds: readonly CloudBackEnd[];
  /** The first that is tried first; the last has no `match` and takes what no other did. */
  readonly rules: readonly ApplicationRule[];
}

/** Which requests a rule is for: all conditions that are there must hold, and one at least is. */
export interface RuleMatch {
  readonly host?: HostMatch | undefined;
  readonly path?: PathMatch | undefined;
}

/**
 * Without port, in lower case. wildcard: `*.shop.example`, with exactly one label in place of the star. regex: PCRE, which has to
 * hold anchors itself.
 */
export interface HostMatch {
  readonly by: 'exact' | 'wildcard' | 'regex';
  readonly text: string;
}

/** Without query. prefix: whole elements, `/a` is for `/a`, `/a/` and `/a/b`, not for `/ab`. regex: as for hosts. */
export interface PathMatch {
  readonly by: 'exact' | 'prefix' | 'regex';
  readonly text: string;
}

/** A rule without back ends answers with an error of the 5xx kind: its requests never fall through to the next rule. */
export type RuleAction =
  | { readonly do: 'send'; readonly to: readonly RuleTarget[] }
  /** @unit status: 2xx, 4xx or 5xx; text: up to 1 KB of printable ASCII without `$` */
  | { readonly do: 'answer'; readonly status: number; readonly text: string };

export interface RuleTarget {
  /** The id of a back end of the same listener. */
  readonly backEnd: string;
  /** 1 to 100 */
  readonly weight: number;
}

export interface RuleWish {
  readonly match: RuleMatch;
  readonly action: RuleAction;
}

/** A rule has no mark: it is whose its listener is. */
export interface ApplicationRule {
  readonly id: string;
  /** `undefined` for the last rule, which the cloud makes with the listener. */
  readonly match: RuleMatch | undefined;
  /** `undefined` for something that we never ask for. */
  readonly action: RuleAction | undefined;
}

/** What two rules of one listener never share: `exact shop.example prefix /a`. */
export function matchKey({ host, path }: RuleMatch): string {
  return [host, path].map((one) => (one === undefined ? '-' : `${one.by} ${textOf(one)}`)).join(' ');
}

/** As a prefix `/a/` is the same as `/a`. */
function textOf({ by, text }: HostMatch | PathMatch): string {
  return by === 'prefix' ? text.replace(/(?<=.)\/+$/, '') : text;
}

/**
 * Balancers of layer 7. Their public addresses are bound as those of layer 4 are. `add` puts back ends into the listener, from where
 * rules send to them; `drop` takes them out of the rules first. `unlisten` ends the redirects of other listeners to the port.
 * A new listener sends to nobody for sure: whether its last rule has the back ends that are added differs, so it has to be said.
 *
 * Rules: what a request names as host is looked at first, then its path. **A request whose host a rule names, and whose path none of
 * the rules with that host is for, is answered 404 by some clouds** and not tried with rules of other hosts: give each host a rule for
 * all paths. A new rule is tried before those that are there, and a change leaves it where it is: so the rule that is to be tried
 * last is made first.
 */
export interface ApplicationBalancers extends BalancersOf<ApplicationListening, ApplicationListener> {
  /**
   * Of one balancer, all its listeners together.
   * @unit certificates: beside the default of each listener
   */
  readonly most: {
    readonly listeners: number;
    readonly backEnds: number;
    readonly rules: number;
    readonly certificates: number;
  };
  /** How hosts and paths can be matched. */
  readonly can: {
    readonly hosts: readonly HostMatch['by'][];
    readonly paths: readonly PathMatch['by'][];
  };
  /**
   * Makes a rule, which is tried before all that are there. One with the same match is adopted as it is.
   * @fails invalid: the match can't be said to this cloud · gone: the listener, or a back end · quota · as create
   */
  route(balancer: string, listener: string, wish: RuleWish, opts: Within): Promise<CloudResult<ApplicationRule>>;
  /** Changes what a rule is for and does, where it stands; of the last rule only what it does. @fails as route */
  reroute(
    balancer: string,
    listener: string,
    rule: string,
    wish: RuleWish | Pick<RuleWish, 'action'>,
    opts: Within,
  ): Promise<CloudResult<void>>;
  /** Removes a rule, never the last one. @fails gone is success · as list */
  unroute(balancer: string, listener: string, rule: string, opts: Within): Promise<CloudResult<void>>;
}
