import { complaintsOf } from '#kube/api/condition.ts';
import { podRanges } from '#kube/api/pod-range.ts';
import type { Kube } from '#kube/kube.ts';
import { listIfServed } from '#kube/list-if-served.ts';
import { type NodeObject, nodes } from '#kube/resources.ts';
import { parseProviderId } from '#unit/provider-id.ts';
import { askApi, cloudMachinesOf, isControlPlane, isReady, observeUnready } from '../observe-cluster.ts';
import { Connections, type Session } from '../session.ts';
import { planStatus } from './plan-status.ts';

export interface NodeStatus {
  readonly name: string;
  readonly ground: 'cloud' | 'site' | 'unknown';
  readonly role: 'control-plane' | 'node';
  readonly address: string | undefined;
  readonly ready: boolean;
  readonly version: string | undefined;
  /** Why it is not ready, in the words of its kubelet. */
  readonly why: string | undefined;
  /** What its pods may have: a subnet on the site, a number of addresses in the cloud. */
  readonly pods: { readonly subnet: string | undefined; readonly inUse: number; readonly free: number } | undefined;
  /** Whether pods of this node have a working network. */
  readonly network: 'starting' | 'working' | 'unknown';
  /** What its agent and the controller publish as wrong on its PodRange. */
  readonly complaints: readonly string[];
}

export interface StatusSeen {
  readonly cluster: string;
  readonly api: 'none' | 'silent' | 'answers';
  readonly wanted: readonly { readonly name: string; readonly ground: 'cloud' | 'site' }[];
  readonly nodes: readonly NodeStatus[];
  readonly cloudMachines: readonly { readonly name: string; readonly id: string; readonly state: string }[];
  readonly unready: readonly string[];
  /** `undefined`: the gateway is not ours to ask. */
  readonly routes: readonly string[] | undefined;
}

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
  const cloudMachines = (await cloudMachinesOf(session)).map(({ name, id, state }) => ({ name, id, state }));
  const kube = await connections.kubeIfMade();
  const api = kube === undefined ? 'none' : await askApi(kube);
  const base: StatusSeen = {
    cluster: config.name,
    api,
    wanted: [
      ...config.cloudMachines.map(({ name }) => ({ name, ground: 'cloud' as const })),
      ...config.machines.map(({ name }) => ({ name, ground: 'site' as const })),
    ],
    nodes: [],
    cloudMachines,
    unready: [],
    routes: undefined,
  };
  if (kube === undefined || api !== 'answers') return base;
  const [listed, ranges, unready, routes] = await Promise.all([
    kube.list(nodes),
    listIfServed(kube, podRanges),
    observeUnready(kube),
    askGateway(session, kube),
  ]);
  const statuses = listed.map((node) => {
    const range = ranges.find(({ metadata }) => metadata.name === node.metadata.name);
    return {
      ...nodeStatus(node),
      pods:
        range === undefined
          ? undefined
          : { subnet: range.spec.subnet, inUse: range.status?.inUse ?? 0, free: range.status?.free ?? 0 },
      network: range?.status?.network ?? ('unknown' as const),
      complaints: complaintsOf(range?.status?.conditions),
    };
  });
  return { ...base, nodes: statuses, unready, routes };
}

/** A gateway that can't be asked is a finding like a route that it lacks. */
async function askGateway(session: Session, kube: Kube): Promise<readonly string[] | undefined> {
  try {
    return await session.routes?.difference(kube);
  } catch (e) {
    session.signal.throwIfAborted();
    return [`could not be asked: ${(e as Error).message}`];
  }
}

function nodeStatus(node: NodeObject): Omit<NodeStatus, 'pods' | 'network' | 'complaints'> {
  const ready = isReady(node);
  const condition = node.status?.conditions?.find(({ type }) => type === 'Ready');
  return {
    name: node.metadata.name,
    ground: parseProviderId(node.spec?.providerID ?? '')?.ground ?? 'unknown',
    role: isControlPlane(node) ? 'control-plane' : 'node',
    address: node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address,
    ready,
    version: node.status?.nodeInfo?.kubeletVersion,
    why: ready ? undefined : (condition?.message ?? 'no word from its kubelet yet'),
  };
}
