import type { CapabilityStatus, StatusLook } from '#capability/capability.ts';
import { fencedCondition } from '#kube/api/out-of-service.ts';
import { nodes, persistentVolumeClaims } from '#kube/resources.ts';
import { few } from '#unit/few.ts';
import { volumeFacts } from './guard/facts.ts';

/** Silent nodes with what is done about them, and claims whose volumes are out of reach. */
export async function storageStatus({ kube }: StatusLook): Promise<CapabilityStatus> {
  const [allNodes, claims] = await Promise.all([
    kube.list(nodes),
    kube.list(persistentVolumeClaims, { labelSelector: volumeFacts.ground }),
  ]);
  const silent = allNodes.flatMap(({ metadata, status }) =>
    (status?.conditions ?? [])
      .filter(({ type }) => type === fencedCondition)
      .map(({ message = '' }) => `node ${metadata.name}: ${message}`),
  );
  const lost = claims.filter(({ metadata }) => metadata.annotations?.[volumeFacts.machineState] === 'gone');
  const byMachine = Map.groupBy(lost, ({ metadata }) => metadata.annotations?.[volumeFacts.machine] ?? '');
  const gone = [...byMachine].map(([machine, on]) => {
    const names = few(on.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
    return `machine ${machine} is not in the cluster and has the volumes of PersistentVolumeClaim ${names}: join it again, or restore the data into new claims`;
  });
  return { nodes: new Map(), problems: [...silent, ...gone] };
}
