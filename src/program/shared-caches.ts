import type { SharedCaches } from '#capability/controller-part.ts';
import { groundLabel } from '#capability/ground.ts';
import { keepsPod, seesPrefix, whenCutAnnotation } from '#kube/api/cut.ts';
import type { Kube, KubeObject, Resource, WatchCache } from '#kube/kube.ts';
import { type NodeObject, nodes, type PodObject, pods } from '#kube/resources.ts';

/** Follows each resource once for all controllers, from when the first of them asks until `end`. */
export function sharedCaches(kube: Kube, end: AbortSignal): SharedCaches {
  return { nodes: once(kube, nodes, end, keptNode), pods: once(kube, pods, end, keptPod) };
}

/** The same for the parts of one agent. Each node of the site has a copy of this, so it holds less. */
export function agentCaches(kube: Kube, end: AbortSignal): Pick<SharedCaches, 'nodes'> {
  return { nodes: once(kube, nodes, end, neighbourNode) };
}

function once<T extends KubeObject>(
  kube: Kube,
  resource: Resource<T>,
  end: AbortSignal,
  keep: (object: T) => T,
): () => WatchCache<T> {
  let cache: WatchCache<T> | undefined;
  return () => (cache ??= kube.cache(resource, {}, end, keep));
}

/** Where a node stands, whether it is heard, and what it tells of others. */
function neighbourNode({ metadata: { name, labels = {} }, spec, status }: NodeObject): NodeObject {
  const ground = labels[groundLabel];
  const conditions = (status?.conditions ?? [])
    .filter(({ type }) => type === 'Ready' || type.startsWith(seesPrefix))
    .map(({ type, status: is }) => ({ type, status: is }));
  const addresses = (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
  return {
    metadata: { name, ...(ground !== undefined && { labels: { [groundLabel]: ground } }) },
    ...(spec?.providerID !== undefined && { spec: { providerID: spec.providerID } }),
    status: { addresses, conditions },
  };
}

/** A Node without the list of its images, which is most of it. */
function keptNode({ metadata, spec, status }: NodeObject): NodeObject {
  return {
    metadata: keptMeta(metadata),
    ...(spec !== undefined && { spec: pick(spec, 'providerID', 'unschedulable', 'taints') }),
    ...(status !== undefined && { status: pick(status, 'addresses', 'conditions') }),
  };
}

/** Who a pod is, where it is, may be and how far: no template of containers. */
function keptPod({ metadata, spec, status }: PodObject): PodObject {
  return {
    metadata: { ...keptMeta(metadata), ...keptAnnotation(metadata) },
    ...(spec !== undefined && { spec: keptSpec(spec) }),
    ...(status !== undefined && { status: pick(status, 'phase', 'podIP', 'hostIP', 'conditions') }),
  };
}

/** Of volumes only those that keep a pod where it is. */
function keptSpec(spec: NonNullable<PodObject['spec']>): NonNullable<PodObject['spec']> {
  const { affinity, volumes = [] } = spec;
  const bound = volumes.filter(keepsPod);
  return {
    ...pick(spec, 'nodeName', 'hostNetwork', 'tolerations', 'readinessGates', 'nodeSelector'),
    ...(affinity?.nodeAffinity !== undefined && { affinity: { nodeAffinity: affinity.nodeAffinity } }),
    ...(bound.length > 0 && { volumes: bound }),
  };
}

function keptAnnotation({ annotations }: KubeObject['metadata']): Pick<KubeObject['metadata'], 'annotations'> {
  const said = annotations?.[whenCutAnnotation];
  return said === undefined ? {} : { annotations: { [whenCutAnnotation]: said } };
}

function keptMeta(metadata: KubeObject['metadata']): KubeObject['metadata'] {
  return pick(
    metadata,
    'name',
    'namespace',
    'uid',
    'resourceVersion',
    'creationTimestamp',
    'deletionTimestamp',
    'labels',
    'ownerReferences',
  );
}

function pick<T extends object, K extends keyof T>(from: T, ...keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.filter((key) => key in from).map((key) => [key, from[key]])) as Pick<T, K>;
}
