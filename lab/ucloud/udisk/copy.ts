import { drawName } from '../engine/random.ts';
import { type Action, integer, page, pageOf, place, text } from '../gateway/declare.ts';
import { missing, notValid, Refusal } from '../gateway/refusal.ts';
import { machineOf } from '../uhost/lookup.ts';
import { action, type UdiskCloud } from './cloud.ts';
import { chargeType, checkArk, checkCluster, checkSize, inZone, name, newDisk, one, recordDisk } from './disk-wish.ts';
import { snapshotForm } from './form.ts';
import { checkDiskQuota, snapshotsPerDisk } from './limits.ts';
import { checkNotRead, clusterOf, diskOf, snapshotOf } from './lookup.ts';
import { recordService } from './snapshot-service.ts';
import type { SnapshotRecord, UdiskRecord } from './state.ts';

const copied = {
  ...newDisk,
  SourceId: text,
  Comment: text.optional(),
  RdmaClusterId: text.optional(),
  HostId: text.optional(),
  Size: integer.optional(),
};

/**
 * Snapshots and disks that begin as a copy. 17011: as many snapshots as a disk has; 17085 and 17086: a copy is being made;
 * 17096: attached, so it can't be restored; 17098: is being restored.
 * @source UCloud API reference, udisk-api
 */
export const copyActions: Readonly<Record<string, Action<UdiskCloud>>> = {
  CloneUDisk: action({ ...copied, ChargeType: chargeType.default('Month') }, (args, cloud) => {
    const source = diskOf(args.SourceId, args.Zone, cloud.state);
    if (source.attachments.length > 0)
      throw notValid('SourceId', `${source.id} is attached; a clone is made of a free disk`);
    checkAtRest(source);
    checkNotRead(source, cloud.state);
    return makeCopy(args, source, { kind: 'disk', id: source.id }, cloud);
  }),

  CloneUDiskSnapshot: action({ ...copied, ChargeType: chargeType.default('Dynamic') }, (args, cloud) => {
    const snapshot = snapshotOf(args.SourceId, args.Zone, cloud.state);
    if (snapshot.at !== 'Normal') throw new Refusal(17085, `snapshot ${snapshot.id} is ${snapshot.at}`);
    const key = cloud.state.udisks.find(({ id }) => id === snapshot.disk)?.key;
    return makeCopy(args, { ...snapshot, key }, { kind: 'snapshot', id: snapshot.id }, cloud);
  }),

  CreateUDiskSnapshot: action(
    { ...one, Name: name, Quantity: integer.default(1), ChargeType: chargeType.optional(), Comment: text.default('') },
    (args, { state, snapshots, now }) => {
      const disk = diskOf(args.UDiskId, args.Zone, state);
      checkAtRest(disk);
      checkNotRead(disk, state);
      const count = state.snapshots.filter((other) => other.disk === disk.id && other.at !== 'Failed').length;
      if (count >= snapshotsPerDisk)
        throw new Refusal(17011, `${disk.id} has ${count} snapshots, the most that a disk has`);
      const snapshot: SnapshotRecord = {
        id: `bsSnap-${drawName(state.chance, 12)}`,
        name: args.Name,
        comment: args.Comment,
        zone: disk.zone,
        disk: disk.id,
        diskName: disk.name,
        kind: disk.kind,
        sizeGib: disk.sizeGib,
        machine: disk.attachments[0]?.machine ?? '',
        createdAt: Math.floor(now() / 1000),
        at: 'Creating',
        trouble: undefined,
      };
      state.snapshots.push(snapshot);
      snapshots.make(snapshot);
      return { SnapshotId: [snapshot.id] };
    },
  ),

  DescribeUDiskSnapshot: action(
    { ...place, ...page(20), UDiskId: text.optional(), SnapshotId: text.optional() },
    (args, { state }) => {
      if (args.UDiskId !== undefined && args.Zone === undefined) throw missing('Zone');
      const found = state.snapshots
        .filter(({ zone }) => args.Zone === undefined || zone === args.Zone)
        .filter(({ id }) => args.SnapshotId === undefined || id === args.SnapshotId)
        .filter(({ disk }) => args.UDiskId === undefined || disk === args.UDiskId);
      const { TotalCount, shown } = pageOf(found, args);
      return { TotalCount, DataSet: shown.map((snapshot) => snapshotForm(snapshot, state)) };
    },
  ),

  DeleteUDiskSnapshot: action(
    { ...inZone, SnapshotId: text.optional(), UDiskId: text.optional() },
    (args, { state, snapshots }) => {
      if (args.SnapshotId === undefined && args.UDiskId === undefined) throw missing('SnapshotId');
      const wanted =
        args.SnapshotId === undefined
          ? state.snapshots.filter(({ disk, zone }) => disk === args.UDiskId && zone === args.Zone)
          : [snapshotOf(args.SnapshotId, args.Zone, state)];
      for (const snapshot of wanted) checkIdle(snapshot, state.udisks);
      for (const snapshot of wanted) snapshots.remove(snapshot);
      return {};
    },
  ),

  RestoreUDisk: action({ ...one, SnapshotId: text.optional(), SnapshotTime: integer.optional() }, (args, cloud) => {
    const { state, disks } = cloud;
    const disk = diskOf(args.UDiskId, args.Zone, state);
    if (args.SnapshotId === undefined) {
      if (args.SnapshotTime === undefined) throw missing('SnapshotId');
      throw notValid('SnapshotTime', 'points in time belong to UDataArkMode, which can no longer be switched on');
    }
    const snapshot = snapshotOf(args.SnapshotId, args.Zone, state);
    if (snapshot.disk !== disk.id) throw notValid('SnapshotId', `${snapshot.id} is a snapshot of ${snapshot.disk}`);
    if (snapshot.at !== 'Normal') throw new Refusal(17085, `snapshot ${snapshot.id} is ${snapshot.at}`);
    if (disk.attachments.length > 0) throw new Refusal(17096, `${disk.id} is attached`);
    if (disk.at === 'restoring') throw new Refusal(17098, `${disk.id} is being restored`);
    if (disk.at !== 'restore-failed') checkAtRest(disk);
    checkNotRead(disk, state);
    disk.at = 'restoring';
    disk.restoresTo = snapshot.id;
    disks.restore(disk);
    return {};
  }),
};

