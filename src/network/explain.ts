import type { Explain } from '#capability/capability.ts';
import { groundOf } from '#capability/ground.ts';
import { type PodRangeObject, podRanges } from '#kube/api/pod-range.ts';
import type { Kube, Name } from '#kube/kube.ts';
import { listIfServed } from '#kube/list-if-served.ts';
import { endpointSlices, nodes, pods, services } from '#kube/resources.ts';
import { planExplainNodeNetwork, planExplainPodNetwork } from './plan-explain.ts';
import { type OwnSideSeen, planOwnSide } from './plan-own-side.ts';

/** Why the pod network of a node does not work. */
export const explainNode: Explain = async (kube, { name }) => planExplainNodeNetwork(await rangeOf(kube, name));

/** Why a pod has no address. */
export const explainPod: Explain = async (kube, at) => {
  const pod = await kube.get(pods, at);
  const node = pod?.spec?.nodeName;
  if (pod === undefined || node === undefined) return [];
  return planExplainPodNetwork(pod, await rangeOf(kube, node));
};

/** Whether a cut of the line costs a Service what it has on both sides. */
export const pathOfService: Explain = async (kube, at) => planOwnSide(await sidesOf(kube, at));

async function sidesOf(kube: Kube, at: Name & { readonly namespace: string }): Promise<OwnSideSeen | undefined> {
  const [service, all, slices] = await Promise.all([
    kube.get(services, at),
    kube.list(nodes),
    kube.list(endpointSlices, {
      namespace: at.namespace,
      labelSelector: `kubernetes.io/service-name=${at.name}`,
    }),
  ]);
  if (service === undefined) return undefined;
  const groundOfName = new Map(all.map((node) => [node.metadata.name, groundOf(node).ground]));
  const sides = new Set<'cloud' | 'site'>();
  for (const { nodeName = '', conditions } of slices.flatMap(({ endpoints }) => endpoints ?? [])) {
    const ground = groundOfName.get(nodeName);
    // A condition that is absent means ready. @source k8s.io/api discovery/v1 EndpointConditions
    if (conditions?.ready !== false && (ground === 'cloud' || ground === 'site')) sides.add(ground);
  }
  return { service, sides };
}

async function rangeOf(kube: Kube, node: string): Promise<PodRangeObject | undefined> {
  return (await listIfServed(kube, podRanges)).find(({ metadata }) => metadata.name === node);
}
