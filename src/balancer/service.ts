import type { ServiceObject } from '#kube/resources.ts';
import { recordAnnotation } from './annotations.ts';

/** Upstream's own: a Service is not gone before its balancer is. @source k8s.io/cloud-provider service/helpers v0.36 */
export const finalizer = 'service.kubernetes.io/load-balancer-cleanup';
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
  if (!finalizers.includes(finalizer)) return false;
  // Without the record it is claimed anew, as long as it lives.
  return recordAnnotation in annotations || (deletionTimestamp !== undefined && isOurs(service));
}

function isOurs({ spec }: ServiceObject): boolean {
  const { type, loadBalancerClass: itsClass } = spec ?? {};
  return type === 'LoadBalancer' && (itsClass === undefined || itsClass === balancerClass);
}
