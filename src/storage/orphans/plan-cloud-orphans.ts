import type { CloudDisk } from '#cloud/disk.ts';
import type { FileShare } from '#cloud/file-share.ts';
import type { PersistentVolumeObject } from '#kube/resources.ts';
import { type Bytes, formatBytes } from '#unit/bytes.ts';
import type { Instant, Ms } from '#unit/clock.ts';
import { diskDriver } from '../driver.ts';
import { shareDriver } from '../share/driver.ts';
import { parseShareHandle } from '../share/handle.ts';

/** A disk or file share of this cluster that no PersistentVolume names. Nobody but a person can say whether what is on it is needed. */
export interface CloudOrphan {
  readonly what: 'disk' | 'file share';
  readonly id: string;
  /** Whom it was made for: the name of its PersistentVolume, while there was one. */
  readonly owner: string | undefined;
  readonly size: Bytes;
  /** Of a disk. */
  readonly zone: string | undefined;
}

export interface CloudOrphansSeen {
  /** All of the cluster's mark. */
  readonly disks: readonly CloudDisk[];
  readonly shares: readonly FileShare[];
  readonly volumes: readonly PersistentVolumeObject[];
  /** Owners whose claim there is: the provisioner is at it. */
  readonly claims: ReadonlySet<string>;
  readonly at: Instant;
}

/**
 * What the cluster pays for and cannot use, sorted by id.
 * @unit rest: what is younger may be on its way to its PersistentVolume; of unknown age it is told
 */
export function planCloudOrphans(
  { disks, shares, volumes, claims, at }: CloudOrphansSeen,
  { rest }: { readonly rest: Ms },
): readonly CloudOrphan[] {
  const named = new Set(volumes.flatMap(cloudIdsOf));
  const isLeft = ({ id, owner, createdAt }: CloudDisk | FileShare): boolean =>
    !named.has(id) && !claims.has(owner ?? '') && at - createdAt * 1000 >= rest;
  return [
    ...disks.filter(isLeft).map((disk) => ({ what: 'disk' as const, ...partsOf(disk), zone: disk.zone })),
    ...shares.filter(isLeft).map((share) => ({ what: 'file share' as const, ...partsOf(share), zone: undefined })),
  ].toSorted((a, b) => a.id.localeCompare(b.id));
}

function partsOf({ id, owner, size }: CloudDisk | FileShare): Pick<CloudOrphan, 'id' | 'owner' | 'size'> {
  return { id, owner, size };
}

/** The disk or the file share that a volume is, or lies in. */
function cloudIdsOf({ spec }: PersistentVolumeObject): readonly string[] {
  const { driver, volumeHandle = '' } = spec?.csi ?? {};
  if (driver === diskDriver) return [volumeHandle];
  if (driver !== shareDriver) return [];
  const handle = parseShareHandle(volumeHandle);
  return handle === undefined ? [] : [handle.share];
}

/** What is wrong and what helps. */
export function explainCloudOrphan({ what, id, owner, size }: CloudOrphan): string {
  const made = owner === undefined ? '' : `, made for ${owner}`;
  return `${what} ${id} of the cloud (${formatBytes(size)}${made}) belongs to this cluster and no PersistentVolume names it, so nobody can use it and it is billed: isthmus doctor storage --fix makes a PersistentVolume that keeps it; or remove it in the provider's console when nothing on it is needed`;
}
