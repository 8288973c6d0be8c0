import type { Kube } from '#kube/kube.ts';
import { nodes, persistentVolumes } from '#kube/resources.ts';
import { planDoctor, type VolumeFinding } from './plan-doctor.ts';

/** What keeps volumes of the cluster from being used. @fails KubeError */
export async function observeVolumes(kube: Kube): Promise<readonly VolumeFinding[]> {
  const [volumes, all] = await Promise.all([kube.list(persistentVolumes), kube.list(nodes)]);
  return planDoctor({
    volumes,
    nodes: all.map(({ metadata }) => ({ name: metadata.name, labels: metadata.labels ?? {} })),
  });
}

/**
 * Writes where a volume can be used, on one that does not say so. The API server refuses to change what is there: whoever was quicker wins.
 * @fails KubeError
 */
export async function fixVolume(kube: Kube, { volume, fix }: VolumeFinding): Promise<void> {
  if (fix === undefined) return;
  const required = { nodeSelectorTerms: fix.terms };
  await kube.merge(persistentVolumes, { name: volume }, { spec: { nodeAffinity: { required } } });
}
