import { type Condition, conditionAfter } from '#kube/api/condition.ts';
import type { Kube } from '#kube/kube.ts';
import { nodes } from '#kube/resources.ts';
import type { Instant } from '#unit/clock.ts';
import { poolsCondition } from './driver.ts';
import type { PoolsSaid } from './explain-pools.ts';

/**
 * Writes on the Node of a machine how what it gives to volumes is, when that is not what stands there; `undefined` takes it away.
 * @fails KubeError, or the connection's error
 */
export async function sayOnNode(kube: Kube, name: string, said: PoolsSaid | undefined, at: Instant): Promise<void> {
  const node = await kube.get(nodes, { name });
  // Its kubelet makes it.
  if (node === undefined) return;
  const before = node.status?.conditions as readonly Condition[] | undefined;
  const stands = before?.find(({ type }) => type === poolsCondition);
  if (stands?.status === said?.status && stands?.reason === said?.reason && stands?.message === said?.message) return;
  const written = said && conditionAfter(before, { type: poolsCondition, ...said }, new Date(at).toISOString());
  await kube.apply(
    nodes,
    { metadata: { name }, status: { conditions: written === undefined ? [] : [written] } },
    { manager: 'isthmus-csi-local', force: true, subresource: 'status' },
  );
}
