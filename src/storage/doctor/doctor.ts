import type { Disks } from '#cloud/disk.ts';
import { explainFailure } from '#cloud/failure.ts';
import type { Kube } from '#kube/kube.ts';
import { nodes, persistentVolumes } from '#kube/resources.ts';
import { seconds } from '#unit/clock.ts';
import { type DiskSeen, disksToAsk, type FixableFinding, planDoctor, type VolumeFinding } from './plan-doctor.ts';

/** Where disks are. */
export interface DoctorCloud {
  readonly disks: Pick<Disks, 'find'>;
  readonly region: string;
}

/** What keeps volumes of the cluster from being used. @fails KubeError */
export async function observeVolumes(kube: Kube, { disks, region }: DoctorCloud): Promise<readonly VolumeFinding[]> {
  const [volumes, all] = await Promise.all([kube.list(persistentVolumes), kube.list(nodes)]);
  const asked = new Map<string, DiskSeen>();
  // One after the other: they are few, and the account has a limit of calls.
  for (const id of disksToAsk(volumes)) asked.set(id, await lookAtDisk(disks, id));
  return planDoctor({
    volumes,
    nodes: all.map(({ metadata }) => ({ name: metadata.name, labels: metadata.labels ?? {} })),
    disks: asked,
    region,
  });
}

async function lookAtDisk(disks: DoctorCloud['disks'], id: string): Promise<DiskSeen> {
  const found = await disks.find(id, { within: seconds(20) });
  if (found.ok) return { is: 'there', zone: found.value.zone };
  return found.failure.kind === 'gone' ? { is: 'gone' } : { is: 'unclear', why: explainFailure(found.failure) };
}

/**
 * Writes where a volume can be used, on one that does not say so. The API server refuses to change what is there: whoever was quicker wins.
 * @fails KubeError
 */
export async function fixVolume(kube: Kube, { volume, fix }: FixableFinding): Promise<void> {
  const matchExpressions = Object.entries(fix.labels).map(([key, value]) => ({ key, operator: 'In', values: [value] }));
  const required = { nodeSelectorTerms: [{ matchExpressions }] };
  await kube.merge(persistentVolumes, { name: volume }, { spec: { nodeAffinity: { required } } });
}
