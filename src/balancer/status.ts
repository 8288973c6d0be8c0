import type { CapabilityStatus, StatusLook } from '#capability/capability.ts';
import { complaintsOf } from '#kube/api/condition.ts';
import { ingresses, services } from '#kube/resources.ts';
import { conditionOf } from './application/condition-of.ts';
import { balancerCondition } from './service.ts';

/** Services and Ingresses whose balancer is not as it should be. */
export async function balancerStatus({ kube }: StatusLook): Promise<CapabilityStatus> {
  const [all, everyIngress] = await Promise.all([kube.list(services), kube.list(ingresses)]);
  const ofServices = all.flatMap(({ metadata, status }) =>
    complaintsOf(status?.conditions?.filter(({ type }) => type === balancerCondition)).map(
      (complaint) => `Service ${metadata.namespace ?? ''}/${metadata.name}: ${complaint}`,
    ),
  );
  const ofIngresses = everyIngress.flatMap((ingress) => {
    const said = conditionOf(ingress);
    const { namespace = '', name } = ingress.metadata;
    return complaintsOf(said && [said]).map((complaint) => `Ingress ${namespace}/${name}: ${complaint}`);
  });
  return { nodes: new Map(), problems: [...ofServices, ...ofIngresses] };
}
