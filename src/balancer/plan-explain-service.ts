import type { ServiceObject } from '#kube/resources.ts';
import { serviceAnnotations } from './annotations.ts';
import { chooseBackEnds, type NodeSeen } from './choose-back-ends.ts';
import { choosePods } from './choose-pods.ts';
import type { EndpointsSeen } from './endpoints.ts';
import { parseAnnotations } from './parse-annotations.ts';
import { planFirstFault } from './plan-first-fault.ts';
import { parseRecord } from './record.ts';
import { balancerClass, balancerCondition, isClaimed, isWanted } from './service.ts';

export interface ExplainSeen {
  readonly service: ServiceObject;
  readonly nodes: readonly NodeSeen[];
  readonly endpoints: EndpointsSeen;
}

/** What stands against the Service, as the controller has published it; empty when nothing does. */
export function planExplainService(seen: ExplainSeen | undefined): readonly string[] {
  if (seen === undefined || !isWanted(seen.service)) return [];
  const { service } = seen;
  const conditions = service.status?.conditions?.filter(({ type }) => type === balancerCondition) ?? [];
  if (conditions.length === 0)
    return ['the controller has not looked at it yet, or does not run (kubectl -n isthmus-system get pods)'];
  return conditions.filter(({ status }) => status !== 'True').map(({ message }) => message);
}

/** One line for each hop: client, balancer, listener, node, kube-proxy, pod; then the first one at which packets stop. */
export function planPathOfService(seen: ExplainSeen | undefined): readonly string[] {
  if (seen === undefined) return [];
  const { service, nodes, endpoints } = seen;
  const { spec, status, metadata } = service;
  if (!isWanted(service) && !isClaimed(service)) return [notServed(service)];
  const fault = planFirstFault(service, endpoints);
  const record = parseRecord(metadata.annotations);
  const isLocal = spec?.externalTrafficPolicy === 'Local';
  const addresses = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  const provider = nodes.flatMap(({ ground }) => (ground.ground === 'cloud' ? ground.provider : []))[0] ?? '';
  const chosen = chooseBackEnds(nodes, provider, Number.POSITIVE_INFINITY, isLocal ? endpoints.nodes : undefined);
  const cloud = nodes.filter(({ ground }) => ground.ground === 'cloud').length;
  const left = chosen.left.map(({ node, why }) => `${node}: ${why}`).join('; ');
  const groundOfName = new Map(nodes.map(({ name, ground }) => [name, ground.ground]));
  const on = (side: 'cloud' | 'site'): string => {
    const names = [...endpoints.nodes].filter((name) => groundOfName.get(name) === side).toSorted();
    return names.length === 0 ? 'none' : names.join(', ');
  };
  const direct = podsOf(seen);
  const ports = (spec?.ports ?? [])
    .map(({ protocol = 'TCP', port, nodePort }) =>
      direct === undefined && record.layer !== 'direct'
        ? `${protocol} ${port} to node port ${nodePort ?? '(none)'}`
        : `${protocol} ${port}`,
    )
    .join(', ');
  const nodeHops = [
    `back ends: ${chosen.machines.length} of ${cloud} cloud nodes${left === '' ? '' : ` (${left})`}`,
    ...(record.layer === 'direct'
      ? [
          'packets: reach a node as the client sent them, and it answers the client directly from the address of the load balancer',
        ]
      : []),
    `kube-proxy: ${isLocal ? 'sends only to pods on the same node (externalTrafficPolicy Local)' : 'sends to pods on any node'}`,
  ];
  return [
    `client: calls ${addresses.length === 0 ? 'nobody, because no address is published yet' : addresses.join(', ')}`,
    `load balancer: ${record.balancer ?? 'not made yet'}${record.uses === 'existing' ? ', which is not ours' : ''}`,
    `listeners: ${ports}`,
    ...(direct === undefined
      ? nodeHops
      : [`back ends: ${direct === 1 ? '1 pod' : `${direct} pods`}, without a node in between`]),
    `pods: ${endpoints.ready} ready; cloud nodes with ready pods: ${on('cloud')}; site machines with ready pods: ${on('site')}`,
    ...(fault === undefined ? [] : [`fails at ${fault}`]),
  ];
}

/** How many pods are back ends themselves; `undefined` when nodes are. */
function podsOf({ service, nodes, endpoints }: ExplainSeen): number | undefined {
  if (parseAnnotations(serviceAnnotations, service.metadata.annotations ?? {}).values.targets !== 'pods')
    return undefined;
  const ports = (service.spec?.ports ?? []).map(({ name = '' }) => name);
  const chosen = choosePods(endpoints.all ?? [], nodes, ports, Number.POSITIVE_INFINITY, () => false);
  return chosen.to === 'pods' ? chosen.pods.length : undefined;
}

function notServed({ spec }: ServiceObject): string {
  const { type = 'ClusterIP', loadBalancerClass: itsClass = balancerClass } = spec ?? {};
  if (type !== 'LoadBalancer') return `its type is ${type}, so it has no load balancer`;
  return itsClass === balancerClass
    ? 'it is being deleted, and nothing of it is left in the cloud'
    : `loadBalancerClass is ${itsClass}, which another controller serves; ours is ${balancerClass}`;
}