type Source = Pick<UdiskRecord, 'kind' | 'sizeGib' | 'key'>;

function makeCopy(
  args: Parameters<typeof recordService>[1] & {
    Name: string;
    Zone: string;
    UDataArkMode: 'Yes' | 'No';
    SnapshotService: 'Yes' | 'No';
    Size?: number | undefined;
    RdmaClusterId?: string | undefined;
    HostId?: string | undefined;
    ChargeType: string;
  },
  source: Source,
  copyOf: NonNullable<UdiskRecord['copyOf']>,
  cloud: UdiskCloud,
) {
  const { state, disks } = cloud;
  const sizeGib = args.Size ?? source.sizeGib;
  checkSize(sizeGib, source.kind);
  if (sizeGib < source.sizeGib) throw notValid('Size', `${copyOf.id} has ${source.sizeGib} GB, and a copy has no less`);
  checkArk(args);
  checkCluster(args.RdmaClusterId);
  const ofHost = args.HostId === undefined ? undefined : clusterOf(machineOf(args.HostId, state)) || undefined;
  checkDiskQuota(1, state);
  const disk = recordDisk(
    {
      name: args.Name,
      tag: args.Tag,
      zone: args.Zone,
      kind: source.kind,
      sizeGib,
      chargeType: args.ChargeType,
      quantity: args.Quantity,
      rdmaCluster: args.RdmaClusterId ?? ofHost,
      key: source.key,
      copyOf,
    },
    cloud,
  );
  if (args.SnapshotService === 'Yes') recordService(disk, args, cloud);
  disks.make(disk);
  return { UDiskId: [disk.id] };
}

/** @fails Refusal 17068: no code of its own is published */
function checkAtRest({ id, at, growsTo }: UdiskRecord): void {
  if (at !== 'ready' || growsTo !== undefined) throw new Refusal(17068, `${id} is being worked on; try later`);
}

/** @fails Refusal 17085 it is being made · 17086 a disk is being made of it, or set back to it */
function checkIdle({ id, at }: SnapshotRecord, udisks: readonly UdiskRecord[]): void {
  if (at === 'Creating') throw new Refusal(17085, `snapshot ${id} is being made`);
  if (udisks.some((disk) => (disk.at === 'making' && disk.copyOf?.id === id) || disk.restoresTo === id))
    throw new Refusal(17086, `snapshot ${id} is being copied`);
}
