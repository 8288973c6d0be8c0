import { type Ground, groundOf } from '#capability/ground.ts';
import type { NodeObject } from '#kube/resources.ts';
import { type Ip, parseIp } from '#unit/ip.ts';

/** What the pod ranges need to know of a Node. The rest of it, above all the list of its images, is most of its size. */
export interface NodeSeen {
  readonly name: string;
  readonly uid: string | undefined;
  readonly ground: Ground;
  readonly addresses: readonly Ip[];
}

export function nodeSeen(node: NodeObject): NodeSeen {
  const addresses = (node.status?.addresses ?? []).flatMap(({ address }) => parseIp(address) ?? []);
  const { name, uid } = node.metadata;
  return { name, uid, ground: groundOf(node), addresses };
}
