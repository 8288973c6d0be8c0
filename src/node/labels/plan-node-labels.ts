import { cloudOnlyLabels, labelsOfProvider } from '#capability/cloud-labels.ts';
import { groundOf } from '#capability/ground.ts';
import type { NodeObject } from '#kube/resources.ts';

/**
 * Labels to write on a Node, as a merge patch: what users of its cloud select machines by, and none of that on a machine of the site.
 * `undefined` when nothing is to be changed, and for a Node of which nobody knows for certain where it stands.
 */
export function planNodeLabels(node: NodeObject): Readonly<Record<string, string | null>> | undefined {
  const place = groundOf(node);
  if (place.ground === 'unclear') return undefined;
  const { labels = {} } = node.metadata;
  const changes =
    place.ground === 'cloud'
      ? // A value that somebody chose stays.
        Object.entries(labelsOfProvider[place.provider] ?? {}).filter(([key]) => !(key in labels))
      : cloudOnlyLabels.filter((key) => key in labels).map((key) => [key, null] as const);
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
}
