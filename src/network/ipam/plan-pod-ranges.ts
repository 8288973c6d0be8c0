import type { Ground } from '#capability/ground.ts';
import {
  type FurtherInterface,
  mostAddresses,
  type PodRangeObject,
  type PodRangeSpec,
  type PodRangeStatus,
} from '#kube/api/pod-range.ts';
import type { Instant, Ms } from '#unit/clock.ts';
import { byNumber, type Cidr, formatCidr, type Ip, ip } from '#unit/ip.ts';
import type { NetworkReason } from '../reasons.ts';
import { chooseHome, type HomeSeen } from './choose-home.ts';

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
  /** A subnet for a site node that has none; `undefined` when none is left. */
  readonly freeSubnet: Cidr | undefined;
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

export interface RangePolicy {
  readonly sitePods: Cidr;
  /** Prefix length of one site machine's subnet. */
  readonly perMachine: number;
  /** Free addresses kept on each cloud node, beside those that waiting pods are about to get. */
  readonly warm: { readonly low: number; readonly high: number };
  /** How long the cloud's network needs before a fresh address works. */
  readonly settle: Ms;
  /** How long an address stays in the pool at least: the next burst is often close behind the last. */
  readonly linger: Ms;
}

/** home: of an interface beside the primary one. */
export type PodRangeStep =
  /** Site: the node gets this subnet for good. */
  | { readonly do: 'assign'; readonly subnet: Cidr; readonly why: 'node-has-none' }
  /** Cloud: an empty ledger, to be filled by what the cloud lists and gives. */
  | { readonly do: 'open'; readonly why: 'node-has-none' }
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
  | { readonly do: 'settle'; readonly ips: readonly Ip[]; readonly why: 'network-knows-them' }
  /** No pod may get them any more, whoever has them now: they are not ours, or will not be for long. */
  | { readonly do: 'withdraw'; readonly ips: readonly Ip[]; readonly why: 'cloud-lists-no-more' | 'used-by-others' }
  /** Asks the node to do without them. It refuses by saying that a pod has one. */
  | { readonly do: 'retire'; readonly ips: readonly Ip[]; readonly why: 'above-high' }
  /** The node refused, or was never asked by us: they belong to its pool. */
  | { readonly do: 'keep'; readonly ips: readonly Ip[]; readonly why: 'pods-have-them' }
  | { readonly do: 'give-back'; readonly ips: readonly Ip[]; readonly why: 'node-says-free' }
  | { readonly do: 'extend'; readonly count: number; readonly home?: string; readonly why: 'below-low' | 'pods-wait' }
  | { readonly do: 'drop'; readonly why: 'node-is-gone' }
  /** With a reason when it is a fault that keeps pods from addresses. */
  | { readonly do: 'hold'; readonly why: string; readonly reason?: NetworkReason };

/** The next steps for one node's range, in the order in which they must be done. Never empty: holding has a reason too. */
export function planPodRange(seen: PodRangeSeen, policy: RangePolicy): readonly PodRangeStep[] {
  const { ground, range, cloud } = seen;
  if (ground === undefined) return [range ? { do: 'drop', why: 'node-is-gone' } : hold('neither node nor range')];
  if (ground.ground === 'unclear') return [hold(ground.why, 'NodeUnclear')];
  if (range !== undefined && range.spec.ground !== ground.ground)
    return [
      hold(
        `the PodRange is for a ${range.spec.ground} node, the Node is a ${ground.ground} node; delete the Node, reset the machine and run isthmus up to join it again`,
        'NodeUnclear',
      ),
    ];
  if (ground.ground === 'site') return [planSite(seen, policy)];
  if (cloud === undefined || cloud.state !== 'known')
    return [...planSettling(seen, new Set(), policy), hold(cloud?.why ?? 'the cloud was not asked', 'MachineUnclear')];
  if (range === undefined) return [{ do: 'open', why: 'node-has-none' }];
  const ledger = planLedger(seen, cloud, range, policy);
  const steps = [...ledger, ...planWarmth(seen, cloud, range, ledger, policy), ...planGivingBack(seen, range)];
  return steps.length > 0 ? steps : [hold('in band')];
}

