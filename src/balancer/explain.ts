import type { Explain } from '#capability/capability.ts';
import type { Kube, Name } from '#kube/kube.ts';
import { endpointSlices, nodes, services } from '#kube/resources.ts';
import { nodeSeen } from './choose-back-ends.ts';
import { EndpointsByService, sliceSeen } from './endpoints.ts';
import { type ExplainSeen, planExplainService, planPathOfService } from './plan-explain-service.ts';

/** Why a Service does not answer from outside. */
export const explainService: Explain = async (kube, at) => planExplainService(await observe(kube, at));

/** The way of a packet, from the client to the pods. */
export const pathOfService: Explain = async (kube, at) => planPathOfService(await observe(kube, at));

async function observe(kube: Kube, at: Name & { readonly namespace: string }): Promise<ExplainSeen | undefined> {
  const [service, all, slices] = await Promise.all([
    kube.get(services, at),
    kube.list(nodes),
    kube.list(endpointSlices, {
      namespace: at.namespace,
      labelSelector: `kubernetes.io/service-name=${at.name}`,
    }),
  ]);
  if (service === undefined) return undefined;
  const endpoints = new EndpointsByService();
  for (const slice of slices) endpoints.set(slice.metadata.name, sliceSeen(slice));
  return { service, nodes: all.map(nodeSeen), endpoints: endpoints.of(`${at.namespace}/${at.name}`) };
}
