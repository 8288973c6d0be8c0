import type { PodRangeObject, PodRangeSpec } from '#kube/api/pod-range.ts';
import type { Instant, Ms } from '#unit/clock.ts';
import { byNumber, type Cidr, formatCidr, type Ip, ip } from '#unit/ip.ts';
import { chooseSubnet } from './choose-subnet.ts';
import type { Ground } from './ground.ts';

/** Everything that bears on the pod range of one node, at one moment. */
export interface PodRangeSeen {
  readonly node: string;
  /** `undefined`: the cluster has no such Node. */
  readonly ground: Ground | undefined;
  readonly range: PodRangeObject | undefined;
  /** What the cloud says; `undefined` for a node that is no cloud node. */
  readonly cloud: CloudSeen | undefined;
  /** What is used by others: the VPC, Services, the site, every node's address, other nodes' ranges. */
  readonly taken: { readonly ranges: readonly Cidr[]; readonly addresses: ReadonlySet<Ip> };
  readonly at: Instant;
}

export type CloudSeen =
  | { readonly state: 'unreadable' | 'not-ours' | 'gone'; readonly why: string }
  | {
      readonly state: 'known';
      /** The further addresses that the cloud lists for the machine; `undefined` when it was not asked this time. */
      readonly listed: readonly Ip[] | undefined;
      /** Since when the cloud has not listed addresses that the ledger has. */
      readonly missing: ReadonlyMap<Ip, Instant>;
      /** The cloud would give no more; until when not to ask again. */
      readonly refused: { readonly until: Instant; readonly why: string } | undefined;
    };

export interface RangePolicy {
  readonly sitePods: Cidr;
  /** Prefix length of one site machine's subnet. */
  readonly perMachine: number;
  /** Free addresses kept on each cloud node. */
  readonly warm: { readonly low: number; readonly high: number };
  /** How long the cloud's network needs before a fresh address works. */
  readonly settle: Ms;
  /** How long an address must be missing from the cloud's lists before it counts as lost: lists lag behind. */
  readonly lostAfter: Ms;
}

export type PodRangeStep =
  /** Site: the node gets this subnet for good. */
  | { readonly do: 'assign'; readonly subnet: Cidr; readonly why: 'node-has-none' }
  /** Cloud: an empty ledger, to be filled by what the cloud lists and gives. */
  | { readonly do: 'open'; readonly why: 'node-has-none' }
  | { readonly do: 'adopt'; readonly ips: readonly Ip[]; readonly why: 'cloud-lists-unrecorded' }
  | { readonly do: 'settle'; readonly ips: readonly Ip[]; readonly why: 'network-knows-them' }
  | {
      readonly do: 'retire';
      readonly ips: readonly Ip[];
      readonly why: 'above-high' | 'cloud-lists-no-more' | 'used-by-others';
    }
  | { readonly do: 'give-back'; readonly ips: readonly Ip[]; readonly why: 'node-says-free' }
  | { readonly do: 'extend'; readonly count: number; readonly why: 'below-low' | 'none-free' }
  | { readonly do: 'drop'; readonly why: 'node-is-gone' }
  | { readonly do: 'hold'; readonly why: string };

/** The next steps for one node's range, in the order in which they must be done. Never empty: holding has a reason too. */
export function planPodRange(seen: PodRangeSeen, policy: RangePolicy): readonly PodRangeStep[] {
  const { ground, range, cloud } = seen;
  if (ground === undefined) return [range ? { do: 'drop', why: 'node-is-gone' } : hold('neither node nor range')];
  if (ground.ground === 'unclear') return [hold(ground.why)];
  if (range !== undefined && range.spec.ground !== ground.ground)
    return [hold(`the range is for a ${range.spec.ground} node, the Node is a ${ground.ground} node`)];
  if (ground.ground === 'site') return [planSite(seen, policy)];
  if (cloud === undefined || cloud.state !== 'known')
    return [...planSettling(seen, policy), hold(cloud?.why ?? 'the cloud was not asked')];
  if (range === undefined) return [{ do: 'open', why: 'node-has-none' }];
  const steps = [
    ...planSettling(seen, policy),
    ...planAudit(seen, cloud, range, policy),
    ...planGivingBack(range),
    ...planWarmth(seen, cloud, range, policy),
  ];
  return steps.length > 0 ? steps : [hold('in band')];
}

function planSite(seen: PodRangeSeen, policy: RangePolicy): PodRangeStep {
  if (seen.range !== undefined) return hold('has its subnet');
  const subnet = chooseSubnet(policy.sitePods, policy.perMachine, seen.taken.ranges);
  if (subnet === undefined)
    return hold(
      `no free /${policy.perMachine} is left in ${formatCidr(policy.sitePods)}: make network.site.pods larger`,
    );
  return { do: 'assign', subnet, why: 'node-has-none' };
}

function planSettling({ range, at }: PodRangeSeen, policy: RangePolicy): readonly PodRangeStep[] {
  const ips = entriesOf(range)
    .filter(({ state, since }) => state === 'settling' && Date.parse(since) + policy.settle <= at)
    .map((a) => ip(a.ip));
  return ips.length > 0 ? [{ do: 'settle', ips, why: 'network-knows-them' }] : [];
}

