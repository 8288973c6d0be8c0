import type { Listening, Scheduler } from '#cloud/balancer.ts';
import type { ServiceObject, ServicePort } from '#kube/resources.ts';
import { type Ms, seconds } from '#unit/clock.ts';
import { type ServiceKey, serviceAnnotations } from './annotations.ts';
import { entriesOf, layerFaults, layerOf, type ServiceAlbWish } from './application/parse-service.ts';
import { type Asked, askedOf } from './asked.ts';
import { type AnnotationValues, isWritten, nameOf as nameIn, parseAnnotations } from './parse-annotations.ts';
import type { Layer } from './record.ts';

/** What a Service asks of the cloud. */
export interface Wish extends Asked {
  readonly layer: 'network' | 'direct';
  /** Only nodes with a pod of the Service may be back ends, and the pod sees who calls the node. */
  readonly isLocal: boolean;
  /** Pods are to be back ends, where they can be. */
  readonly toPods: boolean;
  readonly listeners: readonly WishedListener[];
}

export interface WishedListener extends Listening {
  /** Where kube-proxy answers for this port on every node; 0 when it does not. */
  readonly nodePort: number;
  /** Of the Service's port, as EndpointSlices have it. */
  readonly name: string;
}

/** Why a Service can't be served, as it is told. */
export interface Refusal {
  readonly reason: 'BadAnnotation' | 'NotSupported' | 'NodePortMissing' | 'TooManyPorts';
  readonly message: string;
}

export type ParsedWish =
  | { readonly ok: true; readonly wish: Wish | ServiceAlbWish }
  | { readonly ok: false; readonly refusals: readonly Refusal[] };

/** Where kube-proxy says that it works. @source kubernetes pkg/proxy/apis/config: healthzBindAddress 0.0.0.0:10256 */
const kubeProxyHealthPort = 10_256;

/** `isthmus.dev/balancer-access` */
const nameOf = (key: ServiceKey): string => nameIn(serviceAnnotations, key);

/** Everything that is wrong is told at once. @unit most: how many ports one load balancer takes, by kind */
export function parseWish(
  service: ServiceObject,
  { subnet, most }: { readonly subnet: string; readonly most: Readonly<Record<Layer, number>> },
): ParsedWish {
  const given = service.metadata.annotations ?? {};
  const { values, faults } = parseAnnotations(serviceAnnotations, given);
  const wrong = [...faults, ...contradictions(service, values, given), ...layerFaults(service, values, given)];
  const layer = layerOf(values);
  const toPods = layer !== 'direct' && goesToPods(service, values, given);
  const refusals: readonly Refusal[] = [
    ...wrong.map((message): Refusal => ({ reason: 'BadAnnotation', message })),
    ...unsupported(service),
    ...portFaults(service, most[layer], toPods || layer === 'direct'),
  ];
  if (refusals.length > 0) return { ok: false, refusals };
  const shared = {
    ...askedOf(values, subnet),
    isLocal: service.spec?.externalTrafficPolicy === 'Local',
    toPods,
  };
  if (layer === 'application')
    return { ok: true, wish: { ...shared, layer: 'application', listeners: entriesOf(service, values) } };
  const listeners = (service.spec?.ports ?? []).map((port) => listenerOf(service, port, values, layer));
  return { ok: true, wish: { ...shared, layer, listeners } };
}

/** As its annotation says; without one, a Service that does without node ports has no other way than to its pods. */
function goesToPods(
  { spec }: ServiceObject,
  { targets }: AnnotationValues<ServiceKey>,
  given: Readonly<Record<string, string>>,
): boolean {
  if (isWritten(serviceAnnotations, 'targets', given)) return targets === 'pods';
  const ports = spec?.ports ?? [];
  const lacksNodePort = ports.some(({ nodePort = 0 }) => nodePort === 0);
  return (
    spec?.allocateLoadBalancerNodePorts === false &&
    lacksNodePort &&
    ports.every(({ protocol = 'TCP' }) => protocol === 'TCP')
  );
}

/** Which back ends a port of a Service has; what a Service says of it even when the rest cannot be served. */
export type PortWish = Pick<WishedListener, 'protocol' | 'port' | 'nodePort' | 'name'>;

export function portWishes({ spec }: ServiceObject): readonly PortWish[] {
  return (spec?.ports ?? []).map(portWish);
}

function portWish({ name = '', protocol, port, nodePort }: ServicePort): PortWish {
  return { protocol: protocol === 'UDP' ? 'UDP' : 'TCP', port, nodePort: nodePort ?? 0, name };
}

function listenerOf(
  { spec }: ServiceObject,
  port: ServicePort,
  values: AnnotationValues<ServiceKey>,
  layer: Layer,
): WishedListener {
  const isSticky = spec?.sessionAffinity === 'ClientIP';
  return {
    ...portWish(port),
    scheduler: isSticky ? 'source-hash' : (values.scheduler as Scheduler),
    sticky: isSticky
      ? stickiness(spec?.sessionAffinityConfig?.clientIP?.timeoutSeconds)
      : seconds(Number(values.sticky)),
    proxyProtocol: values.proxyProtocol === 'true',
    // The node itself is asked and not a pod behind it: one that can't be reached must not take all nodes away.
    // Packets that are forwarded as they are are checked where they go.
    checkPort: layer === 'direct' ? port.port : kubeProxyHealthPort,
  };
}

