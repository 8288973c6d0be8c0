import * as z from 'zod';
import { drawName } from '../engine/random.ts';
import { type Action, integer, page, pageOf, text } from '../gateway/declare.ts';
import { notValid, Refusal } from '../gateway/refusal.ts';
import { action, type UdiskCloud } from './cloud.ts';
import { chargeType, inZone } from './disk-wish.ts';
import { serviceForm } from './form.ts';
import { diskOf } from './lookup.ts';
import type { SnapshotServiceRecord, UdiskRecord } from './state.ts';

/**
 * What is paid for so that a disk may have snapshots. Here every disk may, with or without it.
 * @source UCloud API reference, udisk-api
 */
export const snapshotServiceActions: Readonly<Record<string, Action<UdiskCloud>>> = {
  CreateSnapshotService: action(
    {
      ...inZone,
      VDiskId: text,
      ChargeType: chargeType.default('Month'),
      Quantity: integer.default(1),
      Tag: text.default('Default'),
      BackupMode: z.enum(['Base', 'Ultimate', 'Custom']).default('Base'),
    },
    (args, cloud) => {
      const disk = diskOf(args.VDiskId, args.Zone, cloud.state);
      if (serviceOf(disk.id, cloud.state) !== undefined)
        throw notValid('VDiskId', `${disk.id} has the service already`);
      const { id } = recordService(disk, args, cloud);
      return { SnapshotServiceId: id, Status: 'Available' };
    },
  ),

  DescribeSnapshotService: action(
    {
      ...inZone,
      ...page(20),
      SnapshotServiceId: text.optional(),
      VDiskId: text.optional(),
      SnapshotId: text.optional(),
    },
    (args, { state }) => {
      const ofSnapshot = state.snapshots.find(({ id }) => id === args.SnapshotId)?.disk;
      const found = state.snapshotServices
        .filter(({ zone }) => zone === args.Zone)
        .filter(({ id }) => args.SnapshotServiceId === undefined || id === args.SnapshotServiceId)
        .filter(({ disk }) => args.VDiskId === undefined || disk === args.VDiskId)
        .filter(({ disk }) => args.SnapshotId === undefined || disk === ofSnapshot);
      const { TotalCount, shown } = pageOf(found, args);
      return { TotalCount, DataSet: shown.map((service) => serviceForm(service, state)) };
    },
  ),

  DeleteSnapshotService: action({ ...inZone, VDiskId: text }, (args, { state }) => {
    const service = serviceOf(args.VDiskId, state);
    if (service === undefined) throw new Refusal(17041, `${args.VDiskId} has no snapshot service`);
    state.snapshotServices.splice(state.snapshotServices.indexOf(service), 1);
    return {};
  }),
};

export function recordService(
  disk: UdiskRecord,
  args: { Tag: string; Quantity: number; ChargeType?: string | undefined; BackupMode?: string | undefined },
  { state, now }: UdiskCloud,
): SnapshotServiceRecord {
  const service: SnapshotServiceRecord = {
    id: `snapservice-${drawName(state.chance, 12)}`,
    disk: disk.id,
    tag: args.Tag,
    zone: disk.zone,
    mode: args.BackupMode ?? 'Base',
    chargeType: args.ChargeType ?? 'Month',
    quantity: args.Quantity,
    createdAt: Math.floor(now() / 1000),
  };
  state.snapshotServices.push(service);
  return service;
}

function serviceOf(disk: string, { snapshotServices }: UdiskCloud['state']): SnapshotServiceRecord | undefined {
  return snapshotServices.find((one) => one.disk === disk);
}