function planSite(seen: PodRangeSeen, policy: RangePolicy): PodRangeStep {
  if (seen.range !== undefined) return hold('has its subnet');
  const { freeSubnet: subnet } = seen;
  if (subnet === undefined)
    return hold(
      `no free /${policy.perMachine} is left in ${formatCidr(policy.sitePods)}: remove machines that are no longer used, or make network.site.pods larger`,
      'NoSubnetLeft',
    );
  return { do: 'assign', subnet, why: 'node-has-none' };
}

/** The ledger against what the cloud and the node say. Each address is in one step at most. */
function planLedger(
  seen: PodRangeSeen,
  cloud: CloudSeen & { readonly state: 'known' },
  range: PodRangeObject,
  policy: RangePolicy,
): readonly PodRangeStep[] {
  const entries = entriesOf(range.spec);
  const room = mostAddresses - entries.length;
  const unrecorded = cloud.unrecorded.toSorted((a, b) => byNumber(a.ip, b.ip)).slice(0, Math.max(0, room));
  const isOthers = (address: Ip): boolean => seen.others.has(address);
  const active = entries.filter(({ state }) => state !== 'releasing').map((a) => ip(a.ip));
  const lost = active.filter((address) => cloud.lost.has(address));
  const contested = active.filter((address) => !cloud.lost.has(address) && isOthers(address));
  // What the cloud may have taken away is kept from other pods, whoever has it.
  const doubtful = new Set([...cloud.missing, ...cloud.lost, ...seen.others]);
  const used = usedOf(seen, range);
  const refused = entries
    .filter(({ state }) => state === 'releasing')
    .map((a) => ip(a.ip))
    .filter((address) => used.has(address) && !doubtful.has(address));
  const steps: PodRangeStep[] = [...planSettling(seen, doubtful, policy)];
  if (!isSame(range.spec.interfaces ?? [], cloud.interfaces))
    steps.push({ do: 'connect', interfaces: cloud.interfaces, why: 'interfaces-changed' });
  for (const { id } of cloud.homes) {
    const ips = unrecorded.filter(({ home }) => home === id).map((a) => a.ip);
    if (ips.length > 0) steps.push({ do: 'adopt', ips, ...atHome(id), why: 'cloud-gave-unrecorded' });
  }
  if (lost.length > 0) steps.push({ do: 'withdraw', ips: lost, why: 'cloud-lists-no-more' });
  if (contested.length > 0) steps.push({ do: 'withdraw', ips: contested, why: 'used-by-others' });
  if (refused.length > 0) steps.push({ do: 'keep', ips: refused, why: 'pods-have-them' });
  return steps;
}

/** @unit doubtful: addresses that the cloud or somebody else may have; they are given to no pod before that is clear */
function planSettling(
  { range, at }: PodRangeSeen,
  doubtful: ReadonlySet<Ip>,
  { settle }: RangePolicy,
): readonly PodRangeStep[] {
  const settling = entriesOf(range?.spec).filter(({ state }) => state === 'settling');
  const among = (is: (age: number) => boolean): readonly Ip[] =>
    settling.filter(({ since }) => is(at - Date.parse(since))).map((a) => ip(a.ip));
  const due = among((age) => age >= settle).filter((address) => !doubtful.has(address));
  // Written by a clock that was ahead, and corrected since: for as long as it was ahead nothing would settle.
  const early = among((age) => age + settle < 0);
  const steps: PodRangeStep[] = [];
  if (due.length > 0) steps.push({ do: 'settle', ips: due, why: 'network-knows-them' });
  if (early.length > 0) steps.push({ do: 'redate', ips: early, why: 'dated-in-the-future' });
  return steps;
}

/**
 * Keeps as many addresses free as the band says, beside those that waiting pods are about to get. Every address is counted
 * once, by the state that it has after the steps before: free, in use, on its way here, or on its way out, which is no help.
 */
