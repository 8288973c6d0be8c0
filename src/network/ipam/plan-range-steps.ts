import type { Ground } from '#capability/ground.ts';
import type { FurtherInterface, PodRangeObject, PodRangeSpec, PodRangeStatus } from '#kube/api/pod-range.ts';
import type { Instant } from '#unit/clock.ts';
import { byNumber, type Cidr, type Ip, ip, type Span } from '#unit/ip.ts';
import type { NetworkReason } from '../reasons.ts';
import type { HomeSeen } from './choose-home.ts';

/** Everything that bears on the pod range of one node, at one moment. */
export interface PodRangeSeen {
  readonly node: string;
  /** `undefined`: the cluster has no such Node. */
  readonly ground: Ground | undefined;
  readonly range: PodRangeObject | undefined;
  /** What the cloud says; `undefined` for a node that is no cloud node. */
  readonly cloud: CloudSeen | undefined;
  readonly pods: PodsSeen;
  /** Addresses that somebody else has: a node, or the range of another one. */
  readonly others: ReadonlySet<Ip>;
  /** A subnet for a routed site node that has none; `undefined` when none is left. */
  readonly freeSubnet: Cidr | undefined;
  /** What the Machine of a site node says of its pods; `undefined`: nothing. */
  readonly podNetwork: 'routed' | 'bridged' | undefined;
  /** What others have of the range of bridged machines; `undefined` when there is no such range. */
  readonly slices: SliceNeighbours | undefined;
  readonly at: Instant;
}

/** The pods that are bound to a node and want an address of their own, as the API server knows them. */
export interface PodsSeen {
  /** How many have none that the API server knows of. */
  readonly waiting: number;
  readonly addresses: ReadonlySet<Ip>;
}

export type CloudSeen =
  | { readonly state: 'unreadable' | 'not-ours' | 'gone'; readonly why: string }
  | {
      readonly state: 'known';
      /** Where the machine's addresses are: its primary interface first. */
      readonly homes: readonly HomeSeen[];
      /** The machine's interfaces beside the primary one. */
      readonly interfaces: readonly FurtherInterface[];
      /** Addresses that the cloud has given to the machine, and that the ledger lacks. */
      readonly unrecorded: readonly { readonly ip: Ip; readonly home?: string | undefined }[];
      /** Addresses of the ledger that the cloud's last list lacks. Lists lag behind. */
      readonly missing: ReadonlySet<Ip>;
      /** Those that have been missing for too long to be explained by that. */
      readonly lost: ReadonlySet<Ip>;
      /** What the last requests for more came to, when several in a row have failed; they are repeated all the same. */
      readonly failing?: string | undefined;
    };

/** The addresses of the site's own network that are set aside for pods of bridged machines. */
export interface BridgedPolicy {
  readonly pods: Span;
  /** The network interface of the machines; `undefined`: the one with the address of the node. */
  readonly interface: string | undefined;
}

/** What others have of the range, as far as it bears on one machine. */
export interface SliceNeighbours {
  /** Addresses of this machine that somebody else has as well. */
  readonly contested: ReadonlySet<Ip>;
  /** Whether what others have is known at least as of the moment in which this machine's range was written. */
  readonly complete: boolean;
  /** How many addresses are for one machine when all that are not in use are shared out. */
  readonly share: number;
  /** Addresses of the range that pods of this machine have and its PodRange does not list, and nobody else has. */
  readonly unlisted: readonly Ip[];
  /** The lowest that nobody has. */
  readonly free: (count: number) => readonly Ip[];
}

/** home: of an interface beside the primary one. */
export type PodRangeStep =
  /** Site: the node gets this subnet for good. */
  | { readonly do: 'assign'; readonly subnet: Cidr; readonly why: 'node-has-none' }
  /** Cloud and bridged: an empty ledger, to be filled by what the cloud lists and gives, or with addresses of the site's network. */
  | { readonly do: 'open'; readonly spec: PodRangeSpec; readonly why: 'node-has-none' }
  /** Bridged: these become the machine's when nobody else is seen to have them. */
  | {
      readonly do: 'extend-slice';
      readonly ips: readonly Ip[];
      readonly why: 'below-low' | 'pods-wait' | 'pods-have-them';
    }
  | {
      readonly do: 'bridge';
      readonly bridged: NonNullable<PodRangeSpec['bridged']>;
      readonly why: 'settings-changed';
    }
  | {
      readonly do: 'adopt';
      readonly ips: readonly Ip[];
      readonly home?: string;
      readonly why: 'cloud-gave-unrecorded';
    }
  /** The node must know an interface before it can give addresses of it to pods. */
  | { readonly do: 'connect'; readonly interfaces: readonly FurtherInterface[]; readonly why: 'interfaces-changed' }
  /** Their settling begins anew. */
  | { readonly do: 'redate'; readonly ips: readonly Ip[]; readonly why: 'dated-in-the-future' }
  | { readonly do: 'settle'; readonly ips: readonly Ip[]; readonly why: 'network-knows-them' | 'nobody-else-has-them' }
  /** No pod may get them any more, whoever has them now: they are not ours, or will not be for long. */
  | {
      readonly do: 'withdraw';
      readonly ips: readonly Ip[];
      readonly why: 'cloud-lists-no-more' | 'used-by-others' | 'outside-of-range';
    }
  /** Asks the node to do without them. It refuses by saying that a pod has one. */
  | { readonly do: 'retire'; readonly ips: readonly Ip[]; readonly why: 'above-high' }
  /** The node refused, or was never asked by us: they belong to its pool. */
  | { readonly do: 'keep'; readonly ips: readonly Ip[]; readonly why: 'pods-have-them' }
  | { readonly do: 'give-back'; readonly ips: readonly Ip[]; readonly why: 'node-says-free' }
  | { readonly do: 'extend'; readonly count: number; readonly home?: string; readonly why: 'below-low' | 'pods-wait' }
  | { readonly do: 'drop'; readonly why: 'node-is-gone' }
  /** With a reason when it is a fault that keeps pods from addresses. */
  | { readonly do: 'hold'; readonly why: string; readonly reason?: NetworkReason };

