import type { Condition } from '#kube/api/condition.ts';
import type { IngressObject } from '#kube/resources.ts';
import type { NodeSeen } from '../choose-back-ends.ts';
import type { EndpointsSeen } from '../endpoints.ts';
import { hopOfReason } from '../plan-first-fault.ts';
import { parseRecord } from '../record.ts';
import { chooseTargets, type ServiceSeen } from './choose-targets.ts';
import { albController, type ClassesSeen, isClaimed, isOurs } from './ingress.ts';
import { type BackendRef, parseIngress } from './parse-ingress.ts';

export interface ExplainIngressSeen {
  readonly ingress: IngressObject;
  /** What the controller has said of it. */
  readonly said: Condition | undefined;
  readonly classes: ClassesSeen;
  /** By the Service's name. */
  readonly backends: ReadonlyMap<
    string,
    { readonly service: ServiceSeen | undefined; readonly endpoints: EndpointsSeen }
  >;
  readonly nodes: readonly NodeSeen[];
}

/** What stands against the Ingress, as the controller has published it; empty when nothing does. */
export function planExplainIngress(seen: ExplainIngressSeen | undefined): readonly string[] {
  if (seen === undefined || isOurs(seen.ingress, seen.classes) === false) return [];
  const { said } = seen;
  if (said === undefined)
    return ['the controller has not looked at it yet, or does not run (kubectl -n isthmus-system get pods)'];
  return said.status === 'True' ? [] : [said.message];
}

/** One line for each hop: client, ALB, ports, rules, back ends, pods; then the first one at which requests stop. */
export function planPathOfIngress(seen: ExplainIngressSeen | undefined): readonly string[] {
  if (seen === undefined) return [];
  const { ingress, said, classes, backends } = seen;
  if (isOurs(ingress, classes) === false && !isClaimed(ingress)) return [notServed(ingress, classes)];
  const { wish } = parseIngress(ingress);
  const addresses = (ingress.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  const record = parseRecord(ingress.metadata.annotations);
  const tls = wish.tls.length + wish.certificates.length > 0;
  const listen = wish.listen?.map(({ protocol, port }) => `${protocol} ${port}`) ?? [
    'HTTP 80',
    ...(tls ? ['HTTPS 443'] : []),
  ];
  const refs = new Map<string, BackendRef>();
  for (const { backend } of wish.paths) refs.set(`${backend.service}:${backend.port}`, backend);
  if (wish.fallback !== undefined) refs.set(`${wish.fallback.service}:${wish.fallback.port}`, wish.fallback);
  const rules = [
    ...wish.paths.map(({ says, backend }) => `${says} to ${backend.service}`),
    `anything else ${wish.fallback === undefined ? 'is answered 404' : `to ${wish.fallback.service}`}`,
  ];
  return [
    `client: calls ${addresses.length === 0 ? 'nobody, because no address is published yet' : addresses.join(', ')}`,
    `load balancer: ${record.balancer ?? 'not made yet'}${record.uses === 'existing' ? ', which is not ours' : ''}`,
    `listeners: ${listen.join(', ')}`,
    `rules: ${rules.join('; ')}`,
    ...[...refs.values()].map((ref) => `back ends: ${backEndsOf(ref, seen, wish.values.targets !== 'nodes')}`),
    ...[...backends].map(([name, { endpoints }]) => `pods: ${endpoints.ready} ready of ${name}`),
    ...failureOf(said),
  ];
}

function failureOf(said: Condition | undefined): readonly string[] {
  if (said?.status !== 'False') return [];
  const hop = hopOfReason(said.reason);
  return hop === undefined ? [] : [`fails at ${hop}: ${said.message}`];
}

function backEndsOf(ref: BackendRef, { backends, nodes }: ExplainIngressSeen, toPods: boolean): string {
  const backend = backends.get(ref.service) ?? {
    service: undefined,
    endpoints: { ready: 0, nodes: new Set<string>() },
  };
  const provider = nodes.flatMap(({ ground }) => (ground.ground === 'cloud' ? ground.provider : []))[0] ?? '';
  const { to, faults } = chooseTargets(ref, backend, nodes, {
    toPods,
    most: Number.POSITIVE_INFINITY,
    isFit: () => false,
    place: { provider, vpc: '', subnet: '' },
  });
  const [first] = to;
  const why = faults.length === 0 ? '' : ` (${faults.map(({ message }) => message).join('; ')})`;
  if (first === undefined) return `none for ${ref.service}${why}`;
  const kind =
    first.machine === undefined
      ? `${to.length === 1 ? '1 pod' : `${to.length} pods`}, without a node in between`
      : `${to.length === 1 ? '1 cloud node' : `${to.length} cloud nodes`}, node port ${first.port}`;
  return `${kind}, for ${ref.service}${why}`;
}

function notServed({ spec }: IngressObject, classes: ClassesSeen): string {
  const name = spec?.ingressClassName;
  if (name === undefined) return 'it has no ingressClassName, so it has no load balancer of ours; ours is alb';
  return `its class ${name} is served by ${classes.get(name) ?? 'nobody'}, and not by ${albController}`;
}
