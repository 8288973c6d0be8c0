import { listOf } from '#capability/cel.ts';
import { groundLabel } from '#capability/ground.ts';

/**
 * In CEL: a Node that is changed or deleted is that of a machine of the site. Each of three is enough: the provider id never changes once it is set, and the label, or a name
 * in cluster.yaml, hold for a Node that has none.
 * @unit site: names of the machines of the site
 */
export function isOfTheSite(site: readonly string[]): string {
  const labels = 'oldObject.metadata.labels';
  return [
    "(has(oldObject.spec.providerID) && oldObject.spec.providerID.startsWith('isthmus-site://'))",
    `(has(${labels}) && '${groundLabel}' in ${labels} && ${labels}['${groundLabel}'] == 'site')`,
    `oldObject.metadata.name in ${listOf(site)}`,
  ].join(' || ');
}
