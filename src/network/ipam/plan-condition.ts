import type { Condition } from '#kube/api/condition.ts';
import { podAddresses } from '#kube/api/pod-range.ts';
import type { PodRangeSeen, PodRangeStep } from './plan-pod-ranges.ts';

type Said = Omit<Condition, 'lastTransitionTime'>;

/**
 * What the controller publishes about the addresses of a cloud node; `undefined` when that is published already, or when
 * there is no range to publish it on.
 */
export function planCondition(
  { range, cloud }: Pick<PodRangeSeen, 'range' | 'cloud'>,
  steps: readonly PodRangeStep[],
): Said | undefined {
  if (range === undefined || cloud === undefined) return undefined;
  const said = conditionOf(cloud, steps);
  const published = range.status?.conditions?.find(({ type }) => type === podAddresses);
  const isPublished =
    published?.status === said.status && published.reason === said.reason && published.message === said.message;
  return isPublished ? undefined : said;
}

function conditionOf(cloud: NonNullable<PodRangeSeen['cloud']>, steps: readonly PodRangeStep[]): Said {
  const held = steps.flatMap((step) => (step.do === 'hold' && step.why !== 'in band' ? step.why : []));
  const [why] = held;
  if (why === undefined)
    return { type: podAddresses, status: 'True', reason: 'Enough', message: 'the node gets the addresses it needs' };
  const reason = cloud.state !== 'known' ? 'MachineUnclear' : cloud.refused === why ? 'CloudRefuses' : 'RangeFull';
  return { type: podAddresses, status: 'False', reason, message: `no more pod addresses for this node: ${why}` };
}
