import { type LimitKind, type Limits, leftOf } from '../gateway/limits.ts';
import { Refusal } from '../gateway/refusal.ts';
import { attachmentsIn } from './lookup.ts';
import type { UdiskState } from './state.ts';

/** @source UCloud UDisk manual, quotas and attaching; snapshots: SnapshotLimit of DescribeUDisk */
const most = { udisks: 1000, attachments: 26 } as const;
export const snapshotsPerDisk = 3;

export const udiskLimits = {
  udisks: {
    says: `disks (UDisk) of the account, never more than ${most.udisks}: 17067`,
    used: ({ udisks }) => udisks.length,
  },
  attachments: {
    says: `disks (UDisk) that one machine has, never more than ${most.attachments}: 17067`,
    used: ({ udisks }) => {
      const machines = new Set(udisks.flatMap(({ attachments }) => attachments.map(({ machine }) => machine)));
      return Math.max(0, ...[...machines].map((machine) => attachmentsIn(machine, udisks).length));
    },
  },
  diskStock: {
    says: 'disks (UDisk) that the zone has room for; a create that goes beyond makes none: 17005',
    used: ({ udisks }) => udisks.length,
  },
} as const satisfies Record<string, LimitKind<UdiskState>>;

type Limited = UdiskState & { readonly limits: Limits };

/** @fails Refusal 17067 the account's quota · 17005 the zone has no room */
export function checkDiskQuota(count: number, state: Limited): void {
  const used = state.udisks.length;
  if (used + count > Math.min(most.udisks, state.limits.udisks ?? most.udisks))
    throw new Refusal(17067, `the account has ${used} disks, and no room for ${count} more`);
  if (count > leftOf(state.limits.diskStock, used)) throw new Refusal(17005, 'the zone has no room for another disk');
}

/** @fails Refusal 17067 */
export function checkAttachmentQuota(machine: string, state: Limited): void {
  const allowed = Math.min(most.attachments, state.limits.attachments ?? most.attachments);
  if (attachmentsIn(machine, state.udisks).length >= allowed)
    throw new Refusal(17067, `${machine} has ${allowed} disks, the most that a machine takes`);
}
