import type { MachineRecord } from '../uhost/state.ts';
import type { UdiskSeen } from './cloud.ts';
import { type DiskKind, diskKinds, kindOfType } from './kind.ts';
import { snapshotsPerDisk } from './limits.ts';
import { clusterOf } from './lookup.ts';
import type { SnapshotRecord, SnapshotServiceRecord, UdiskRecord } from './state.ts';

/** The states that DescribeUDisk reports, spelled as it spells them. */
export const diskStates = [
  'Available',
  'Attaching',
  'InUse',
  'Detaching',
  'Initializating',
  'Failed',
  'Cloning',
  'Restoring',
  'RestoreFailed',
] as const;
type DiskStatus = (typeof diskStates)[number];

export function statusOf({ at, copyOf, attachments }: UdiskRecord): DiskStatus {
  if (at === 'making') return copyOf === undefined ? 'Initializating' : 'Cloning';
  if (at !== 'ready')
    return ({ failed: 'Failed', restoring: 'Restoring', 'restore-failed': 'RestoreFailed' } as const)[at];
  const has = (state: string): boolean => attachments.some((one) => one.at === state);
  if (has('attaching')) return 'Attaching';
  if (has('detaching')) return 'Detaching';
  return attachments.length > 0 ? 'InUse' : 'Available';
}

/** A disk as DescribeUDisk sees it: one that lives by itself, or the boot disk of a machine. */
export interface SeenDisk {
  readonly isBoot: boolean;
  readonly kind: DiskKind;
  readonly status: DiskStatus;
  readonly zone: string;
  readonly id: string;
  readonly name: string;
  readonly tag: string;
  readonly rdmaCluster: string;
  readonly machine: string;
  readonly record: UdiskRecord | undefined;
  readonly form: Readonly<Record<string, unknown>>;
}

/** @shape version: ProtocolVersion, which changes the names of kinds */
export function seenDisks(version: number, state: UdiskSeen): readonly SeenDisk[] {
  return [
    ...state.udisks.map((disk) => seenDisk(disk, version, state)),
    ...state.machines.filter(({ destroyed }) => !destroyed).flatMap((machine) => seenBootDisks(machine, version)),
  ];
}

export function typeName(kind: DiskKind, isBoot: boolean, version: number): string {
  if (version === 1) return diskKinds[kind].type;
  return isBoot ? diskKinds[kind].boot : kind;
}

function seenDisk(disk: UdiskRecord, version: number, state: UdiskSeen): SeenDisk {
  const { id, name, tag, zone, kind, rdmaCluster } = disk;
  const [attachment] = disk.attachments;
  const machine = state.machines.find((one) => one.id === attachment?.machine);
  const status = statusOf(disk);
  const snapshots = state.snapshots.filter((one) => one.disk === id && one.at !== 'Failed').length;
  const service = state.snapshotServices.find((one) => one.disk === id);
  const form = {
    ...common({ id, name, tag, zone, sizeGib: disk.sizeGib, createdAt: disk.createdAt, chargeType: disk.chargeType }),
    ExpiredTime: disk.createdAt + disk.quantity * lasts(disk.chargeType),
    Status: status,
    DiskType: typeName(kind, false, version),
    IsBoot: 'False',
    ...hostForm(machine),
    DeviceName: attachment?.device ?? '',
    SnapshotCount: snapshots,
    SnapshotLimit: snapshotsPerDisk,
    CloneEnable: 1,
    SnapEnable: 1,
    ...keyForm(disk.key),
    BackupMode: service === undefined ? '' : 'SnapshotService',
    RdmaClusterId: rdmaCluster,
  };
  return {
    isBoot: false,
    kind,
    status,
    zone,
    id,
    name,
    tag,
    rdmaCluster,
    machine: machine?.id ?? '',
    record: disk,
    form,
  };
}

