import { isReady } from '#kube/api/condition.ts';
import type { NodeObject, PodObject } from '#kube/resources.ts';
import { parseProviderId } from '#unit/provider-id.ts';

/** A pod that a machine must reach before it joins, and the node that it runs on. */
export interface PodSeen {
  readonly address: string;
  readonly port: number;
  readonly node: string;
}

/** Where CoreDNS answers TCP. */
const dnsPort = 53;

/**
 * Of the pods of CoreDNS one on each side: both are asked, because each side has a range of its own and a way of its own. A pod on its node's own address
 * says nothing of ranges, and one that is not ready may be silent for its own reasons.
 */
export function choosePods(pods: readonly PodObject[], nodes: readonly NodeObject[]): readonly PodSeen[] {
  const able = pods.flatMap((pod): (PodSeen & { readonly ground: string })[] => {
    const node = nodes.find(({ metadata }) => metadata.name === pod.spec?.nodeName);
    const id = node?.spec?.providerID;
    const ground = id === undefined ? undefined : parseProviderId(id)?.ground;
    const address = pod.status?.podIP;
    if (node === undefined || ground === undefined || address === undefined) return [];
    if (!isReady(node) || !isReady(pod) || pod.spec?.hostNetwork === true) return [];
    return [{ address, port: dnsPort, node: node.metadata.name, ground }];
  });
  return (['cloud', 'site'] as const).flatMap((side) => {
    const chosen = able.find(({ ground }) => ground === side);
    return chosen === undefined ? [] : [{ address: chosen.address, port: chosen.port, node: chosen.node }];
  });
}
