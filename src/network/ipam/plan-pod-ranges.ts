import { type FurtherInterface, mostAddresses, type PodRangeObject } from '#kube/api/pod-range.ts';
import type { Ms } from '#unit/clock.ts';
import { byNumber, type Cidr, formatCidr, type Ip, ip } from '#unit/ip.ts';
import { chooseHome } from './choose-home.ts';
import {
  answerOf,
  atHome,
  type BridgedPolicy,
  type CloudSeen,
  entriesOf,
  hold,
  type PodRangeSeen,
  type PodRangeStep,
  planGivingBack,
  specAfter,
  usedOf,
  waitingOf,
} from './plan-range-steps.ts';
import { planSlice } from './plan-slice.ts';

export interface RangePolicy {
  /** Of routed machines of the site; `undefined` when the cluster has none. */
  readonly sitePods: Cidr | undefined;
  /** Prefix length of one routed machine's subnet. */
  readonly perMachine: number;
  /** Of bridged machines; `undefined` when the cluster has none. */
  readonly bridged: BridgedPolicy | undefined;
  /** Of a site node whose Machine does not say. */
  readonly usualPodNetwork: 'routed' | 'bridged';
  /** Free addresses kept on each cloud node, beside those that waiting pods are about to get. */
  readonly warm: { readonly low: number; readonly high: number };
  /** How long the cloud's network needs before a fresh address works. */
  readonly settle: Ms;
  /** How long an address stays in the pool at least: the next burst is often close behind the last. */
  readonly linger: Ms;
}

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
  if (ground.ground === 'site') return planSite(seen, policy);
  if (cloud === undefined || cloud.state !== 'known')
    return [...planSettling(seen, new Set(), policy), hold(cloud?.why ?? 'the cloud was not asked', 'MachineUnclear')];
  if (range === undefined) return [{ do: 'open', spec: { ground: 'cloud', addresses: [] }, why: 'node-has-none' }];
  const ledger = planLedger(seen, cloud, range, policy);
  const steps = [...ledger, ...planWarmth(seen, cloud, range, ledger, policy), ...planGivingBack(seen, range)];
  return steps.length > 0 ? steps : [hold('in band')];
}

function planSite(seen: PodRangeSeen, policy: RangePolicy): readonly PodRangeStep[] {
  const { range, podNetwork: asked, slices } = seen;
  const has = range && (range.spec.bridged === undefined ? 'routed' : 'bridged');
  if (has !== undefined && asked !== undefined && has !== asked)
    return [
      hold(
        `the PodRange is for a ${has} machine, and the Machine is to be ${asked}; remove the machine and add it again`,
        'ModeChanged',
      ),
    ];
  if ((has ?? asked ?? policy.usualPodNetwork) === 'routed') return [planSubnet(seen, policy)];
  if (policy.bridged === undefined || slices === undefined)
    return [hold('cluster.yaml sets no range aside for pods of bridged machines', 'ModeChanged')];
  return planSlice(seen, slices, policy.bridged);
}

function planSubnet(seen: PodRangeSeen, { sitePods, perMachine }: RangePolicy): PodRangeStep {
  if (seen.range !== undefined) return hold('has its subnet');
  if (sitePods === undefined) return hold('cluster.yaml has no range for pods of routed machines', 'ModeChanged');
  const { freeSubnet: subnet } = seen;
  if (subnet === undefined)
    return hold(
      `no free /${perMachine} is left in ${formatCidr(sitePods)}: remove machines that are no longer used, or make network.site.pods larger`,
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

function isSame(recorded: readonly FurtherInterface[], seen: readonly FurtherInterface[]): boolean {
  const told = (all: readonly FurtherInterface[]): string =>
    JSON.stringify(all.map(({ home, mac, address, network, gateway }) => [home, mac, address, network, gateway]));
  return told(recorded) === told(seen);
}
