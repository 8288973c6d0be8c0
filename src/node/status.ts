import type { CapabilityStatus, Explain, StatusLook } from '#capability/capability.ts';
import { nodes, pods } from '#kube/resources.ts';
import { controllerManagerSelector, planUpstreamEviction } from './cut/plan-upstream-eviction.ts';
import { planNodeComplaints, planNodePath } from './plan-explain.ts';

/** Cloud nodes whose machines the cloud does not know, and an eviction beside ours. */
export async function nodeStatus({ kube }: StatusLook): Promise<CapabilityStatus> {
  const [all, managers] = await Promise.all([
    kube.list(nodes),
    kube.list(pods, { namespace: 'kube-system', labelSelector: controllerManagerSelector }),
  ]);
  const missing = all.flatMap((node) => planNodeComplaints(node).map((says) => `node ${node.metadata.name}: ${says}`));
  return { nodes: new Map(), problems: [...missing, ...planUpstreamEviction(managers)] };
}

/** What is done about a node whose machine the cloud does not know. */
export const explainNode: Explain = async (kube, { name }) => {
  const node = await kube.get(nodes, { name });
  return node === undefined ? [] : planNodeComplaints(node);
};

/** Which machine a node is. */
export const pathOfNode: Explain = async (kube, { name }) => {
  const node = await kube.get(nodes, { name });
  return node === undefined ? [] : planNodePath(node);
};
