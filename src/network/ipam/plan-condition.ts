import type { Condition } from '#kube/api/condition.ts';
import { podAddresses } from '#kube/api/pod-range.ts';
import type { NetworkReason } from '../reasons.ts';
import type { PodRangeSeen, PodRangeStep } from './plan-range-steps.ts';

type Said = Omit<Condition, 'lastTransitionTime'>;

/** What keeps a node from the addresses that it needs, in words for everybody. */
export interface AddressFault {
  readonly reason: NetworkReason;
  readonly why: string;
}

/** `undefined` when the node gets what it needs. */
export function addressFault(
  { cloud }: Pick<PodRangeSeen, 'cloud'>,
  steps: readonly PodRangeStep[],
): AddressFault | undefined {
  for (const step of steps) {
    if (step.do === 'hold' && step.reason !== undefined) return { reason: step.reason, why: step.why };
    if (step.do === 'extend' && cloud?.state === 'known' && cloud.failing !== undefined)
      return { reason: 'CloudFails', why: cloud.failing };
  }
  return undefined;
}

/**
 * What the controller publishes about the addresses of a node; `undefined` when that is published already, or when there is no
 * range to publish it on. A site node has its subnet for good: of it only a fault and its end are published.
 */
export function planCondition(
  seen: Pick<PodRangeSeen, 'ground' | 'range' | 'cloud'>,
  steps: readonly PodRangeStep[],
): Said | undefined {
  const { ground, range, cloud } = seen;
  if (ground === undefined || range === undefined) return undefined;
  const fault = addressFault(seen, steps);
  const published = range.status?.conditions?.find(({ type }) => type === podAddresses);
  if (fault === undefined && cloud === undefined && published === undefined) return undefined;
  const said = conditionOf(fault);
  const isPublished =
    published?.status === said.status && published.reason === said.reason && published.message === said.message;
  return isPublished ? undefined : said;
}

function conditionOf(fault: AddressFault | undefined): Said {
  if (fault === undefined)
    return { type: podAddresses, status: 'True', reason: 'Enough', message: 'the node gets the addresses it needs' };
  const message = `no more pod addresses for this node: ${fault.why}`;
  return { type: podAddresses, status: 'False', reason: fault.reason, message };
}
