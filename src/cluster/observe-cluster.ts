import type { CloudMachine } from '#cloud/compute.ts';
import { isReady } from '#kube/api/condition.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { type Kube, KubeError } from '#kube/kube.ts';
import { daemonSets, deployments, type NodeObject, nodes, pods } from '#kube/resources.ts';
import { seconds } from '#unit/clock.ts';
import { isUnready, ofDaemonSet, ofDeployment, planUnready, type UnreadyPart } from './plan-unready.ts';
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

/** What of the cluster's own parts does not run in full, and why; `tolerate` as `isUnready` has it. */
export async function observeUnready(
  kube: Kube,
  { tolerate = 'nothing' }: { readonly tolerate?: Parameters<typeof isUnready>[2] } = {},
): Promise<readonly UnreadyPart[]> {
  const [deployed, daemons, listed] = await Promise.all([
    kube.list(deployments),
    kube.list(daemonSets),
    kube.list(nodes),
  ]);
  const unready = [...deployed.map(ofDeployment), ...daemons.map(ofDaemonSet)].filter(
    (workload) =>
      ownNamespaces.includes(workload.object.metadata.namespace ?? '') && isUnready(workload, listed, tolerate),
  );
  if (unready.length === 0) return [];
  const ofOurs = await Promise.all(ownNamespaces.map((namespace) => kube.list(pods, { namespace })));
  return unready.map((workload) => planUnready(workload, ofOurs.flat()));
}

/** The last one is that of the addon `ingress`; where it is not installed, there is none. */
const ownNamespaces: readonly string[] = [systemNamespace, 'kube-system', 'isthmus-ingress'];

/** What the capabilities say against these nodes. What is outside the cluster is not asked. */
export async function observeComplaints(
  { capabilities, signal }: Session,
  kube: Kube,
  of: readonly NodeObject[],
): Promise<readonly string[]> {
  const look = {
    kube,
    nodes: of.map((node) => ({ name: node.metadata.name, ready: isReady(node) })),
    outside: undefined,
    signal,
  };
  const told = await Promise.all(capabilities.map(async (capability) => capability.status?.(look)));
  return told.flatMap((one) => one?.problems ?? []);
}
