import { minutes, seconds } from '#unit/clock.ts';
import { type Action, place, text } from '../gateway/declare.ts';
import type { FaultWish } from '../gateway/fault-wish.ts';
import { missing, notValid, Refusal } from '../gateway/refusal.ts';
import { machineOf } from '../uhost/lookup.ts';
import type { MachineRecord } from '../uhost/state.ts';
import { action, type UdiskCloud } from './cloud.ts';
import { freeDevice } from './device-name.ts';
import { no, yes } from './disk-wish.ts';
import { checkAttachmentQuota } from './limits.ts';
import { attachmentsIn, checkNotRead, clusterOf, diskOf, isInReach, ownDevices } from './lookup.ts';
import type { AttachmentRecord, UdiskRecord, UdiskState } from './state.ts';

const pair = { ...place, UDiskId: text, UHostId: text.optional(), HostId: text.optional() };

/**
 * Which machine has which disk. 17056 and 17101: being attached, to the same machine and to another; 17057: attached already;
 * 17060: can't be detached; 17061: being detached; 17218: out of the machine's RDMA cluster.
 * @source UCloud API reference, udisk-api; codes as public clients read them
 */
export const attachmentActions: Readonly<Record<string, Action<UdiskCloud>>> = {
  AttachUDisk: action(
    { ...pair, MultiAttach: yes, EnableCrossPodAttach: no },
    async (args, cloud) => {
      const { state, disks } = cloud;
      const disk = diskOf(args.UDiskId, args.Zone, state);
      const id = args.HostId ?? args.UHostId;
      if (id === undefined) throw missing('HostId');
      const machine = machineOf(id, state);
      const isShared = args.MultiAttach === 'Yes';
      checkFree(disk, machine, isShared);
      checkNotRead(disk, state);
      checkReach(disk, machine, args.EnableCrossPodAttach === 'Yes');
      await checkAttachable(machine, cloud);
      // Again: another call may have come first while the machine's power was looked at.
      checkFree(disk, machine, isShared);
      const attachment = recordAttachment(disk, machine, { isShared }, state);
      disks.attach(disk, attachment);
      return { UHostId: machine.id, HostId: machine.id, UDiskId: disk.id, DeviceName: attachment.device };
    },
    { spoil: spoilAttachment },
  ),

  DetachUDisk: action(pair, (args, cloud) => detach(args, 'keep', cloud), { spoil: spoilDetachment }),

  DetachDeleteUDisk: action(
    { ...pair, DeleteSnapshotService: no },
    (args, cloud) => detach(args, args.DeleteSnapshotService === 'Yes' ? 'delete-with-service' : 'delete', cloud),
    { spoil: spoilDetachment },
  ),
};

async function detach(
  args: { UDiskId: string; Zone?: string | undefined; UHostId?: string | undefined; HostId?: string | undefined },
  afterwards: AttachmentRecord['afterwards'],
  { state, disks }: UdiskCloud,
) {
  const disk = diskOf(args.UDiskId, args.Zone, state);
  const id = args.HostId ?? args.UHostId ?? onlyHolder(disk);
  const attachment = disk.attachments.find(({ machine }) => machine === id);
  if (attachment === undefined) throw new Refusal(17060, `${disk.id} is not attached to ${id ?? 'any machine'}`);
  if (attachment.at === 'attaching') throw new Refusal(17056, `${disk.id} is being attached to ${attachment.machine}`);
  if (attachment.at === 'detaching')
    throw new Refusal(17061, `${disk.id} is being detached from ${attachment.machine}`);
  checkNotRead(disk, state);
  if (await disks.areUsed(attachment.machine, disk))
    throw new Refusal(17060, `${attachment.machine} has mounted ${disk.id} or holds it open`);
  // Another call may have come first meanwhile.
  if (attachment.at !== 'attached') throw new Refusal(17061, `${disk.id} is being detached from ${attachment.machine}`);
  attachment.at = 'detaching';
  attachment.afterwards = afterwards;
  disks.detach(disk, attachment);
  return { UHostId: attachment.machine, HostId: attachment.machine, UDiskId: disk.id };
}

/** @fails Refusal 220 for a disk in several machines */
function onlyHolder({ attachments }: UdiskRecord): string | undefined {
  if (attachments.length > 1) throw missing('HostId');
  return attachments[0]?.machine;
}

