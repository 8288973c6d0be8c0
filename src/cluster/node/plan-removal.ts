import { nearest } from '#unit/nearest.ts';
import { parseProviderId } from '#unit/provider-id.ts';

/** What is known of the machines when one is to be removed. */
export interface RemovalSeen {
  readonly controlPlane: string;
  /** Those of cluster.yaml; the address of a physical one. */
  readonly named: readonly { readonly name: string; readonly address?: string | undefined }[];
  readonly nodes: readonly {
    readonly name: string;
    readonly providerId: string | undefined;
    readonly isControlPlane: boolean;
    readonly address?: string | undefined;
  }[];
  /** Machines of the cloud that carry our mark. */
  readonly cloudMachines: readonly string[];
}

/** Why a machine of this name can't be removed, with the cure. */
export function whyNotRemovable(name: string, seen: RemovalSeen): string | undefined {
  const node = seen.nodes.find((one) => one.name === name);
  const named = seen.named.find((one) => one.name === name);
  if (name === seen.controlPlane || node?.isControlPlane === true)
    return `${name} is the control plane, and its disk holds the data of the cluster (etcd); isthmus down removes the whole cluster`;
  if (node !== undefined && (node.providerId === undefined || parseProviderId(node.providerId) === undefined))
    return `the node ${name} was not joined by Isthmus (${node.providerId ?? 'no provider id'}), so its machine is not known; to remove it, run kubectl drain ${name} and kubectl delete node ${name}, and reset its machine with the program that joined it`;
  const [own, other] = [named?.address, node?.address];
  if (own !== undefined && other !== undefined && own !== other)
    return `the node ${name} is at ${other}, but cluster.yaml has the machine ${name} at ${own}; correct its address in cluster.yaml, or take it out and run isthmus up`;
  if (named !== undefined || node !== undefined || seen.cloudMachines.includes(name)) return undefined;
  const known = [...seen.named, ...seen.nodes].map((one) => one.name).concat(seen.cloudMachines);
  const near = nearest(name, known);
  return `${name} is not a machine of this cluster; ${near === undefined ? 'isthmus node list shows its nodes' : `did you mean ${near}?`}`;
}
