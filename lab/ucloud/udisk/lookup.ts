import { Refusal } from '../gateway/refusal.ts';
import type { MachineRecord } from '../uhost/state.ts';
import { deviceName } from './device-name.ts';
import type { AttachmentRecord, SnapshotRecord, UdiskRecord, UdiskState } from './state.ts';

/** @fails Refusal 17041 for a disk that does not exist, or not in this zone */
export function diskOf(id: string, zone: string | undefined, { udisks }: UdiskState): UdiskRecord {
  const disk = udisks.find((one) => one.id === id && (zone === undefined || one.zone === zone));
  if (disk === undefined) throw new Refusal(17041, `UDisk ${id} does not exist`);
  return disk;
}

/** @fails Refusal 17041: no code of its own is published */
export function snapshotOf(id: string, zone: string, { snapshots }: UdiskState): SnapshotRecord {
  const snapshot = snapshots.find((one) => one.id === id && one.zone === zone);
  if (snapshot === undefined) throw new Refusal(17041, `snapshot ${id} does not exist`);
  return snapshot;
}

export interface Attached {
  readonly disk: UdiskRecord;
  readonly attachment: AttachmentRecord;
}

/** What a machine has, or will have, or still has. */
export function attachmentsIn(machine: string, udisks: readonly UdiskRecord[]): readonly Attached[] {
  return udisks.flatMap((disk) =>
    disk.attachments
      .filter((attachment) => attachment.machine === machine)
      .map((attachment) => ({ disk, attachment }) satisfies Attached),
  );
}

/** Names that disks lying in the machine have; its boot disk is the first. */
export function ownDevices({ disks }: MachineRecord): readonly string[] {
  return disks.map((_, number) => deviceName(number));
}

/** @fails Refusal 17085 · 17086 while somebody reads the disk: it must not change or go */
export function checkNotRead({ id }: UdiskRecord, { udisks, snapshots }: UdiskState): void {
  if (snapshots.some(({ disk, at }) => disk === id && at === 'Creating'))
    throw new Refusal(17085, `a snapshot of ${id} is being made`);
  if (udisks.some(({ at, copyOf }) => at === 'making' && copyOf?.id === id))
    throw new Refusal(17086, `${id} is being cloned`);
}

/** The RDMA cluster of a machine; empty for kinds of machines that are in none. */
export function clusterOf(machine: MachineRecord): string {
  return machine.machineType.startsWith('O') ? (machine.rdmaCluster ?? rdmaClusters[0]) : '';
}

/** Names of our own: the published text has none. New machines and disks are in the first; a fault puts them in the other. */
export const rdmaClusters = ['rdma-1', 'rdma-2'] as const;

/** Whether the machine could have the disk, by zone and RDMA cluster. */
export function isInReach({ zone, rdmaCluster }: UdiskRecord, machine: MachineRecord): boolean {
  return zone === machine.zone && (rdmaCluster === '' || rdmaCluster === clusterOf(machine));
}