function planWarmth(
  seen: PodRangeSeen,
  cloud: CloudSeen & { readonly state: 'known' },
  range: PodRangeObject,
  before: readonly PodRangeStep[],
  policy: RangePolicy,
): readonly PodRangeStep[] {
  const { low, high } = policy.warm;
  const entries = entriesOf(specAfter(range.spec, before, seen.at));
  const used = usedOf(seen, range);
  const usable = entries.filter(({ state }) => state === 'usable');
  const free = usable.filter((a) => !used.has(ip(a.ip)));
  const coming = entries.filter(({ state }) => state === 'settling').length;
  const waiting = waitingOf(seen, range);
  const warm = free.length + coming - waiting;
  // A band from 0 on does not mean none at all: the node could never become ready, and who waits would wait for ever.
  const none = free.length + coming === 0 && (usable.length === 0 || seen.pods.waiting > 0);
  const least = none ? Math.max(1, low) : low;
  if (warm < least) {
    const choice = chooseHome(cloud.homes, entries);
    if (choice.do === 'refuse') return [hold(choice.why, 'CloudRefuses')];
    const room = mostAddresses - entries.length;
    const count = Math.min(Math.max(least, Math.ceil((low + high) / 2)) - warm, room, choice.room);
    if (count <= 0)
      return [hold(`the range has ${mostAddresses} addresses and cannot hold more; add a node`, 'RangeFull')];
    return [{ do: 'extend', count, ...atHome(choice.home), why: waiting > 0 ? 'pods-wait' : 'below-low' }];
  }
  // Only by an answer to this very state of the range: since an older one a pod may have got what was free then.
  if (warm <= high || answerOf(range) === undefined) return [];
  const surplus = free
    .filter(({ since }) => Math.abs(seen.at - Date.parse(since)) >= policy.linger)
    .map((a) => ip(a.ip))
    // The node gives the lowest of those that were never used: the highest are the last that it would give.
    .sort((a, b) => byNumber(b, a))
    .slice(0, warm - high);
  return surplus.length > 0 ? [{ do: 'retire', ips: surplus.sort(byNumber), why: 'above-high' }] : [];
}

/** Only what the node answered to this very state of its range: an older answer may speak of an earlier life of the address. */
function planGivingBack(seen: PodRangeSeen, range: PodRangeObject): readonly PodRangeStep[] {
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
function usedOf({ pods }: PodRangeSeen, { status }: PodRangeObject): ReadonlySet<Ip> {
  return new Set([...[...(status?.held ?? []), ...(status?.resting ?? [])].map(ip), ...pods.addresses]);
}

/** Pods that still need an address: those that the node has given one, and the API server does not know of yet, do not. */
function waitingOf({ pods }: PodRangeSeen, { status }: PodRangeObject): number {
  const untold = (status?.held ?? []).filter((address) => !pods.addresses.has(ip(address))).length;
  return Math.max(0, pods.waiting - untold);
}

function answerOf({ status, metadata }: PodRangeObject): PodRangeStatus | undefined {
  // An agent of an earlier version does not say which addresses its pods have.
  return status?.held !== undefined && status.observedGeneration === metadata.generation ? status : undefined;
}

/** The spec after the steps that change the ledger alone. */
export function specAfter(spec: PodRangeSpec, steps: readonly PodRangeStep[], at: Instant): PodRangeSpec {
  const since = new Date(at).toISOString();
  return steps.reduce((now, step) => {
    switch (step.do) {
      case 'adopt':
        return withAddresses(now, step.ips, 'settling', since, step.home);
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

function entriesOf(spec: PodRangeSpec | undefined): NonNullable<PodRangeSpec['addresses']> {
  return spec?.addresses ?? [];
}

function atHome(home: string | undefined): { readonly home?: string } {
  return home === undefined ? {} : { home };
}

function isSame(recorded: readonly FurtherInterface[], seen: readonly FurtherInterface[]): boolean {
  const told = (all: readonly FurtherInterface[]): string =>
    JSON.stringify(all.map(({ home, mac, address, network, gateway }) => [home, mac, address, network, gateway]));
  return told(recorded) === told(seen);
}

function hold(why: string, reason?: NetworkReason): PodRangeStep {
  return { do: 'hold', why, ...(reason !== undefined && { reason }) };
}
