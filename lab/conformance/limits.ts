/** A spec that is not run, because it cannot pass whatever the cluster does. */
export interface Limit {
  /** Part of the spec's full name. */
  readonly spec: string;
  readonly why: string;
}

/** By what stands in the way. docs/reference/conformance.md holds the same lists, which a test compares. */
export interface Limits {
  /** What the lab can't permit. */
  readonly lab: readonly Limit[];
  /** What the cloud's load balancers can't do. */
  readonly cloud: readonly Limit[];
}

export const limits: Limits = {
  lab: [
    {
      spec: '[sig-node] ImageVolume should succeed with pod and pull policy of Always',
      why: 'containerd 1.6 of Debian 12 has no image volumes and refuses the container even when the image is there (`failed to mkdir ""`); besides, the spec pulls from a registry of the internet',
    },
  ],
  cloud: [
    {
      spec: 'LoadBalancers should only allow access from service loadbalancer source ranges',
      why: 'an NLB has neither firewall nor security group, and a node sees the address of the balancer instead of the client’s, so nobody could enforce `spec.loadBalancerSourceRanges`; a Service with the field is refused',
    },
    {
      spec: 'LoadBalancers ExternalTrafficPolicy: Local should work for type=LoadBalancer',
      why: 'the spec wants the pod to see the address of the client; an NLB replaces it by its own, and tells the client by PROXY protocol alone, which the spec does not speak',
    },
  ],
};
