import type { Explain } from '#capability/capability.ts';
import { type PodRangeObject, podRanges } from '#kube/api/pod-range.ts';
import type { Kube } from '#kube/kube.ts';
import { listIfServed } from '#kube/list-if-served.ts';
import { pods } from '#kube/resources.ts';
import { planExplainNodeNetwork, planExplainPodNetwork } from './plan-explain.ts';

/** Why the pod network of a node does not work. */
export const explainNode: Explain = async (kube, { name }) => planExplainNodeNetwork(await rangeOf(kube, name));

/** Why a pod has no address. */
export const explainPod: Explain = async (kube, at) => {
  const pod = await kube.get(pods, at);
  const node = pod?.spec?.nodeName;
  if (pod === undefined || node === undefined) return [];
  return planExplainPodNetwork(pod, await rangeOf(kube, node));
};

async function rangeOf(kube: Kube, node: string): Promise<PodRangeObject | undefined> {
  return (await listIfServed(kube, podRanges)).find(({ metadata }) => metadata.name === node);
}