/** The spec after the steps that change the ledger alone. */
export function specAfter(spec: PodRangeSpec, steps: readonly PodRangeStep[], at: Instant): PodRangeSpec {
  const since = new Date(at).toISOString();
  return steps.reduce((now, step) => {
    switch (step.do) {
      case 'adopt':
        return withAddresses(now, step.ips, 'settling', since, step.home);
      case 'extend-slice':
        return withAddresses(now, step.ips, 'settling', since);
      case 'bridge':
        return { ...now, bridged: { ...step.bridged } };
      case 'redate':
        return withAddresses(now, step.ips, 'settling', since);
      case 'connect':
        return { ...now, interfaces: [...step.interfaces] };
      case 'settle':
      case 'keep':
        return withAddresses(now, step.ips, 'usable', since);
      case 'withdraw':
      case 'retire':
        return withAddresses(now, step.ips, 'releasing', since);
      case 'assign':
      case 'open':
      case 'give-back':
      case 'extend':
      case 'drop':
      case 'hold':
        return now;
    }
  }, spec);
}

/** These addresses in this state, whether they were recorded before or not. @unit home: of those that were not */
export function withAddresses(
  spec: PodRangeSpec,
  ips: readonly Ip[],
  state: 'settling' | 'usable' | 'releasing',
  since: string,
  home?: string,
): PodRangeSpec {
  const before = new Map(entriesOf(spec).map((entry) => [entry.ip, entry]));
  const others = entriesOf(withoutAddresses(spec, ips));
  const changed = ips.map((address) => ({
    ...atHome(home),
    ...before.get(address),
    ip: address as string,
    state,
    since,
  }));
  // Sorted: a stable ledger makes quiet diffs.
  const addresses = [...others, ...changed].sort((a, b) => byNumber(ip(a.ip), ip(b.ip)));
  return { ...spec, addresses };
}

export function withoutAddresses(spec: PodRangeSpec, ips: readonly Ip[]): PodRangeSpec {
  const gone = new Set<string>(ips);
  return { ...spec, addresses: entriesOf(spec).filter((a) => !gone.has(a.ip)) };
}

export function entriesOf(spec: PodRangeSpec | undefined): NonNullable<PodRangeSpec['addresses']> {
  return spec?.addresses ?? [];
}

/** Only what the node answered to this very state of its range: an older answer may speak of an earlier life of the address. */
export function planGivingBack(seen: PodRangeSeen, range: PodRangeObject): readonly PodRangeStep[] {
  const answer = answerOf(range);
  if (answer === undefined) return [];
  const released = new Set<string>(answer.released);
  const used = usedOf(seen, range);
  const ips = entriesOf(range.spec)
    .filter(({ ip: address, state }) => state === 'releasing' && released.has(address))
    .map((a) => ip(a.ip))
    .filter((address) => !used.has(address));
  return ips.length > 0 ? [{ do: 'give-back', ips, why: 'node-says-free' }] : [];
}

/**
 * What a pod has, or had a moment ago. The node's word of it holds even when it answers an older state of the range, and
 * the API server may know of a pod's address before the node's next report.
 */
export function usedOf({ pods }: PodRangeSeen, { status }: PodRangeObject): ReadonlySet<Ip> {
  return new Set([...[...(status?.held ?? []), ...(status?.resting ?? [])].map(ip), ...pods.addresses]);
}

/** Pods that still need an address: those that the node has given one, and the API server does not know of yet, do not. */
export function waitingOf({ pods }: PodRangeSeen, { status }: PodRangeObject): number {
  const untold = (status?.held ?? []).filter((address) => !pods.addresses.has(ip(address))).length;
  return Math.max(0, pods.waiting - untold);
}

export function answerOf({ status, metadata }: PodRangeObject): PodRangeStatus | undefined {
  // An agent of an earlier version does not say which addresses its pods have.
  return status?.held !== undefined && status.observedGeneration === metadata.generation ? status : undefined;
}

export function atHome(home: string | undefined): { readonly home?: string } {
  return home === undefined ? {} : { home };
}

export function hold(why: string, reason?: NetworkReason): PodRangeStep {
  return { do: 'hold', why, ...(reason !== undefined && { reason }) };
}
