import type { CapabilityStatus, NodeLine, StatusLook } from '#capability/capability.ts';
import { complaintsOf } from '#kube/api/condition.ts';
import { type PodRangeObject, podRanges } from '#kube/api/pod-range.ts';
import { listIfServed } from '#kube/list-if-served.ts';
import { messageOf } from '#unit/message-of.ts';
import { type NodeNetwork, planNetworkProblems } from './plan-problems.ts';

export async function networkStatus(look: StatusLook): Promise<CapabilityStatus> {
  const [ranges, routes] = await Promise.all([listIfServed(look.kube, podRanges), askGateway(look)]);
  const byName = new Map(ranges.map((range) => [range.metadata.name, range]));
  const nodes = look.nodes.map(({ name, ready }) => ({ name, ready, ...nodeNetwork(byName.get(name)) }));
  return {
    nodes: new Map(nodes.map((node) => [node.name, nodeLine(node)])),
    problems: planNetworkProblems({ nodes, routes }),
  };
}

/** A gateway that can't be asked is a finding like a route that it lacks. */
async function askGateway({ kube, outside, signal }: StatusLook): Promise<readonly string[]> {
  try {
    return (await outside?.difference(kube)) ?? [];
  } catch (e) {
    signal.throwIfAborted();
    return [`could not be queried: ${messageOf(e)}`];
  }
}

function nodeNetwork(range: PodRangeObject | undefined): Pick<NodeNetwork, 'pods' | 'network' | 'complaints'> {
  if (range === undefined) return { pods: undefined, network: 'unknown', complaints: [] };
  const { spec, status } = range;
  return {
    pods: { subnet: spec.subnet, bridged: spec.bridged?.pods, inUse: status?.inUse ?? 0, free: status?.free ?? 0 },
    network: status?.network ?? 'unknown',
    complaints: complaintsOf(status?.conditions),
  };
}

function nodeLine({ pods, network, complaints }: NodeNetwork): NodeLine {
  return { columns: { 'POD NETWORK': network, PODS: formatPods(pods) }, fields: { pods, network, complaints } };
}

function formatPods(pods: NodeNetwork['pods']): string {
  if (pods === undefined) return '-';
  const counts = `${pods.inUse} in use, ${pods.free} free`;
  if (pods.bridged !== undefined) return `bridged: ${counts}`;
  return pods.subnet === undefined ? counts : `${pods.subnet}: ${counts}`;
}
