import type { Explain } from '#capability/capability.ts';
import type { Kube, Name } from '#kube/kube.ts';
import { endpointSlices, ingressClasses, ingresses, nodes, services } from '#kube/resources.ts';
import { nodeSeen } from '../choose-back-ends.ts';
import { EndpointsByService, sliceSeen } from '../endpoints.ts';
import { serviceSeen } from './choose-targets.ts';
import { conditionOf } from './condition-of.ts';
import { classesSeen } from './ingress.ts';
import { parseIngress } from './parse-ingress.ts';
import { type ExplainIngressSeen, planExplainIngress, planPathOfIngress } from './plan-explain-ingress.ts';

/** Why an Ingress does not answer. */
export const explainIngress: Explain = async (kube, at) => planExplainIngress(await observe(kube, at));

/** The way of a request, from the client to the pods. */
export const pathOfIngress: Explain = async (kube, at) => planPathOfIngress(await observe(kube, at));

async function observe(kube: Kube, at: Name & { readonly namespace: string }): Promise<ExplainIngressSeen | undefined> {
  const [ingress, classes, all, slices] = await Promise.all([
    kube.get(ingresses, at),
    kube.list(ingressClasses),
    kube.list(nodes),
    kube.list(endpointSlices, { namespace: at.namespace }),
  ]);
  if (ingress === undefined) return undefined;
  const endpoints = new EndpointsByService();
  for (const slice of slices) endpoints.set(slice.metadata.name, sliceSeen(slice));
  const { paths, fallback } = parseIngress(ingress).wish;
  const names = [...new Set([...paths.map(({ backend }) => backend.service), ...(fallback ? [fallback.service] : [])])];
  const backends = await Promise.all(
    names.map(async (name) => {
      const service = await kube.get(services, { namespace: at.namespace, name });
      const seen = service === undefined ? undefined : serviceSeen(service);
      return [name, { service: seen, endpoints: endpoints.of(`${at.namespace}/${name}`) }] as const;
    }),
  );
  return {
    ingress,
    said: conditionOf(ingress),
    classes: classesSeen(classes),
    backends: new Map(backends),
    nodes: all.map(nodeSeen),
  };
}
