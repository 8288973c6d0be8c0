import type { BackEnd } from '#cloud/balancer.ts';
import type { ServiceObject, ServicePort } from '#kube/resources.ts';
import { few } from '#unit/few.ts';
import { chooseBackEnds, excludeLabel, type NodeSeen } from '../choose-back-ends.ts';
import { placeOf } from '../choose-pods.ts';
import type { EndpointSeen, EndpointsSeen } from '../endpoints.ts';
import type { Fault } from '../plan-checks.ts';
import type { BackendRef } from './parse-ingress.ts';

/** What is known of a Service that an Ingress names. */
export interface ServiceSeen {
  readonly type: string;
  readonly ports: readonly ServicePort[];
  readonly isLocal: boolean;
}

export function serviceSeen({ spec }: ServiceObject): ServiceSeen {
  return {
    type: spec?.type ?? 'ClusterIP',
    ports: spec?.ports ?? [],
    isLocal: spec?.externalTrafficPolicy === 'Local',
  };
}

/** Where cloud machines and pods are reached. */
export interface Place {
  readonly provider: string;
  readonly vpc: string;
  readonly subnet: string;
}

export interface BackendSeen {
  /** `undefined` when there is no such Service. */
  readonly service: ServiceSeen | undefined;
  readonly endpoints: EndpointsSeen;
}

export interface TargetsChosen {
  readonly to: readonly BackEnd[];
  /** What stands against it, although the rest is served. */
  readonly faults: readonly Fault[];
}

/**
 * Who answers for one port of a Service: its pods while all that are ready can be reached in the VPC, else node ports of cloud nodes, as
 * for Services of type LoadBalancer. A Service without node ports has its pods of the VPC alone. An ALB checks each back end on its own port, so
 * that several kinds and ports can stand beside each other.
 * @unit most: back ends of the port; isFit: of a pod's name
 */
export function chooseTargets(
  ref: BackendRef,
  { service, endpoints }: BackendSeen,
  nodes: readonly NodeSeen[],
  {
    toPods,
    most,
    isFit,
    place,
    serving,
  }: {
    readonly toPods: boolean;
    readonly most: number;
    readonly isFit: (pod: string) => boolean;
    readonly place: Place;
    /** Ids of the machines that are back ends now. */
    readonly serving?: ReadonlySet<string>;
  },
): TargetsChosen {
  const none = (fault: Fault): TargetsChosen => ({ to: [], faults: [fault] });
  if (service === undefined)
    return none({
      reason: 'BackendMissing',
      message: `Service ${ref.service} does not exist: create it, or name another one`,
    });
  if (service.type === 'ExternalName')
    return none({
      reason: 'NotSupported',
      message: `Service ${ref.service} is of type ExternalName, which has no back ends`,
    });
  const port = service.ports.find(({ name, port: number }) => name === ref.port || number === ref.port);
  if (port === undefined)
    return none({
      reason: 'BackendMissing',
      message: `Service ${ref.service} has no port ${ref.port}: ${portsOf(service)}`,
    });
  const pods = podsOf(port.name ?? '', endpoints, nodes, { isFit, place });
  const nodePort = port.nodePort ?? 0;
  const usesPods = toPods ? pods.left.length === 0 && pods.to.length <= most : false;
  if (usesPods || nodePort === 0) {
    const over = pods.to
      .slice(most)
      .map(({ address }) => `${address}: the ALB takes ${most} back ends for this Service`);
    const faults = [...noneReady(ref, endpoints), ...leftOut(ref, [...pods.left, ...over])];
    return { to: pods.to.slice(0, most), faults };
  }
  const answering = endpoints.ready > 0 ? endpoints.nodes : (endpoints.ending ?? endpoints.nodes);
  const withPods = service.isLocal ? answering : undefined;
  const { machines, left, last } = chooseBackEnds(nodes, place.provider, most, withPods, serving);
  return {
    to: machines.map((machine) => ({ machine, port: nodePort })),
    faults: [
      ...noneReady(ref, endpoints),
      ...(machines.length > 0 ? [] : [noNode(ref, left)]),
      ...(last === undefined ? [] : [onlyExcluded(ref, last)]),
    ],
  };
}

/**
 * When none is ready, those that are being deleted and still answer, as kube-proxy has it. Sorted: which ones are taken when there are
 * too many must not depend on which slice was read first.
 */
function podsOf(
  name: string,
  endpoints: EndpointsSeen,
  nodes: readonly NodeSeen[],
  { isFit, place }: { readonly isFit: (pod: string) => boolean; readonly place: Place },
): { readonly to: readonly BackEnd[]; readonly left: readonly string[] } {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const takes = ({ isReady, pod }: EndpointSeen): boolean => isReady || (pod !== undefined && isFit(pod));
  const to = new Map<string, BackEnd>();
  const left: string[] = [];
  const all = endpoints.all ?? [];
  const taken = all.filter(takes);
  const ending = all.filter(({ isEnding }) => isEnding === true);
  for (const one of (taken.length > 0 ? taken : ending).toSorted((a, b) => (a.address < b.address ? -1 : 1))) {
    const found = placeOf(one, byName.get(one.node ?? ''), [name]);
    if ('why' in found) left.push(`${one.pod === undefined ? one.address : `pod ${one.pod}`} ${found.why}`);
    else
      to.set(found.address, {
        address: found.address,
        vpc: place.vpc,
        subnet: place.subnet,
        port: one.ports[name] ?? 0,
      });
  }
  return { to: [...to.values()], left };
}

function noneReady({ service }: BackendRef, { ready }: EndpointsSeen): readonly Fault[] {
  if (ready > 0) return [];
  return [
    {
      reason: 'NoEndpoint',
      message: `no pod of Service ${service} is ready: isthmus explain service ${service} says why`,
    },
  ];
}

function leftOut({ service }: BackendRef, left: readonly string[]): readonly Fault[] {
  if (left.length === 0) return [];
  const message = `Service ${service} has no node ports, so the ALB sends to its pods alone, and these get nothing: ${few(left)}. Give it the type NodePort, or keep its pods on cloud nodes`;
  return [{ reason: 'PodsLeftOut', message }];
}

function noNode({ service }: BackendRef, left: readonly { readonly node: string; readonly why: string }[]): Fault {
  const why = left.map(({ node, why: because }) => `${node}: ${because}`).join(', ');
  const message = `no cloud node can be a back end for Service ${service}${why === '' ? ': add one under cloudMachines' : ` (${why})`}`;
  return { reason: 'NoCloudNode', message };
}

function onlyExcluded({ service }: BackendRef, last: readonly string[]): Fault {
  const message = `every cloud node carries the label ${excludeLabel}: the ALB goes on sending to ${few(last)} for Service ${service}, so that clients are answered; take the label from a node, or add a cloud node`;
  return { reason: 'OnlyExcluded', message };
}

function portsOf({ ports }: ServiceSeen): string {
  const all = ports.map(({ name, port }) => (name === undefined ? String(port) : `${port} (${name})`));
  return all.length === 0 ? 'it has none' : `it has ${all.join(', ')}`;
}
