import { cloudOnlyLabels, labelsOfProvider } from '#capability/cloud-labels.ts';
import { groundOf } from '#capability/ground.ts';
import type { NodeObject } from '#kube/resources.ts';

/** What is known of a node beside its Node. */
export interface NodeFacts {
  /** Of the cloud. */
  readonly region: string;
  /** `2c-4Gi`; `undefined` when the cloud was not asked, or did not answer. */
  readonly instanceType: string | undefined;
}

export const instanceTypeLabel = 'node.kubernetes.io/instance-type';

/**
 * Labels to write on a Node, as a merge patch: where it is in the cloud, what it is and what users of that cloud select machines by; and none of
 * what stands for a machine of the cloud on a machine of the site. `undefined` when nothing is to be changed, and for a Node of which nobody knows
 * for certain where it stands.
 */
export function planNodeLabels(
  node: NodeObject,
  { region, instanceType }: NodeFacts,
): Readonly<Record<string, string | null>> | undefined {
  const place = groundOf(node);
  if (place.ground === 'unclear') return undefined;
  const { labels = {} } = node.metadata;
  if (place.ground === 'site') return patchOf(cloudOnlyLabels.filter((key) => key in labels).map((key) => [key, null]));
  // The provider id can't change once it is set; a label can, and disks and zones of eviction go by these.
  const placed = { 'topology.kubernetes.io/zone': place.zone, 'topology.kubernetes.io/region': region };
  // A value that somebody chose stays.
  const usual = {
    ...labelsOfProvider[place.provider],
    ...(instanceType !== undefined && { [instanceTypeLabel]: instanceType }),
  };
  return patchOf([
    ...Object.entries(placed).filter(([key, value]) => labels[key] !== value),
    ...Object.entries(usual).filter(([key]) => !(key in labels)),
    ...Object.entries(oldKeys)
      .filter(([old, key]) => old in labels && labels[old] !== placed[key])
      .map(([old]): [string, null] => [old, null]),
  ]);
}

/** Kubernetes still believes these before the labels that came after them. @source kubernetes component-helpers node/topology, GetZoneKey */
const oldKeys = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
} as const;

function patchOf(
  changes: readonly (readonly [string, string | null])[],
): Readonly<Record<string, string | null>> | undefined {
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
}
