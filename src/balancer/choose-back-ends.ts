import { type Ground, groundOf } from '#capability/ground.ts';
import { isReady } from '#kube/api/condition.ts';
import { leavingTaint } from '#kube/api/leaving.ts';
import type { NodeObject } from '#kube/resources.ts';
import type { Ip } from '#unit/ip.ts';
import type { PodTarget } from './endpoints.ts';

/** What decides whether a Node may be a back end. */
export interface NodeSeen {
  readonly name: string;
  readonly ground: Ground;
  readonly isReady: boolean;
  /** By the label that keeps a node out of balancers. */
  readonly isExcluded: boolean;
  /** It is being deleted, or is about to be. */
  readonly isLeaving: boolean;
  /** Its own, which pods on the host's network have too. */
  readonly address?: string | undefined;
}

export const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';

export function nodeSeen(node: NodeObject): NodeSeen {
  const { metadata, spec } = node;
  const label = metadata.labels?.[excludeLabel];
  return {
    name: metadata.name,
    ground: groundOf(node),
    isReady: isReady(node),
    // As upstream's service controller reads it: what can't be parsed excludes. @source k8s.io/cloud-provider v0.36
    isExcluded: label !== undefined && !['0', 'f', 'F', 'false', 'False', 'FALSE'].includes(label),
    address: node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address,
    isLeaving: metadata.deletionTimestamp !== undefined || (spec?.taints ?? []).some(({ key }) => key === leavingTaint),
  };
}

export interface BackEndsChosen {
  /** Ids of machines of the cloud, sorted. */
  readonly machines: readonly string[];
  /** Cloud nodes that are none, each with the reason. */
  readonly left: readonly { readonly node: string; readonly why: string }[];
  /** How many cloud nodes could serve and do not, because there are more than one listener takes. */
  readonly over?: number | undefined;
  /** Names of nodes that their label keeps out, and that go on because no other node can take over. */
  readonly last?: readonly string[] | undefined;
  /** Pods that are the back ends in place of machines. */
  readonly pods?: readonly PodTarget[] | undefined;
  /** Addresses of pods that are being deleted and still answer. */
  readonly ending?: readonly Ip[] | undefined;
  /** Why the Service's pods are not, although they were asked for. */
  readonly whyNotPods?: string | undefined;
}

/**
 * The nodes that a balancer may send to: of the cloud, whatever labels a physical machine carries. One that is not ready is left
 * out, unless none is: then the balancer's own check decides, because a controller that is cut off must not empty every balancer.
 * For the same reason a label alone does not take the last one out.
 * @unit most: back ends of one listener; withPods: names of the nodes that have a ready pod of the Service, when only those may be;
 *       serving: ids of the machines that are back ends now
 */
export function chooseBackEnds(
  nodes: readonly NodeSeen[],
  provider: string,
  most: number,
  withPods?: ReadonlySet<string>,
  serving: ReadonlySet<string> = nothing,
): BackEndsChosen {
  const cloud = nodes
    .flatMap((node) =>
      node.ground.ground === 'cloud' && node.ground.provider === provider ? [{ ...node, id: node.ground.id }] : [],
    )
    // Sorted: which ones are taken when there are too many must not depend on who came first.
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const staying = cloud.filter(({ isExcluded, isLeaving }) => !isExcluded && !isLeaving);
  const ready = staying.filter(({ isReady }) => isReady);
  const mayHave = ({ name }: NodeSeen): boolean => withPods?.has(name) ?? true;
  const fit = (ready.length > 0 ? ready : staying).filter(mayHave);
  const eligible = fit.slice(0, most);
  const last =
    staying.length > 0
      ? []
      : cloud.filter((node) => node.isExcluded && !node.isLeaving && serving.has(node.id) && mayHave(node));
  const machines = [...eligible, ...last].map(({ id }) => id);
  const left = cloud
    .filter(({ id }) => !machines.includes(id))
    .map((node) => ({ node: node.name, why: whyNot(node, most, withPods) }));
  return {
    machines,
    left,
    ...(fit.length > most && { over: fit.length - most }),
    ...(last.length > 0 && { last: last.map(({ name }) => name) }),
  };
}

const nothing: ReadonlySet<string> = new Set();

function whyNot(
  { name, isExcluded, isLeaving, isReady }: NodeSeen,
  most: number,
  withPods: ReadonlySet<string> | undefined,
): string {
  if (isExcluded) return `it carries the label ${excludeLabel}`;
  if (isLeaving) return 'it is being removed';
  if (withPods?.has(name) === false) return 'it has no ready pod of the Service, and externalTrafficPolicy is Local';
  return isReady ? `the balancer takes ${most} back ends for each port` : 'it is not ready';
}
