import type { CapabilityStatus, Explain, StatusLook } from '#capability/capability.ts';
import { groundOf } from '#capability/ground.ts';
import { nodeGroups } from '#kube/api/node-group.ts';
import { listIfServed } from '#kube/list-if-served.ts';
import { namespaces, nodes, pods } from '#kube/resources.ts';
import { chooseWhenCut } from './cut/choose-when-cut.ts';
import { planCutComplaints, planCutPod } from './cut/plan-explain-cut.ts';
import { controllerManagerSelector, planUpstreamEviction } from './cut/plan-upstream-eviction.ts';
import { planGroupComplaints } from './group/plan-explain-group.ts';
import { planNodeComplaints, planNodePath } from './plan-explain.ts';

/** Cloud nodes whose machines the cloud does not know, machines of the site that do not answer, groups that lack machines, and an eviction beside ours. */
export async function nodeStatus({ kube }: StatusLook): Promise<CapabilityStatus> {
  const [all, groups, managers] = await Promise.all([
    kube.list(nodes),
    listIfServed(kube, nodeGroups),
    kube.list(pods, { namespace: 'kube-system', labelSelector: controllerManagerSelector }),
  ]);
  const faults = all.flatMap((node) =>
    [...planNodeComplaints(node), ...planCutComplaints(node)].map((says) => `node ${node.metadata.name}: ${says}`),
  );
  return {
    nodes: new Map(),
    problems: [...faults, ...groups.flatMap(planGroupComplaints), ...planUpstreamEviction(managers)],
  };
}

/** What is done about a node whose machine the cloud does not know, and what is known of a machine of the site that does not answer. */
export const explainNode: Explain = async (kube, { name }) => {
  const node = await kube.get(nodes, { name });
  return node === undefined ? [] : [...planNodeComplaints(node), ...planCutComplaints(node)];
};

/** Why a pod of a machine that does not answer stays, or goes. */
export const explainPod: Explain = async (kube, at) => {
  const pod = await kube.get(pods, at);
  if (pod?.spec?.nodeName === undefined) return [];
  const [all, namespace] = await Promise.all([kube.list(nodes), kube.get(namespaces, { name: at.namespace })]);
  const node = all.find(({ metadata }) => metadata.name === pod.spec?.nodeName);
  const elsewhere = all.filter((one) => groundOf(one).ground === 'cloud');
  return node === undefined ? [] : planCutPod(pod, node, chooseWhenCut({ pod, namespace, elsewhere }));
};

/** Which machine a node is. */
export const pathOfNode: Explain = async (kube, { name }) => {
  const node = await kube.get(nodes, { name });
  return node === undefined ? [] : planNodePath(node);
};
