/**
 * Why a Service of type LoadBalancer or an Ingress of ours is or is not served, by the reason of its condition `isthmus.dev/Balancer`, which is also the
 * reason of the Event and a label of the metric `isthmus_balancer_fault`; with what it means and what helps.
 * `docs/reference/events.md` is made from it.
 */
export const balancerReasons = {
  Serving: 'The load balancer is complete and sends to cloud nodes, or straight to pods.',
  Making: 'The load balancer is being made or changed.',
  BadAnnotation:
    'An annotation is unknown, has a wrong value or contradicts another one. Until it is right nothing is made; what serves goes on as it was, and its back ends are kept right.',
  NotSupported:
    'A field of the Service asks for what the load balancer cannot do. Until it is removed nothing is made; what serves goes on as it was, and its back ends are kept right.',
  NodePortMissing:
    'A port has no node port, and the load balancer cannot send straight to its pods. Set `spec.allocateLoadBalancerNodePorts` to true.',
  TooManyPorts: 'A load balancer takes fewer ports than are asked for. Split the Service.',
  NoCloudNode: 'No cloud node can be a back end. The message names each with the reason.',
  OnlyExcluded:
    'Every cloud node is kept out by its label. Those that serve go on until another can take over, and the Service says so.',
  NoEndpoint: 'No pod of the Service is ready, or its selector matches none. The message says which.',
  PortUnanswered:
    'Pods are ready, but none of them answers one of the ports: its `targetPort` names no port of theirs.',
  PortClosed:
    'The security groups of cloud nodes close a node port, or the port of a pod, to the load balancer. The message names group, machines and the rule to add.',
  ChecksFail:
    'No back end of a port passes the check of the load balancer: kube-proxy does not run on the nodes, or something drops the check.',
  LocalUnreachable:
    '`externalTrafficPolicy` is `Local`, and all ready pods are on nodes that cannot be back ends, such as machines of the site. Set it to `Cluster`.',
  BalancerUnknown:
    'The balancer that an annotation names cannot be used. The message says why. One that the Service had before goes on serving.',
  PortInUse: 'On a balancer that is shared, the port is in use by another Service or by somebody else.',
  AddressTaken: 'Somebody bound the public address of the Service to something else.',
  MarkLost:
    'The load balancer has lost the mark of the cluster, so it is neither changed nor removed. Set its business group again.',
  BackendMissing:
    'Ingress only: a Service that it names does not exist, or has no such port. Requests for the path are answered 503.',
  PodsLeftOut: 'Ingress only: pods that the ALB cannot reach get no requests, because their Service has no node ports.',
  PathTaken:
    'Ingress only: the same host and path is in an older Ingress of the group, or twice in this one. The first one is served.',
  TooManyRules: 'Ingress only: an ALB takes 100 rules. What comes last is not served; put it into another group.',
  SecretUnusable:
    'Ingress only: a Secret of `spec.tls` is missing, or is no certificate with its key. The other certificates are served, and a port that answers keeps those that it has.',
  CertificateUnfit: 'Ingress only: a certificate has expired, or is for other hosts. It is served all the same.',
  TooManyCertificates: 'Ingress only: an ALB takes 25 certificates beside the default one. The last ones are left out.',
  ClassGone: 'Ingress only: its IngressClass does not exist any more. What it has stays as it is.',
  CannotChange: 'A setting cannot be changed on a load balancer that exists. It goes on serving as it is.',
  CloudUnreadable: 'The cloud does not answer, or not clearly. It is asked again by itself.',
  CloudRefuses:
    'The cloud refuses: a quota, no address left, a bill, keys or permissions. The message has its words and what helps; it is asked again every few minutes.',
  InDoubt:
    'An answer of the cloud was lost, or something that its lists do not show yet may have been made. The message says which; it is looked at again within seconds.',
  BalancerMade: 'Event only: a load balancer was made for the Service.',
  AddressGiven: 'Event only: the Service was given a public address.',
  BalancerRemoved: 'Event only: the load balancer of the Service was removed.',
  Drift: 'Event only: something of ours was changed in the cloud by hand, and was put back.',
} as const satisfies Readonly<Record<string, string>>;

export type Reason = keyof typeof balancerReasons;

/** Reasons that stand against a Service; the others say that it is served, or will be without anybody’s help. */
export function isFault(reason: Reason): boolean {
  return reason !== 'Serving' && reason !== 'Making' && reason !== 'InDoubt';
}
