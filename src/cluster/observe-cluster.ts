import type { CloudMachine } from '#cloud/compute.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { type Kube, KubeError } from '#kube/kube.ts';
import { daemonSets, deployments, type NodeObject, nodes } from '#kube/resources.ts';
import { seconds } from '#unit/clock.ts';
import { askCloud, mark, type Session } from './session.ts';

/** The machines in the cloud that carry this cluster's mark. */
export function cloudMachinesOf(session: Session): Promise<readonly CloudMachine[]> {
  return askCloud(session, `listing the machines of ${session.config.name}`, () =>
    session.cloud.compute.list(mark(session), { within: seconds(30) }),
  );
}

/** Where the control plane answers. @fails Error while the cloud has given its machine no address */
export function apiAddress({ config }: Session, cloudMachines: readonly CloudMachine[]): string {
  const onSite = config.machines.find(({ name }) => name === config.controlPlane);
  if (onSite !== undefined) return onSite.address;
  const ip = cloudMachines.find(({ name }) => name === config.controlPlane)?.nic?.ip;
  if (ip === undefined) throw new Error(`the control plane ${config.controlPlane} has no address in the cloud yet`);
  return ip;
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

/** Whether its machine runs the API server and etcd. */
export function isControlPlane({ metadata }: NodeObject): boolean {
  return 'node-role.kubernetes.io/control-plane' in (metadata.labels ?? {});
}

/**
 * What of the cluster's own parts does not run in full. With `tolerate`, what is missing because nodes are not ready, or because
 * there is no node for it, is left out: waiting for it would be waiting for those nodes.
 */
export async function observeUnready(
  kube: Kube,
  { tolerate = 'nothing' }: { readonly tolerate?: 'nothing' | 'nodes-that-are-not-ready' } = {},
): Promise<readonly string[]> {
  const [deployed, daemons, listed] = await Promise.all([
    kube.list(deployments),
    kube.list(daemonSets),
    kube.list(nodes),
  ]);
  const parts = [
    ...deployed.map(({ metadata, spec, status }) => ({
      kind: 'Deployment',
      metadata,
      selector: spec?.template?.spec?.nodeSelector ?? {},
      wanted: spec?.replicas ?? 1,
      ready: Math.min(status?.availableReplicas ?? 0, status?.updatedReplicas ?? 0),
      seen: status?.observedGeneration,
    })),
    ...daemons.map(({ metadata, spec, status }) => ({
      kind: 'DaemonSet',
      metadata,
      selector: spec?.template?.spec?.nodeSelector ?? {},
      wanted: status?.desiredNumberScheduled ?? 0,
      ready: Math.min(status?.numberReady ?? 0, status?.updatedNumberScheduled ?? 0),
      seen: status?.observedGeneration,
    })),
  ];
  return parts
    .filter(({ metadata: { namespace } }) => namespace === systemNamespace || namespace === 'kube-system')
    .filter(({ wanted, ready, selector, seen, metadata }) => {
      const needed = tolerate === 'nothing' ? wanted : possibleOf(wanted, selector, listed);
      return ready < needed || seen !== metadata.generation;
    })
    .map(({ kind, metadata, wanted, ready }) => `${kind} ${metadata.namespace}/${metadata.name} ${ready}/${wanted}`);
}

/** How many of a workload's pods its nodes can run: one fewer for each that is not ready, and none when none is. */
function possibleOf(wanted: number, selector: Readonly<Record<string, string>>, listed: readonly NodeObject[]): number {
  const own = listed.filter(({ metadata }) =>
    Object.entries(selector).every(([key, value]) => metadata.labels?.[key] === value),
  );
  const dead = own.filter((node) => !isReady(node)).length;
  return dead === own.length ? 0 : Math.max(wanted - dead, Math.min(wanted, 1));
}
