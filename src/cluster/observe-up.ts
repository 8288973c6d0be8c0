import type { CloudMachine } from '#cloud/compute.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { type Kube, KubeError, type KubeObject, type Resource } from '#kube/kube.ts';
import { daemonSets, deployments, type NodeObject, nodes } from '#kube/resources.ts';
import { now, seconds } from '#unit/clock.ts';
import { formatCidr } from '#unit/ip.ts';
import { observeJoinTokens } from './join-token.ts';
import type { UpSeen } from './plan-up.ts';
import { askCloud, type Connections, mark, type Session } from './session.ts';
import { nameOf, observeSystemObjects, type SystemObject, systemObjects } from './system-objects/system-objects.ts';

/** The one look that a turn of `up` plans from. */
export async function observeUp(session: Session, connections: Connections): Promise<UpSeen> {
  const cloudMachines = await cloudMachinesOf(session);
  const kube = await connections.kubeIfMade();
  const api = kube === undefined ? 'none' : await askApi(kube);
  const nothing: UpSeen = {
    at: now(),
    cloudMachines,
    api,
    nodes: [],
    tokens: [],
    staleObjects: [],
    unready: [],
    // Not asked yet: what it lacks shows when there are nodes.
    routes: session.routes === undefined ? undefined : [],
  };
  if (kube === undefined || api !== 'answers') return nothing;
  const [seenNodes, tokens, stale, unready, routes] = await Promise.all([
    kube.list(nodes),
    observeJoinTokens(kube),
    wantedObjects(session, connections, cloudMachines).then((wanted) => observeSystemObjects(kube, wanted)),
    observeUnready(kube),
    session.routes?.difference(kube),
  ]);
  return {
    ...nothing,
    nodes: seenNodes.map((node) => ({
      name: node.metadata.name,
      ready: isReady(node),
      providerId: node.spec?.providerID,
      address: node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address,
    })),
    tokens,
    staleObjects: stale.map(nameOf),
    unready,
    routes,
  };
}

export function cloudMachinesOf(session: Session): Promise<readonly CloudMachine[]> {
  return askCloud(session, `listing the machines of ${session.config.name}`, () =>
    session.cloud.compute.list(mark(session), { within: seconds(30) }),
  );
}

/** `silent` for every way of not being ready to serve; a refusal of our credentials is thrown. */
export async function askApi(kube: Kube): Promise<'silent' | 'answers'> {
  try {
    await kube.read('/readyz', { within: seconds(5) });
    return 'answers';
  } catch (e) {
    // 403: a server that has just started and does not know its own roles yet forbids everybody everything.
    if (e instanceof KubeError && (e.status === 0 || e.status === 403 || e.status >= 500)) return 'silent';
    throw e;
  }
}

export function isReady(node: NodeObject): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** The objects that this configuration and this version want in the cluster. */
export async function wantedObjects(
  session: Session,
  connections: Connections,
  cloudMachines: readonly CloudMachine[],
): Promise<readonly SystemObject[]> {
  const { config, cloud, keys } = session;
  const vpc = await askCloud(session, `looking up ${config.cloud.vpc}`, () =>
    cloud.network.vpc(config.cloud.vpc, { within: seconds(20) }),
  );
  return systemObjects({
    config,
    bundle: await connections.bundle(),
    keys,
    vpcRanges: vpc.ranges.map(formatCidr),
    api: { address: apiAddress(session, cloudMachines), port: 6443 },
    mtu: config.network.mtu ?? cloud.network.mtu,
  });
}

/** Where the control plane answers. @fails Error while the cloud has given its machine no address */
export function apiAddress({ config }: Session, cloudMachines: readonly CloudMachine[]): string {
  const onSite = config.machines.find(({ name }) => name === config.controlPlane);
  if (onSite !== undefined) return onSite.address;
  const ip = cloudMachines.find(({ name }) => name === config.controlPlane)?.nic?.ip;
  if (ip === undefined) throw new Error(`the control plane ${config.controlPlane} has no address in the cloud yet`);
  return ip;
}

/** What of the cluster's own parts does not run in full. */
export async function observeUnready(kube: Kube): Promise<readonly string[]> {
  const [deployed, daemons] = await Promise.all([kube.list(deployments), kube.list(daemonSets)]);
  const ours = (namespace: string | undefined): boolean => namespace === systemNamespace || namespace === 'kube-system';
  const parts = [
    ...deployed.map(({ metadata, spec, status }) => ({
      kind: 'Deployment',
      metadata,
      wanted: spec?.replicas ?? 1,
      ready: Math.min(status?.availableReplicas ?? 0, status?.updatedReplicas ?? 0),
      seen: status?.observedGeneration,
    })),
    ...daemons.map(({ metadata, status }) => ({
      kind: 'DaemonSet',
      metadata,
      wanted: status?.desiredNumberScheduled ?? 0,
      ready: Math.min(status?.numberReady ?? 0, status?.updatedNumberScheduled ?? 0),
      seen: status?.observedGeneration,
    })),
  ];
  return parts
    .filter(({ metadata }) => ours(metadata.namespace))
    .filter(({ wanted, ready, seen, metadata }) => ready < wanted || seen !== metadata.generation)
    .map(({ kind, metadata, wanted, ready }) => `${kind} ${metadata.namespace}/${metadata.name} ${ready}/${wanted}`);
}

/** All objects of a resource of ours; none while the cluster does not have its definition yet. */
export async function listIfServed<T extends KubeObject>(kube: Kube, resource: Resource<T>): Promise<readonly T[]> {
  try {
    return await kube.list(resource);
  } catch (e) {
    if (e instanceof KubeError && e.status === 404) return [];
    throw e;
  }
}
