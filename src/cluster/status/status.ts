import type { Capability, CapabilityStatus } from '#capability/capability.ts';
import { explainWithCure } from '#cloud/failure.ts';
import { isReady } from '#kube/api/condition.ts';
import { isControlPlane } from '#kube/api/control-plane.ts';
import { isLeaving } from '#kube/api/leaving.ts';
import { nodeGroups } from '#kube/api/node-group.ts';
import type { Kube } from '#kube/kube.ts';
import { listIfServed } from '#kube/list-if-served.ts';
import { type NodeObject, nodes } from '#kube/resources.ts';
import { seconds } from '#unit/clock.ts';
import { parseProviderId } from '#unit/provider-id.ts';
import { askApi, observeUnready } from '../observe-cluster.ts';
import { explainUnready } from '../plan-unready.ts';
import { Connections, mark, operatorSite, type Session } from '../session.ts';
import { type NodeStatus, planStatus, type StatusSeen } from './plan-status.ts';

/** The cluster at a glance: what was seen, and every problem in it. */
export interface ClusterStatus extends StatusSeen {
  /** Empty when all is well. */
  readonly problems: readonly string[];
}

/** Looks at both sides; an API server that does not answer is a finding and no failure. */
export async function observeStatus(session: Session): Promise<ClusterStatus> {
  const connections = new Connections(session);
  try {
    const seen = await look(session, connections);
    return { ...seen, problems: planStatus(seen) };
  } finally {
    await connections.close();
  }
}

async function look(session: Session, connections: Connections): Promise<StatusSeen> {
  const { config } = session;
  const [cloud, kube] = await Promise.all([lookAtCloud(session), connections.kubeIfMade()]);
  const api = kube === undefined ? 'none' : await askApi(kube);
  const base: StatusSeen = {
    cluster: config.name,
    api,
    wanted: [
      ...config.cloudMachines.map(({ name }) => ({ name, ground: 'cloud' as const })),
      ...config.machines.map(({ name }) => ({ name, ground: 'site' as const })),
    ],
    nodes: [],
    ...cloud,
    unready: [],
    findings: [],
  };
  if (kube === undefined || api !== 'answers') return base;
  const [listed, groups, unready] = await Promise.all([
    kube.list(nodes),
    listIfServed(kube, nodeGroups),
    observeUnready(kube),
  ]);
  const plain = listed.map(nodeStatus);
  const parts = await Promise.all(
    session.capabilities.map((capability) => askCapability(session, capability, kube, plain)),
  );
  const lines = (name: string) => parts.flatMap((part) => part.nodes.get(name) ?? []);
  const statuses = plain.map((node) => ({
    ...node,
    columns: Object.assign({}, ...lines(node.name).map(({ columns }) => columns)) as NodeStatus['columns'],
    fields: Object.assign({}, ...lines(node.name).map(({ fields }) => fields)) as NodeStatus['fields'],
  }));
  return {
    ...base,
    grouped: groups.flatMap(({ status }) => (status?.members ?? []).map(({ name }) => name)),
    nodes: statuses,
    unready: unready.map(explainUnready),
    findings: parts.flatMap(({ problems }) => problems),
  };
}

/** Asked once: who looks because something is wrong wants to see what there is, also while the cloud does not answer. */
async function lookAtCloud(session: Session): Promise<Pick<StatusSeen, 'cloudMachines' | 'cloudFault'>> {
  const { config, cloud } = session;
  const listed = await cloud.compute.list(mark(session), { within: seconds(15) });
  if (!listed.ok)
    return {
      cloudMachines: [],
      cloudFault: `what ${config.name} has in the cloud is not known: ${explainWithCure(listed.failure)}`,
    };
  return { cloudMachines: listed.value.map(({ name, id, state }) => ({ name, id, state })), cloudFault: undefined };
}

const silent: CapabilityStatus = { nodes: new Map(), problems: [] };

async function askCapability(
  session: Session,
  capability: Capability,
  kube: Kube,
  nodes: readonly { readonly name: string; readonly ready: boolean }[],
): Promise<CapabilityStatus> {
  const look = { kube, nodes, outside: capability.outside?.(operatorSite(session)), signal: session.signal };
  return (await capability.status?.(look)) ?? silent;
}

function nodeStatus(node: NodeObject): Omit<NodeStatus, 'columns' | 'fields'> {
  const ready = isReady(node);
  const condition = node.status?.conditions?.find(({ type }) => type === 'Ready');
  return {
    name: node.metadata.name,
    ground: parseProviderId(node.spec?.providerID ?? '')?.ground ?? 'unknown',
    role: isControlPlane(node) ? 'control-plane' : 'node',
    address: node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address,
    ready,
    version: node.status?.nodeInfo?.kubeletVersion,
    leaving: isLeaving(node),
    why: ready ? undefined : (condition?.message ?? 'its kubelet has not reported yet'),
  };
}
