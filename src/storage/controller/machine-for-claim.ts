import type { Kube } from '#kube/kube.ts';
import { nodes, persistentVolumeClaims } from '#kube/resources.ts';
import { parseProviderId } from '#unit/provider-id.ts';

/** Set by the scheduler on a claim whose class binds late. */
const selectedNode = 'volume.kubernetes.io/selected-node';

/**
 * The cloud machine that the scheduler has chosen for a claim; `undefined` when it has not, or claim or node are gone.
 * @fails KubeError
 */
export async function machineForClaim(
  kube: Pick<Kube, 'get'>,
  claim: { readonly namespace: string; readonly name: string },
): Promise<string | undefined> {
  const seen = await kube.get(persistentVolumeClaims, claim);
  const name = seen?.metadata.annotations?.[selectedNode];
  if (name === undefined) return undefined;
  const node = await kube.get(nodes, { name });
  const id = parseProviderId(node?.spec?.providerID ?? '');
  return id?.ground === 'cloud' ? id.id : undefined;
}
