import type { ServiceObject } from '#kube/resources.ts';
import type { EndpointsSeen } from './endpoints.ts';
import { expectedOf, planEndpointFaults } from './plan-checks.ts';
import type { Reason } from './reasons.ts';
import { balancerCondition } from './service.ts';

/** As `explain` prints them, from the client on. */
type Hop = 'client' | 'load balancer' | 'listeners' | 'rules' | 'back ends' | 'kube-proxy' | 'pods';

/** Where packets stop for each reason that stops them. */
const hopOf: Partial<Readonly<Record<string, Hop>>> = {
  AddressTaken: 'client',
  BadAnnotation: 'load balancer',
  NotSupported: 'load balancer',
  BalancerUnknown: 'load balancer',
  MarkLost: 'load balancer',
  CloudUnreadable: 'load balancer',
  CloudRefuses: 'load balancer',
  TooManyPorts: 'listeners',
  NodePortMissing: 'listeners',
  PortInUse: 'listeners',
  SecretUnusable: 'listeners',
  TooManyCertificates: 'listeners',
  CertificateUnfit: 'listeners',
  PathTaken: 'rules',
  TooManyRules: 'rules',
  BackendMissing: 'rules',
  NoCloudNode: 'back ends',
  PortClosed: 'back ends',
  ChecksFail: 'back ends',
  LocalUnreachable: 'kube-proxy',
  NoEndpoint: 'pods',
  PortUnanswered: 'pods',
} satisfies Partial<Readonly<Record<Reason, Hop>>>;

/** Where packets stop for a reason; `undefined` when they do not. */
export function hopOfReason(reason: string): Hop | undefined {
  return hopOf[reason];
}

/** The first hop at which packets stop, and why. @shape `back ends: …`; `undefined` when nothing is known to stop them */
export function planFirstFault(service: ServiceObject, endpoints: EndpointsSeen): string | undefined {
  const { status } = service;
  const said = status?.conditions?.find(({ type }) => type === balancerCondition);
  if (said?.status === 'False') {
    const hop = hopOfReason(said.reason);
    if (hop !== undefined) return `${hop}: ${said.message}`;
  }
  // Pods are the last hop.
  const [fault] = planEndpointFaults(expectedOf(service), endpoints);
  if (fault !== undefined) return `pods: ${fault.message}`;
  // What comes of another fault is told only when there is no other.
  const isPublished = (status?.loadBalancer?.ingress?.length ?? 0) > 0;
  return isPublished ? undefined : `client: ${said?.message ?? 'no address is published yet'}`;
}
