import { groundOf } from '#capability/ground.ts';
import type { NodeObject, Taint } from '#kube/resources.ts';

/**
 * The taints that a Node is to have when it has one of a cloud controller that nobody will take off again: no pod would come to the node.
 * `undefined` when nothing is to be changed. @source k8s.io/cloud-provider v0.36 api/well_known_taints.go
 */
export function planNodeTaints(node: NodeObject): readonly Taint[] | undefined {
  const { ground } = groundOf(node);
  if (ground === 'unclear') return undefined;
  const taints = node.spec?.taints;
  const kept = taints?.filter(({ key }) => !foreign[ground].includes(key));
  return kept?.length === taints?.length ? undefined : kept;
}

const uninitialized = 'node.cloudprovider.kubernetes.io/uninitialized';
/** Set by who believes that a cloud has switched the machine off. Of a machine of the site no cloud can know that. */
const shutdown = 'node.cloudprovider.kubernetes.io/shutdown';

/** Our nodes have what this taint waits for from the moment in which they register. */
const foreign: Readonly<Record<'cloud' | 'site', readonly string[]>> = {
  cloud: [uninitialized],
  site: [uninitialized, shutdown],
};
