import { type Disks, ownerFor } from '#cloud/disk.ts';
import type { CloudFailure } from '#cloud/failure.ts';
import type { FileShares } from '#cloud/file-share.ts';
import type { Kube } from '#kube/kube.ts';
import { persistentVolumeClaims, persistentVolumes } from '#kube/resources.ts';
import { hours, minutes, now } from '#unit/clock.ts';
import { ok, type Result } from '#unit/result.ts';
import { type CloudOrphan, planCloudOrphans } from './plan-cloud-orphans.ts';

export interface OrphansLook {
  readonly kube: Kube;
  /** `undefined` where the cluster makes no disks: its keys need no right to list any. */
  readonly disks: Pick<Disks, 'list'> | undefined;
  readonly shares: Pick<FileShares, 'list'> | undefined;
  readonly mark: string;
}

/** By then the sweep has removed those that were never attached, and the provisioner has asked again many times. */
const rest = hours(1);

/** What the cloud bills this cluster for and no PersistentVolume names. @fails KubeError */
export async function observeCloudOrphans({
  kube,
  disks,
  shares,
  mark,
}: OrphansLook): Promise<Result<readonly CloudOrphan[], { readonly of: string; readonly failure: CloudFailure }>> {
  const opts = { within: minutes(1), leisurely: true };
  // The cloud first, claims before volumes: what was made since is not in the list, and a claim goes only after its volume has come.
  const madeDisks = (await disks?.list(mark, opts)) ?? ok([]);
  if (!madeDisks.ok) return { ok: false, failure: { of: 'disks', failure: madeDisks.failure } };
  const madeShares = (await shares?.list(mark, opts)) ?? ok([]);
  if (!madeShares.ok) return { ok: false, failure: { of: 'file shares', failure: madeShares.failure } };
  if (madeDisks.value.length === 0 && madeShares.value.length === 0) return ok([]);
  const claims = await kube.list(persistentVolumeClaims);
  const volumes = await kube.list(persistentVolumes);
  const seen = {
    disks: madeDisks.value,
    shares: madeShares.value,
    volumes,
    claims: new Set(claims.map(({ metadata }) => ownerFor(`pvc-${metadata.uid}`))),
    at: now(),
  };
  return ok(planCloudOrphans(seen, { rest }));
}