/** @fails Refusal 17055 it is being made or restored · 17056 · 17057 · 17061 · 17101 */
function checkFree(disk: UdiskRecord, machine: MachineRecord, isShared: boolean): void {
  if (disk.at !== 'ready') throw new Refusal(17055, `${disk.id} is not Available`);
  for (const other of disk.attachments) {
    const isHere = other.machine === machine.id;
    if (other.at === 'detaching') throw new Refusal(17061, `${disk.id} is being detached from ${other.machine}`);
    if (other.at === 'attaching')
      throw isHere
        ? new Refusal(17056, `${disk.id} is being attached to ${other.machine}`)
        : new Refusal(17101, `${disk.id} is being attached to ${other.machine}; wait 30 s`);
    if (isHere || !isShared || !other.isShared)
      throw new Refusal(17057, `${disk.id} is attached to ${other.machine} already`);
  }
}

/** @fails Refusal 230 another zone · 17218 another RDMA cluster */
function checkReach(disk: UdiskRecord, machine: MachineRecord, isCrossing: boolean): void {
  if (disk.zone !== machine.zone)
    throw notValid('HostId', `${machine.id} is in ${machine.zone}, ${disk.id} in ${disk.zone}`);
  const cluster = clusterOf(machine);
  if (!isInReach(disk, machine) && !(isCrossing && cluster !== ''))
    throw new Refusal(
      17218,
      `${disk.id} is in RDMA cluster ${disk.rdmaCluster}, ${machine.id} in ${cluster || 'none'}`,
    );
}

/** @fails Refusal 8905 the machine is neither running nor stopped · 17067 it has as many disks as it takes */
export async function checkAttachable(machine: MachineRecord, { state, machines }: UdiskCloud): Promise<void> {
  await machines.look([machine]);
  const { state: power, job } = machine.life;
  if (!['Running', 'Stopped'].includes(power) || job !== undefined)
    throw new Refusal(8905, `UHost ${machine.id} is ${power}, which does not allow to attach a disk`);
  checkAttachmentQuota(machine.id, state);
}

export function recordAttachment(
  disk: UdiskRecord,
  machine: MachineRecord,
  { isShared }: Pick<AttachmentRecord, 'isShared'>,
  { udisks }: UdiskState,
): AttachmentRecord {
  const there = attachmentsIn(machine.id, udisks).map((one) => one.attachment);
  const own = ownDevices(machine);
  const attachment: AttachmentRecord = {
    machine: machine.id,
    device: freeDevice(new Set([...own, ...there.map(({ device }) => device)]), 1),
    shownAs: freeDevice(new Set([...own, ...there.map(({ shownAs }) => shownAs)]), 1),
    isShared,
    at: 'attaching',
    showsAfter: 0,
    staysFor: 0,
    afterwards: 'keep',
  };
  disk.attachments = [...disk.attachments, attachment];
  return attachment;
}

/** By a fault: the device comes late, or under another name than was told; the next disk then has the name that is free. */
export function spoilAttachment(answer: object, { state }: UdiskCloud, { kind, delay }: FaultWish): void {
  const { UDiskId, HostId } = answer as { readonly UDiskId: string; readonly HostId: string };
  for (const { disk, attachment } of attachmentsIn(HostId, state.udisks)) {
    if (disk.id !== UDiskId) continue;
    if (kind === 'late-device') attachment.showsAfter = delay ?? usualLateness;
    if (kind !== 'swapped-device') continue;
    const machine = machineOf(HostId, state);
    const shown = attachmentsIn(HostId, state.udisks).map((one) => one.attachment.shownAs);
    attachment.shownAs = freeDevice(new Set([...ownDevices(machine), ...shown]), 1);
  }
}

/** By a fault: the guest does not let go for a long time. */
function spoilDetachment(answer: object, { state }: UdiskCloud, { delay }: FaultWish): void {
  const { UDiskId, HostId } = answer as { readonly UDiskId: string; readonly HostId: string };
  for (const { disk, attachment } of attachmentsIn(HostId, state.udisks))
    if (disk.id === UDiskId) attachment.staysFor = delay ?? usualStay;
}

const usualLateness = seconds(30);
/** As long as terraform repeats a detach. */
const usualStay = minutes(15);