/** The ledger against the cloud's list, both ways. A crash between asking the cloud and writing it down is mended here. */
function planAudit(
  seen: PodRangeSeen,
  cloud: CloudSeen & { readonly state: 'known' },
  range: PodRangeObject,
  policy: RangePolicy,
): readonly PodRangeStep[] {
  const entries = entriesOf(range);
  const recorded = new Set(entries.map((a) => a.ip));
  const unrecorded = (cloud.listed ?? []).filter((address) => !recorded.has(address)).sort(byNumber);
  const active = entries.filter(({ state }) => state !== 'releasing').map((a) => ip(a.ip));
  const lost = active.filter((address) => {
    const since = cloud.missing.get(address);
    return since !== undefined && since + policy.lostAfter <= seen.at;
  });
  const contested = active.filter((address) => seen.taken.addresses.has(address) && !lost.includes(address));
  const steps: PodRangeStep[] = [];
  if (unrecorded.length > 0) steps.push({ do: 'adopt', ips: unrecorded, why: 'cloud-lists-unrecorded' });
  if (lost.length > 0) steps.push({ do: 'retire', ips: lost, why: 'cloud-lists-no-more' });
  if (contested.length > 0) steps.push({ do: 'retire', ips: contested, why: 'used-by-others' });
  return steps;
}

/** Only what the node answered to this very state of its range: an older answer may speak of an earlier life of the address. */
function planGivingBack(range: PodRangeObject): readonly PodRangeStep[] {
  if (!isAnswered(range)) return [];
  const free = new Set(range.status?.released ?? []);
  const ips = entriesOf(range)
    .filter(({ ip: address, state }) => state === 'releasing' && free.has(address))
    .map((a) => ip(a.ip));
  return ips.length > 0 ? [{ do: 'give-back', ips, why: 'node-says-free' }] : [];
}

function planWarmth(
  seen: PodRangeSeen,
  cloud: CloudSeen & { readonly state: 'known' },
  range: PodRangeObject,
  policy: RangePolicy,
): readonly PodRangeStep[] {
  const { low, high } = policy.warm;
  const entries = entriesOf(range);
  const settling = entries.filter(({ state }) => state === 'settling').length;
  const coming = (cloud.listed ?? []).filter((address) => !entries.some((a) => a.ip === address)).length;
  const free = freeOf(range);
  const warm = free + settling + coming;
  if (warm < low) {
    if (cloud.refused !== undefined && cloud.refused.until > seen.at) return [hold(cloud.refused.why)];
    // All gone is a rush. Each batch takes its time to settle, so it is as large as all before it, and at least the whole band.
    const inUse = range.status?.inUse ?? 0;
    const rush = free === 0 && inUse > 0;
    const target = rush ? Math.max(high, inUse) : Math.ceil((low + high) / 2);
    return [{ do: 'extend', count: target - warm, why: rush ? 'none-free' : 'below-low' }];
  }
  // An old answer would let us retire the same surplus twice.
  if (warm <= high || !isAnswered(range)) return [];
  const newest = entries
    .filter(({ state }) => state === 'usable')
    .sort((a, b) => Date.parse(b.since) - Date.parse(a.since) || byNumber(ip(b.ip), ip(a.ip)))
    .slice(0, warm - high)
    .map((a) => ip(a.ip));
  return newest.length > 0 ? [{ do: 'retire', ips: newest.sort(byNumber), why: 'above-high' }] : [];
}

/** The node's own count where it answered this state; before that, what its last answer leaves of what is usable now. */
function freeOf(range: PodRangeObject): number {
  const usable = entriesOf(range).filter(({ state }) => state === 'usable').length;
  if (isAnswered(range)) return range.status?.free ?? usable;
  return Math.max(0, usable - (range.status?.inUse ?? 0));
}

function isAnswered(range: PodRangeObject): boolean {
  return (
    range.status?.observedGeneration !== undefined && range.status.observedGeneration === range.metadata.generation
  );
}

/** The spec after the steps that change the ledger alone: adopt, settle, retire. */
export function specAfter(spec: PodRangeSpec, steps: readonly PodRangeStep[], at: Instant): PodRangeSpec {
  const since = new Date(at).toISOString();
  return steps.reduce((now, step) => {
    switch (step.do) {
      case 'adopt':
        return withAddresses(now, step.ips, 'settling', since);
      case 'settle':
        return withAddresses(now, step.ips, 'usable', since);
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

/** These addresses in this state, whether they were recorded before or not. */
export function withAddresses(
  spec: PodRangeSpec,
  ips: readonly Ip[],
  state: 'settling' | 'usable' | 'releasing',
  since: string,
): PodRangeSpec {
  const others = withoutAddresses(spec, ips).addresses ?? [];
  const changed = ips.map((address) => ({ ip: address as string, state, since }));
  // Sorted: a stable ledger makes quiet diffs.
  const addresses = [...others, ...changed].sort((a, b) => byNumber(ip(a.ip), ip(b.ip)));
  return { ...spec, addresses };
}

export function withoutAddresses(spec: PodRangeSpec, ips: readonly Ip[]): PodRangeSpec {
  const gone = new Set<string>(ips);
  return { ...spec, addresses: (spec.addresses ?? []).filter((a) => !gone.has(a.ip)) };
}

function entriesOf(range: PodRangeObject | undefined): NonNullable<PodRangeSpec['addresses']> {
  return range?.spec.addresses ?? [];
}

function hold(why: string): PodRangeStep {
  return { do: 'hold', why };
}