function seenBootDisks(machine: MachineRecord, version: number): readonly SeenDisk[] {
  return machine.disks.flatMap((disk) => {
    const kind = kindOfType(disk.type);
    if (kind === undefined) return [];
    const { zone, tag, id: host, createdAt, chargeType } = machine;
    const [id, name] = [disk.id, `${machine.name}-boot`];
    const rdmaCluster = diskKinds[kind].hasCluster ? clusterOf(machine) : '';
    const form = {
      ...common({ id, name, tag, zone, sizeGib: disk.sizeGib, createdAt, chargeType }),
      ExpiredTime: createdAt + lasts(chargeType),
      Status: 'InUse',
      DiskType: typeName(kind, true, version),
      IsBoot: 'True',
      ...hostForm(machine),
      DeviceName: '/dev/vda',
      SnapshotCount: 0,
      SnapshotLimit: snapshotsPerDisk,
      CloneEnable: 0,
      SnapEnable: 0,
      ...keyForm(undefined),
      BackupMode: '',
      RdmaClusterId: rdmaCluster,
    };
    return [
      { isBoot: true, kind, status: 'InUse', zone, id, name, tag, rdmaCluster, machine: host, record: undefined, form },
    ];
  });
}

interface Common {
  readonly id: string;
  readonly name: string;
  readonly tag: string;
  readonly zone: string;
  readonly sizeGib: number;
  readonly createdAt: number;
  readonly chargeType: string;
}

function common({ id, name, tag, zone, sizeGib, createdAt, chargeType }: Common) {
  return {
    Zone: zone,
    UDiskId: id,
    Name: name,
    Tag: tag,
    Size: sizeGib,
    CreateTime: createdAt,
    ChargeType: chargeType,
    IsExpire: 'No',
    Version: '2.0',
    UDataArkMode: 'No',
    ArkSwitchEnable: 0,
  };
}

function hostForm(machine: MachineRecord | undefined) {
  const [id, name, ip] = [machine?.id ?? '', machine?.name ?? '', machine?.ip ?? ''];
  return { UHostId: id, UHostName: name, UHostIP: ip, HostId: id, HostName: name, HostIP: ip };
}

function keyForm(key: string | undefined) {
  const has = key !== undefined;
  return {
    UKmsMode: has ? 'Yes' : 'No',
    CmkId: key ?? '',
    DataKey: '',
    CmkIdStatus: has ? 'Enabled' : 'NoCmkId',
    CmkIdAlias: '',
  };
}

export function snapshotForm(snapshot: SnapshotRecord, { udisks }: UdiskSeen) {
  const { id, name, comment, zone, disk, diskName, kind, sizeGib, machine, createdAt, at } = snapshot;
  return {
    Zone: zone,
    SnapshotId: id,
    Name: name,
    UDiskId: disk,
    UDiskName: diskName,
    CreateTime: createdAt,
    Size: sizeGib,
    Status: at,
    DiskType: diskKinds[kind].number,
    ExpiredTime: 0,
    Comment: comment,
    IsUDiskAvailable: udisks.some((one) => one.id === disk),
    Version: '2.0',
    UHostId: machine,
    ...keyForm(udisks.find((one) => one.id === disk)?.key),
  };
}

export function serviceForm(service: SnapshotServiceRecord, { udisks }: UdiskSeen) {
  const disk = udisks.find(({ id }) => id === service.disk);
  return {
    Zone: service.zone,
    CreateTime: service.createdAt,
    VDiskId: service.disk,
    Status: disk === undefined ? 'InAvailable' : 'Available',
    VDiskType: disk === undefined ? '' : diskKinds[disk.kind].type,
    VDiskStatus: disk === undefined ? 0 : 1,
    VDiskSize: disk?.sizeGib ?? 0,
    ServiceId: service.id,
    VDiskName: disk?.name ?? '',
    ExpiredTime: service.createdAt + service.quantity * lasts(service.chargeType),
    ChargeType: service.chargeType,
    IsExpire: 'No',
    AutoRenew: 'No',
    Tag: service.tag,
  };
}

/** @unit seconds for which one was paid */
function lasts(chargeType: string): number {
  return { Year: 365 * 86_400, Month: 30 * 86_400 }[chargeType] ?? 3600;
}
