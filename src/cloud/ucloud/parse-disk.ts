import { createHash } from 'node:crypto';
import { gibi } from '#unit/bytes.ts';
import { type CloudDisk, type CloudSnapshot, type DiskSource, type DiskState, sourceKey } from '../disk.ts';
import { kindListedAs, kindOfSnapshot } from './disk-kinds.ts';
import { chargeNames, keyOf } from './parse-balancer.ts';
import { markOf, tagOf } from './parse-machine.ts';
import type { Disk, Snapshot } from './wire/shapes.ts';

/** A disk as DescribeUDisk tells it with ProtocolVersion 1; `undefined` for one that a machine boots from. */
export function parseDisk(seen: Disk, defaultZone: string): CloudDisk | undefined {
  if (seen.IsBoot?.toLowerCase() === 'true') return undefined;
  const { UDiskId: id } = seen;
  const mark = markOf(seen.Tag);
  const told = mark === undefined ? { owner: undefined, source: undefined } : parseDiskName(seen.Name ?? '');
  return {
    id,
    // UCloud product manual of UDisk: the serial of the device in the machine is the id of the disk.
    serial: id,
    mark,
    ...told,
    zone: seen.Zone ?? defaultZone,
    kind: kindListedAs(seen.DiskType),
    size: gibi(seen.Size),
    createdAt: seen.CreateTime ?? 0,
    state: diskStates[seen.Status ?? ''] ?? 'unreadable',
    machine: seen.HostId ?? seen.UHostId,
    cluster: seen.RdmaClusterId,
    snapshots: { count: seen.SnapshotCount, most: seen.SnapshotLimit, can: takesSnapshots(seen) },
    charge: keyOf(chargeNames, seen.ChargeType),
    encryptionKey: keyIn(seen),
  };
}

/** With the service that is paid for it, or where the cloud says that it needs none. @source UCloud API reference, DescribeUDisk */
function takesSnapshots({ SnapEnable, BackupMode }: Disk): boolean {
  return SnapEnable === 1 || BackupMode !== undefined;
}

/** @source UCloud API reference, DescribeUDisk (Status) */
const diskStates: Readonly<Record<string, DiskState>> = {
  Initializating: 'creating',
  Available: 'free',
  Attaching: 'attaching',
  InUse: 'attached',
  Detaching: 'detaching',
  Cloning: 'copying',
  Restoring: 'restoring',
  Failed: 'failed',
  RestoreFailed: 'failed',
};

/**
 * A disk has no remark: its owner and what it was made from stand in its name, its mark in its business group.
 * @source terraform-provider-ucloud, ucloud_disk (name): 6 to 63 of letters, digits, - and _
 */
export function diskName(owner: string, source: DiskSource): string {
  const key = sourceKey(source);
  return key === '' ? owner : `${owner}_${key}`;
}

function parseDiskName(name: string): { readonly owner: string; readonly source: string } {
  const [, owner = name, source = ''] = /^(.+)_([0-9a-f]{12})$/.exec(name) ?? [];
  return { owner, source };
}

/** A snapshot as DescribeUDiskSnapshot tells it. */
export function parseSnapshot(seen: Snapshot, defaultZone: string): CloudSnapshot {
  return {
    id: seen.SnapshotId,
    ...parseSnapshotName(seen.Name ?? ''),
    disk: seen.UDiskId ?? '',
    zone: seen.Zone ?? defaultZone,
    size: gibi(seen.Size),
    kind: kindOfSnapshot(seen.DiskType),
    createdAt: seen.CreateTime ?? 0,
    state: snapshotStates[seen.Status ?? ''] ?? 'unreadable',
    encryptionKey: keyIn(seen),
  };
}

/** @source UCloud API reference, DescribeUDiskSnapshot (Status) */
const snapshotStates: Readonly<Record<string, CloudSnapshot['state']>> = {
  Creating: 'creating',
  Normal: 'ready',
  Failed: 'failed',
};

const longestName = 63;
/** Of hexadecimal digits: of a million owners no two have the same, but for one chance in a hundred thousand. */
const ownerDigits = 14;

/**
 * A snapshot has neither a business group nor a remark: whose it is stands in its name, and where that has no room for the owner, a digest
 * of it.
 * @source terraform-provider-ucloud, ucloud_disk_snapshot: the name is that of a disk, and the API refuses the parameter Comment
 */
export function snapshotName(mark: string, owner: string): string {
  const name = `${tagOf(mark)}_${owner}`;
  if (name.length <= longestName) return name;
  return `${tagOf(mark)}_${createHash('sha256').update(owner).digest('hex').slice(0, ownerDigits)}`;
}

export function parseSnapshotName(name: string): Pick<CloudSnapshot, 'mark' | 'owner'> {
  const [, tag, owner] = /^(.+)_([A-Za-z0-9-]+)$/.exec(name) ?? [];
  const mark = markOf(tag);
  return { mark, owner: mark === undefined ? undefined : owner };
}

function keyIn({ UKmsMode, CmkId }: Pick<Disk, 'UKmsMode' | 'CmkId'>): string | undefined {
  return UKmsMode === 'Yes' ? CmkId : undefined;
}
