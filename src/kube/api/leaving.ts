import type { NodeObject } from '../resources.ts';

/**
 * On a Node that is about to be removed: kube-proxy's `/healthz` answers 503, and no load balancer takes it as a back end.
 * The value is the Unix time of the decision. @source KEP-3836; k8s.io/cloud-provider v0.36; cluster-autoscaler utils/taints
 */
export const leavingTaint = 'ToBeDeletedByClusterAutoscaler';

/** Condition of a Node that may not be a back end: True, and since when, once no load balancer of the cluster sends to it. */
export const outOfBalancers = 'isthmus.dev/OutOfBalancers';

/** Upstream's own: a Service is not gone before its balancer is. @source k8s.io/cloud-provider service/helpers v0.36 */
export const balancerFinalizer = 'service.kubernetes.io/load-balancer-cleanup';

/** Our own, for the same: an Ingress is not gone before what was made for it is. */
export const ingressFinalizer = 'isthmus.dev/balancer';

/** Whether it is marked as about to be removed: by Isthmus, which takes the mark away with the Node, or by who else scales nodes. */
export function isLeaving({ spec }: NodeObject): boolean {
  return (spec?.taints ?? []).some(({ key }) => key === leavingTaint);
}
