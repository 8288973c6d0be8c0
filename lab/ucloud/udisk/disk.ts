import * as z from 'zod';
import { type Action, integer, page, pageOf, place, text } from '../gateway/declare.ts';
import { missing, notValid, Refusal } from '../gateway/refusal.ts';
import { machineOf } from '../uhost/lookup.ts';
import { checkAttachable, recordAttachment, spoilAttachment } from './attachment.ts';
import { action, type UdiskCloud } from './cloud.ts';
import {
  chargeType,
  checkArk,
  checkCluster,
  checkSize,
  encryption,
  kind,
  name,
  newDisk,
  one,
  readKey,
  recordDisk,
  yes,
} from './disk-wish.ts';
import { diskStates, type SeenDisk, seenDisks, typeName } from './form.ts';
import { checkDiskQuota } from './limits.ts';
import { checkNotRead, clusterOf, diskOf } from './lookup.ts';
import { recordService } from './snapshot-service.ts';

/**
 * Disks of the network. 17041: no such disk; 17030: it can't be deleted; 17067: quota.
 * @source UCloud API reference, udisk-api; ucloud-sdk-python3 0.11.150 services/udisk
 */
export const diskActions: Readonly<Record<string, Action<UdiskCloud>>> = {
  CreateUDisk: action(
    {
      ...newDisk,
      ...encryption,
      Size: integer,
      ChargeType: chargeType.default('Dynamic'),
      DiskType: kind,
      RdmaClusterId: text.optional(),
    },
    (args, cloud) => {
      checkSize(args.Size, args.DiskType);
      checkArk(args);
      checkCluster(args.RdmaClusterId);
      const key = readKey(args);
      checkDiskQuota(1, cloud.state);
      const disk = recordDisk(
        {
          ...named(args),
          kind: args.DiskType,
          sizeGib: args.Size,
          chargeType: args.ChargeType,
          rdmaCluster: args.RdmaClusterId,
          key,
          copyOf: undefined,
        },
        cloud,
      );
      if (args.SnapshotService === 'Yes') recordService(disk, args, cloud);
      cloud.disks.make(disk);
      return { UDiskId: [disk.id] };
    },
  ),

  CreateAttachUDisk: action(
    {
      ...newDisk,
      ...encryption,
      Size: integer,
      ChargeType: chargeType.optional(),
      DiskType: kind,
      UHostId: text.optional(),
      HostId: text.optional(),
      MultiAttach: yes,
    },
    async (args, cloud) => {
      checkSize(args.Size, args.DiskType);
      checkArk(args);
      const key = readKey(args);
      const id = args.HostId ?? args.UHostId;
      if (id === undefined) throw missing('HostId');
      const machine = machineOf(id, cloud.state);
      if (machine.zone !== args.Zone) throw notValid('Zone', `${id} is in ${machine.zone}`);
      await checkAttachable(machine, cloud);
      checkDiskQuota(1, cloud.state);
      const disk = recordDisk(
        {
          ...named(args),
          kind: args.DiskType,
          sizeGib: args.Size,
          chargeType: args.ChargeType ?? (args.Size > 2000 ? 'Month' : 'Dynamic'),
          rdmaCluster: clusterOf(machine) || undefined,
          key,
          copyOf: undefined,
        },
        cloud,
      );
      if (args.SnapshotService === 'Yes') recordService(disk, args, cloud);
      const { device } = recordAttachment(disk, machine, { isShared: args.MultiAttach === 'Yes' }, cloud.state);
      cloud.disks.make(disk);
      return { UDiskId: disk.id, UHostId: machine.id, HostId: machine.id, DeviceName: device };
    },
    { spoil: spoilAttachment },
  ),

  DescribeUDisk: action(
    {
      ...place,
      ...page(20),
      UDiskId: text.optional(),
      DiskType: text.optional(),
      ProtocolVersion: z.enum(['0', '1']).default('0').transform(Number),
      IsBoot: z.enum(['True', 'False'], 'write True or False').optional(),
      IgnoreUBillInfo: z.enum(['Yes', 'No']).default('No'),
      IgnoreBackupMode: z.enum(['Yes', 'No']).default('No'),
      UDiskBasicInfo: z.enum(['Yes', 'No']).default('No'),
      UHostIdForAttachment: text.optional(),
      HostIdForAttachment: text.optional(),
      HostId: text.optional(),
      HostProduct: z.enum(['uhost', 'uphost']).optional(),
      Status: z.enum(diskStates, `write one of ${diskStates.join(', ')}`).optional(),
      Tag: text.optional(),
      UDiskName: text.optional(),
    },
    (args, { state }) => {
      if (args.ProtocolVersion === 1 && args.DiskType !== undefined && args.IsBoot === undefined)
        throw missing('IsBoot');
      const takes = takenBy(args.HostIdForAttachment ?? args.UHostIdForAttachment, state);
      const found = seenDisks(args.ProtocolVersion, state)
        .filter(({ zone }) => args.Zone === undefined || zone === args.Zone)
        .filter(({ id }) => args.UDiskId === undefined || id === args.UDiskId)
        .filter(
          (disk) => args.DiskType === undefined || isOfType(disk, args.DiskType, args.IsBoot, args.ProtocolVersion),
        )
        .filter(({ machine }) => args.HostId === undefined || machine === args.HostId)
        .filter(({ machine }) => args.HostProduct === undefined || (args.HostProduct === 'uhost' && machine !== ''))
        .filter(({ status }) => args.Status === undefined || status === args.Status)
        .filter(({ tag }) => args.Tag === undefined || tag === args.Tag)
        .filter(({ name: called }) => args.UDiskName === undefined || called === args.UDiskName)
        .filter(takes);
      const { TotalCount, shown } = pageOf(found, args);
      const left = new Set([
        ...(args.IgnoreUBillInfo === 'Yes' ? billing : []),
        ...(args.IgnoreBackupMode === 'Yes' ? backup : []),
        ...(args.UDiskBasicInfo === 'Yes' ? [...billing, ...backup, ...hostNames] : []),
      ]);
      return {
        TotalCount,
        DataSet: shown.map(({ form }) =>
          Object.fromEntries(Object.entries(form).filter(([field]) => !left.has(field))),
        ),
      };
    },
  ),

  DeleteUDisk: action(one, (args, { state, disks }) => {
    const disk = diskOf(args.UDiskId, args.Zone, state);
    if (disk.attachments.length > 0)
      throw new Refusal(
        17030,
        `${disk.id} is attached to ${disk.attachments.map(({ machine }) => machine).join(', ')}`,
      );
    if (disk.at === 'making' || disk.at === 'restoring') throw new Refusal(17030, `${disk.id} is being worked on`);
    checkNotRead(disk, state);
    disks.remove(disk);
    return {};
  }),

  ResizeUDisk: action({ ...one, Size: integer, MachineType: text.optional() }, (args, { state, disks }) => {
    const disk = diskOf(args.UDiskId, args.Zone, state);
    checkSize(args.Size, disk.kind);
    const now = disk.growsTo ?? disk.sizeGib;
    if (args.Size <= now) throw notValid('Size', `${disk.id} has ${now} GB, and a disk only grows`);
    if (disk.at !== 'ready' || disk.growsTo !== undefined) throw new Refusal(17068, `${disk.id} is being worked on`);
    checkNotRead(disk, state);
    disk.growsTo = args.Size;
    disks.grow(disk);
    return {};
  }),

  RenameUDisk: action({ ...one, UDiskName: name }, (args, { state }) => {
    diskOf(args.UDiskId, args.Zone, state).name = args.UDiskName;
    return {};
  }),

  DescribeUDiskPrice: action(
    {
      ...place,
      Zone: text,
      Size: integer,
      ChargeType: chargeType.optional(),
      Quantity: integer.default(1),
      UDataArkMode: text.optional(),
      SnapshotService: text.optional(),
      DiskType: kind,
      IsTotalPrice: text.optional(),
      MachineType: text.optional(),
      BackupMode: text.optional(),
    },
    (args) => {
      checkSize(args.Size, args.DiskType);
      // Nothing costs anything here; a price that was made up would mislead.
      const free = { ChargeName: 'UDisk', Price: 0, ListPrice: 0, OriginalPrice: 0 };
      const charges = args.ChargeType === undefined ? (['Year', 'Month', 'Dynamic'] as const) : [args.ChargeType];
      return { DataSet: charges.map((ChargeType) => ({ ChargeType, ...free })) };
    },
  ),
};

const billing = ['ChargeType', 'ExpiredTime', 'IsExpire'];
const backup = ['BackupMode'];
const hostNames = ['HostName', 'HostIP', 'UHostName', 'UHostIP', 'SnapshotCount', 'SnapshotLimit'];

function named(args: { Name: string; Tag: string; Zone: string; Quantity: number }) {
  return { name: args.Name, tag: args.Tag, zone: args.Zone, quantity: args.Quantity };
}

function isOfType({ kind: of, isBoot }: SeenDisk, type: string, boot: string | undefined, version: number): boolean {
  return typeName(of, isBoot, version) === type && (version === 0 || isBoot === (boot === 'True'));
}

/** Of what is free, what this machine could have. @fails Refusal 8039 for a machine that does not exist */
function takenBy(host: string | undefined, state: UdiskCloud['state']): (disk: SeenDisk) => boolean {
  if (host === undefined) return () => true;
  const machine = machineOf(host, state);
  return ({ status, zone, rdmaCluster }) =>
    status === 'Available' && zone === machine.zone && (rdmaCluster === '' || rdmaCluster === clusterOf(machine));
}
