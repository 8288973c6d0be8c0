import type { CapabilityStatus, StatusLook } from '#capability/capability.ts';
import { fencedCondition } from '#kube/api/out-of-service.ts';
import { csiDrivers, nodes, persistentVolumeClaims, persistentVolumes } from '#kube/resources.ts';
import { few } from '#unit/few.ts';
import { volumeFacts } from './guard/facts.ts';
import { poolsCondition } from './local/driver.ts';
import { orphansAnnotation } from './orphans/cloud-orphan-controller.ts';
import { placeOfVolume } from './place.ts';
import { foldersAnnotation } from './share/plan-left-folders.ts';

/** Silent nodes with what is done about them, folders and disks that take no volumes, volumes that are out of reach, and what no volume names. */
export async function storageStatus({ kube }: StatusLook): Promise<CapabilityStatus> {
  const [allNodes, claims, volumes, drivers] = await Promise.all([
    kube.list(nodes),
    kube.list(persistentVolumeClaims, { labelSelector: volumeFacts.ground }),
    kube.list(persistentVolumes),
    kube.list(csiDrivers),
  ]);
  const said = allNodes.flatMap(({ metadata, status }) =>
    (status?.conditions ?? [])
      .filter((one) => one.type === fencedCondition || (one.type === poolsCondition && one.status === 'False'))
      .map(({ message = '' }) => `node ${metadata.name}: ${message}`),
  );
  const lost = claims.filter(({ metadata }) => metadata.annotations?.[volumeFacts.machineState] === 'gone');
  const byMachine = Map.groupBy(lost, ({ metadata }) => metadata.annotations?.[volumeFacts.machine] ?? '');
  const gone = [...byMachine].map(([machine, on]) => {
    const names = few(on.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
    return `machine ${machine} is not in the cluster and has the volumes of PersistentVolumeClaim ${names}: join it again, or restore the data into new claims`;
  });
  // Also of claims that were deleted: nobody can remove a volume from a machine that is not there.
  const names = new Set(allNodes.map(({ metadata }) => metadata.name));
  const told = new Set(lost.map(({ spec }) => spec?.volumeName));
  const left = volumes.flatMap((volume) => {
    const machine = placeOfVolume(volume)?.machine;
    const { name } = volume.metadata;
    return machine === undefined || names.has(machine) || told.has(name) ? [] : [{ machine, name }];
  });
  const leftOn = [...Map.groupBy(left, ({ machine }) => machine)].map(
    ([machine, on]) =>
      `machine ${machine} is not in the cluster and has PersistentVolume ${few(on.map(({ name }) => name))}: join it again, or remove the objects when nothing of them is needed`,
  );
  const orphans = drivers.flatMap(({ metadata: { annotations = {} } }) =>
    [orphansAnnotation, foldersAnnotation].flatMap((name) => annotations[name]?.split('\n') ?? []),
  );
  return { nodes: new Map(), problems: [...said, ...gone, ...leftOn, ...orphans] };
}