/** What the cloud takes: 60 to 900 s. Kubernetes' own default is 3 hours. */
function stickiness(timeoutSeconds = 10_800): Ms {
  return seconds(Math.min(900, Math.max(60, timeoutSeconds)));
}

function contradictions(
  { spec }: ServiceObject,
  values: AnnotationValues<ServiceKey>,
  given: Readonly<Record<string, string>>,
): readonly string[] {
  const faults: string[] = [];
  const say = (isWrong: boolean, fault: string): void => void (isWrong && faults.push(fault));
  const protocols = [...new Set((spec?.ports ?? []).map(({ protocol = 'TCP' }) => protocol.toLowerCase()))].toSorted();
  say(
    values.protocol !== undefined &&
      !/^https?$/i.test(values.protocol) &&
      values.protocol.toLowerCase() !== protocols.join('/'),
    `${nameOf('protocol')} is "${values.protocol}", but the ports of the Service are ${protocols.join('/')}: leave the annotation out`,
  );
  say(
    values.pays === 'shared' && values.sharedBandwidth === undefined,
    `${nameOf('pays')} is "shared": name the shared bandwidth with ${nameOf('sharedBandwidth')}`,
  );
  say(
    values.pays !== 'shared' && values.sharedBandwidth !== undefined,
    `${nameOf('sharedBandwidth')} needs ${nameOf('pays')} "shared"`,
  );
  say(
    spec?.sessionAffinity === 'ClientIP' &&
      isWritten(serviceAnnotations, 'scheduler', given) &&
      values.scheduler !== 'source-hash',
    `${nameOf('scheduler')} is "${values.scheduler}", but spec.sessionAffinity ClientIP needs source-hash: leave one of them out`,
  );
  say(
    values.proxyProtocol === 'true' && protocols.includes('udp'),
    `${nameOf('proxyProtocol')} is "true", but PROXY protocol goes with TCP only: put UDP ports into a Service of their own`,
  );
  say(
    values.targets === 'pods' && protocols.includes('udp'),
    `${nameOf('targets')} is "pods", but the load balancer checks pods by a TCP connection to the port, which a UDP port does not take: put UDP ports into a Service of their own`,
  );
  return faults;
}

function unsupported({ spec, metadata }: ServiceObject): readonly Refusal[] {
  const refuse = (message: string): Refusal => ({ reason: 'NotSupported', message });
  const legacy = metadata.annotations?.['service.beta.kubernetes.io/load-balancer-source-ranges'];
  const ranges = [...(spec?.loadBalancerSourceRanges ?? []), ...(legacy?.split(',').map((one) => one.trim()) ?? [])];
  const narrow = ranges.filter((range) => range !== '' && range !== '0.0.0.0/0');
  return [
    ...(narrow.length > 0
      ? [
          refuse(
            `spec.loadBalancerSourceRanges ${narrow.join(', ')} cannot be enforced: the load balancer has no filter, and nodes cannot tell clients from its own connections and checks. Remove the field, or keep the Service private with ${nameOf('access')}: private`,
          ),
        ]
      : []),
    ...(spec?.loadBalancerIP === undefined || spec.loadBalancerIP === ''
      ? []
      : [
          refuse(
            `spec.loadBalancerIP ${spec.loadBalancerIP} is not supported: remove the field, the cloud chooses the address`,
          ),
        ]),
    ...(spec?.ipFamilies !== undefined && spec.ipFamilies.length > 0 && !spec.ipFamilies.includes('IPv4')
      ? [
          refuse(
            `spec.ipFamilies is ${spec.ipFamilies.join(', ')}, and load balancers have IPv4 addresses alone: write IPv4 there, or leave the field out`,
          ),
        ]
      : []),
    ...(spec?.ports ?? [])
      .filter(({ protocol }) => protocol === 'SCTP')
      .map(({ port }) => refuse(`port ${port} is SCTP: network load balancers take TCP and UDP`)),
  ];
}

export function nodePortMissing(ports: readonly number[]): Refusal {
  const message = `port ${ports.join(', ')} has no node port, which the load balancer sends to: set spec.allocateLoadBalancerNodePorts to true`;
  return { reason: 'NodePortMissing', message };
}

/** @unit needsNone: whether it does without node ports */
function portFaults({ spec }: ServiceObject, mostListeners: number, needsNone: boolean): readonly Refusal[] {
  const ports = spec?.ports ?? [];
  const without = ports.filter(({ nodePort }) => nodePort === undefined || nodePort === 0).map(({ port }) => port);
  return [
    ...(ports.length > mostListeners
      ? [
          {
            reason: 'TooManyPorts' as const,
            message: `the Service has ${ports.length} ports, and one load balancer takes ${mostListeners}: split it into Services of at most ${mostListeners} ports`,
          },
        ]
      : []),
    ...(without.length > 0 && !needsNone ? [nodePortMissing(without)] : []),
  ];
}
