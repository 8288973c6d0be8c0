import { groundOf } from '#capability/ground.ts';
import { isReady } from '#kube/api/condition.ts';
import type { NodeObject, PodObject } from '#kube/resources.ts';

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
  const grounds = new Map(nodes.filter(isReady).map((node) => [node.metadata.name, groundOf(node).ground]));
  return (['cloud', 'site'] as const).flatMap((side) => {
    const [chosen] = pods.flatMap((pod): PodSeen[] => {
      const { nodeName = '', hostNetwork = false } = pod.spec ?? {};
      const address = pod.status?.podIP;
      const isAble = grounds.get(nodeName) === side && !hostNetwork && isReady(pod);
      return isAble && address !== undefined ? [{ address, port: dnsPort, node: nodeName }] : [];
    });
    return chosen ?? [];
  });
}
