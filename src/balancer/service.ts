import { balancerFinalizer } from '#kube/api/leaving.ts';
import type { ServiceObject } from '#kube/resources.ts';
import { recordAnnotation } from './annotations.ts';

/** The class that is ours; a Service without one is ours too. */
export const balancerClass = 'isthmus.dev/balancer';
/** The type of the condition on a Service. */
export const balancerCondition = 'isthmus.dev/Balancer';

/** Whether it is to have a balancer of ours. */
export function isWanted(service: ServiceObject): boolean {
  return service.metadata.deletionTimestamp === undefined && isOurs(service);
}

/** Whether something may be in the cloud for it: another class's controller uses the same finalizer. */
export function isClaimed(service: ServiceObject): boolean {
  const { finalizers = [], annotations = {}, deletionTimestamp } = service.metadata;
  if (!finalizers.includes(balancerFinalizer)) return false;
  // Without the record it is claimed anew, as long as it lives.
  return recordAnnotation in annotations || (deletionTimestamp !== undefined && isOurs(service));
}

function isOurs({ spec }: ServiceObject): boolean {
  const { type, loadBalancerClass: itsClass } = spec ?? {};
  return type === 'LoadBalancer' && (itsClass === undefined || itsClass === balancerClass);
}
