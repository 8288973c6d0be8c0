import { mostAddresses, type PodRangeObject, type PodRangeSpec } from '#kube/api/pod-range.ts';
import { minutes } from '#unit/clock.ts';
import { byNumber, formatSpan, type Ip, ip, numberOf } from '#unit/ip.ts';
import {
  answerOf,
  type BridgedPolicy,
  entriesOf,
  hold,
  type PodRangeSeen,
  type PodRangeStep,
  planGivingBack,
  type SliceNeighbours,
  specAfter,
  usedOf,
  waitingOf,
} from './plan-range-steps.ts';

/** Addresses are given in blocks of so many: a machine's slice is then one piece of the range, or a few. */
const block = 8;
/** Free addresses that a machine keeps when there are enough for all. */
const band = { low: 4, high: 12 };

/** How long an address stays in a slice at least: the next burst is often close behind the last. */
const linger = minutes(1);

/**
 * The next steps for the slice of one bridged machine: it grows by blocks when few addresses are free, and shrinks when many are. Giving takes
 * two steps: an address is written down first, and goes to pods when nobody else is seen with it afterwards. So does taking back.
 */
export function planSlice(
  seen: PodRangeSeen,
  neighbours: SliceNeighbours,
  policy: BridgedPolicy,
): readonly PodRangeStep[] {
  const { range } = seen;
  const bridged = { pods: formatSpan(policy.pods), ...(policy.interface && { interface: policy.interface }) };
  if (range === undefined)
    return [{ do: 'open', spec: { ground: 'site', bridged, addresses: [] }, why: 'node-has-none' }];
  const ledger = planSliceLedger(seen, range, neighbours, policy);
  const settings: readonly PodRangeStep[] = isSame(range.spec.bridged, bridged)
    ? []
    : [{ do: 'bridge', bridged, why: 'settings-changed' }];
  const growth = planGrowth(seen, range, ledger, neighbours, policy);
  const steps = [...settings, ...ledger, ...growth, ...planGivingBack(seen, range)];
  return steps.length > 0 ? steps : [hold('in band')];
}

function isSame(seen: PodRangeSpec['bridged'], wanted: NonNullable<PodRangeSpec['bridged']>): boolean {
  return seen?.pods === wanted.pods && seen?.interface === wanted.interface;
}

/** The ledger against what others have. Each address is in one step at most. */
function planSliceLedger(
  seen: PodRangeSeen,
  range: PodRangeObject,
  { contested, complete }: SliceNeighbours,
  { pods }: BridgedPolicy,
): readonly PodRangeStep[] {
  const entries = entriesOf(range.spec);
  const isOutside = (address: Ip): boolean => numberOf(address) < pods.first || numberOf(address) > pods.last;
  const inState = (...states: readonly string[]): readonly Ip[] =>
    entries.filter(({ state }) => states.includes(state)).map((a) => ip(a.ip));
  const active = inState('settling', 'usable');
  const outside = active.filter(isOutside);
  const doubtful = active.filter((address) => !isOutside(address) && contested.has(address));
  const sure = inState('settling').filter((address) => !isOutside(address) && !contested.has(address));
  const used = usedOf(seen, range);
  const refused = inState('releasing').filter(
    (address) => used.has(address) && !isOutside(address) && !contested.has(address),
  );
  const steps: PodRangeStep[] = [];
  if (complete && sure.length > 0) steps.push({ do: 'settle', ips: sure, why: 'nobody-else-has-them' });
  if (outside.length > 0) steps.push({ do: 'withdraw', ips: outside, why: 'outside-of-range' });
  if (doubtful.length > 0) steps.push({ do: 'withdraw', ips: doubtful, why: 'used-by-others' });
  if (refused.length > 0) steps.push({ do: 'keep', ips: refused, why: 'pods-have-them' });
  return steps;
}

/** Each address is counted once, by the state that it has after the steps before; one that a stranger uses is no help. */
function planGrowth(
  seen: PodRangeSeen,
  range: PodRangeObject,
  before: readonly PodRangeStep[],
  { share, free: freeOf, unlisted }: SliceNeighbours,
  { pods }: BridgedPolicy,
): readonly PodRangeStep[] {
  // A range that was deleted and made anew: its pods have what it lacks.
  if (unlisted.length > 0) return [{ do: 'extend-slice', ips: unlisted, why: 'pods-have-them' }];
  const entries = entriesOf(specAfter(range.spec, before, seen.at));
  const used = usedOf(seen, range);
  const foreign = new Set((range.status?.conflicts ?? []).map((conflict) => conflict.ip));
  const free = entries.filter((a) => a.state === 'usable' && !used.has(ip(a.ip)) && !foreign.has(a.ip));
  const coming = entries.filter(({ state }) => state === 'settling').length;
  const high = Math.min(band.high, share);
  // A node that has no address at all would never become ready.
  const low = Math.max(Math.min(band.low, share), entries.length === 0 ? 1 : 0);
  const warm = free.length + coming - waitingOf(seen, range);
  if (warm < low) {
    const wanted = Math.max(low - warm, Math.min(block, high - warm));
    const ips = freeOf(Math.min(wanted, mostAddresses - entries.length));
    if (ips.length > 0) return [{ do: 'extend-slice', ips, why: seen.pods.waiting > 0 ? 'pods-wait' : 'below-low' }];
    const taken = `all addresses of ${formatSpan(pods)} are given to machines of the site`;
    // While its pods have what they need it does without a reserve.
    if (warm >= 0 && entries.length > 0) return [hold(`${taken}, and the pods of this one have theirs`)];
    return [hold(`${taken}; make that range larger, or move pods to other nodes`, 'NoSiteAddressLeft')];
  }
  // Only by an answer to this very state of the range: since an older one a pod may have got what was free then.
  if (warm <= high || answerOf(range) === undefined) return [];
  const surplus = free
    .filter(({ since }) => Math.abs(seen.at - Date.parse(since)) >= linger)
    .map((a) => ip(a.ip))
    // The highest: the node gives the lowest of those that were never used.
    .sort((a, b) => byNumber(b, a))
    .slice(0, warm - high);
  return surplus.length > 0 ? [{ do: 'retire', ips: surplus.sort(byNumber), why: 'above-high' }] : [];
}
