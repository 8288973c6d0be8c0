import type { PodObject } from '#kube/resources.ts';
import { hasToLeave, podKey } from '#machine/leave.ts';
import { few } from '#unit/few.ts';

/** Of the pods of the machine, those that an eviction ends for good. @shape no line when there are none */
export function explainLost(pods: readonly PodObject[]): readonly string[] {
  const lost = pods.filter(
    (pod) => hasToLeave(pod) && pod.metadata.ownerReferences?.some(({ controller }) => controller === true) !== true,
  );
  if (lost.length === 0) return [];
  return [`lose for good, because no controller makes them again: ${few(lost.map(podKey))}`];
}
