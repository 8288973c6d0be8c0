import { type Ms, minutes, ms, seconds } from '#unit/clock.ts';
import type { NetworkReason } from '../reasons.ts';
import { addressFault } from './plan-condition.ts';
import type { PodRangeSeen, PodRangeStep } from './plan-range-steps.ts';

/** A pod that is bound to a node and has no address. Times are those of the process. */
export interface WaitingPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string | undefined;
  readonly since: Ms;
}

/** What a pod was told last, and when. */
export interface PodTold {
  readonly note: string;
  readonly at: Ms;
}

export interface PodNews {
  readonly pod: WaitingPod;
  readonly reason: NetworkReason;
  readonly note: string;
}

export interface WaitingPlan {
  readonly news: readonly PodNews[];
  /** When there may be more to tell, in the time of the process; `undefined`: not before something happens. */
  readonly next: Ms | undefined;
}

/**
 * Which pods have to be told why they wait for an address. One that waits as long as any pod does is told nothing; what lasts is
 * told again before its Event is forgotten.
 * @unit told: by uid
 */
export function planWaitingPods(
  seen: Pick<PodRangeSeen, 'node' | 'ground' | 'range' | 'cloud'>,
  steps: readonly PodRangeStep[],
  waiting: readonly WaitingPod[],
  told: ReadonlyMap<string | undefined, PodTold>,
  at: Ms,
): WaitingPlan {
  const fault = waiting.length === 0 ? undefined : waitingFault(seen, steps);
  if (fault === undefined) return { news: [], next: undefined };
  const note = `node ${seen.node} has no address for this pod: ${fault.why}`;
  const dueOf = ({ uid, since }: WaitingPod): number => {
    const before = told.get(uid);
    return before?.note === note ? before.at + toldAgain : since + usualWait;
  };
  // Those that wait longest first.
  const due = waiting.filter((pod) => dueOf(pod) <= at).sort((a, b) => a.since - b.since);
  const news = due.slice(0, atOnce).map((pod) => ({ pod, reason: fault.reason, note }));
  const later = waiting.map(dueOf).filter((time) => time > at);
  const soon = due.length > atOnce ? [at + seconds(1)] : [];
  return { news, next: ms(Math.min(...soon, ...later, at + toldAgain)) };
}

function waitingFault(
  { ground, range, cloud }: Pick<PodRangeSeen, 'ground' | 'range' | 'cloud'>,
  steps: readonly PodRangeStep[],
): { readonly reason: NetworkReason; readonly why: string } | undefined {
  const fault = addressFault({ cloud }, steps);
  if (fault !== undefined) return fault;
  if (ground?.ground !== 'site' || range?.status?.free !== 0 || range.spec.subnet === undefined) return undefined;
  const { inUse = 0 } = range.status;
  const why = `all ${inUse} addresses of its subnet ${range.spec.subnet} are in use or cool down for 30 s after their last pod; delete pods on this node or move them to other nodes`;
  return { reason: 'SubnetFull', why };
}

/** Most pods have their address long before. */
const usualWait = seconds(5);
/** A series of Events ends after six minutes without news. */
const toldAgain = minutes(5);
/** Events are written one after the other, and those that are too many are dropped. */
const atOnce = 100;
