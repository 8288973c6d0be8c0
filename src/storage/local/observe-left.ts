import type { Kube } from '#kube/kube.ts';
import { persistentVolumeClaims, persistentVolumes } from '#kube/resources.ts';
import { hours, now } from '#unit/clock.ts';
import { type LeftVolume, planLeft } from './plan-left.ts';
import type { VolumeRecord } from './volume-record.ts';

/** The provisioner asks again within five minutes as long as there is a claim. @source sig-storage-lib-external-provisioner: its longest back-off */
const rest = hours(1);

/** Of a machine's volumes those that no PersistentVolume names. @fails KubeError, or the connection's error: then nothing is known */
export async function observeLeft(kube: Kube, records: readonly VolumeRecord[]): Promise<readonly LeftVolume[]> {
  // Claims before volumes: a claim goes only after its volume has come.
  const look = async (claims: Parameters<typeof planLeft>[0]['claims']) =>
    planLeft({ records, claims, volumes: await kube.list(persistentVolumes), at: now() }, { rest });
  // Mostly there are none, and claims are many.
  if (records.length === 0 || (await look([])).length === 0) return [];
  return look(await kube.list(persistentVolumeClaims));
}
