import type { CapabilityStatus, StatusLook } from '#capability/capability.ts';
import { complaintsOf } from '#kube/api/condition.ts';
import { services } from '#kube/resources.ts';
import { balancerCondition } from './service.ts';

/** Services whose balancer is not as it should be. */
export async function balancerStatus({ kube }: StatusLook): Promise<CapabilityStatus> {
  const all = await kube.list(services);
  const problems = all.flatMap(({ metadata, status }) =>
    complaintsOf(status?.conditions?.filter(({ type }) => type === balancerCondition)).map(
      (complaint) => `Service ${metadata.namespace ?? ''}/${metadata.name}: ${complaint}`,
    ),
  );
  return { nodes: new Map(), problems };
}
