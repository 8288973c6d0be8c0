import * as z from 'zod';
import { drawName } from '../engine/random.ts';
import { integer, place, text } from '../gateway/declare.ts';
import { missing, notValid } from '../gateway/refusal.ts';
import type { GatewayState } from '../gateway/state.ts';
import { type DiskKind, diskKinds, kindNames } from './kind.ts';
import { rdmaClusters } from './lookup.ts';
import type { UdiskRecord, UdiskState } from './state.ts';

const yesOrNo = z.enum(['Yes', 'No'], 'write Yes or No');
export const no = yesOrNo.default('No');
export const yes = yesOrNo.default('Yes');
export const chargeType = z.enum(['Year', 'Month', 'Dynamic', 'Postpay', 'Trial']);
export const kind = z.enum(kindNames, `write one of ${kindNames.join(', ')}`).default('DataDisk');
/** Its name is not limited in the published text; 63 characters as everywhere else. */
export const name = z.string().max(63, 'a name has 1 to 63 characters');
export const inZone = { ...place, Zone: text };
export const one = { ...inZone, UDiskId: text };

/** What each action that makes a disk takes. */
export const newDisk = {
  ...inZone,
  Name: name,
  Quantity: integer.pipe(z.number().min(0)).default(1),
  UDataArkMode: no,
  SnapshotService: no,
  Tag: text.default('Default'),
  BackupMode: text.optional(),
};
export const encryption = { UKmsMode: no, CmkId: text.optional() };

export interface DiskWish {
  readonly name: string;
  readonly tag: string;
  readonly zone: string;
  readonly kind: DiskKind;
  readonly sizeGib: number;
  readonly chargeType: string;
  readonly quantity: number;
  readonly rdmaCluster: string | undefined;
  readonly key: string | undefined;
  readonly copyOf: UdiskRecord['copyOf'];
}

/** Records a disk that is to be made. */
export function recordDisk(
  wish: DiskWish,
  { state, now }: { readonly state: GatewayState & UdiskState; readonly now: () => number },
): UdiskRecord {
  const { hasCluster, idPrefix } = diskKinds[wish.kind];
  const disk: UdiskRecord = {
    ...wish,
    id: `${idPrefix}-${drawName(state.chance, 12)}`,
    rdmaCluster: hasCluster ? (wish.rdmaCluster ?? rdmaClusters[0]) : '',
    createdAt: Math.floor(now() / 1000),
    at: 'making',
    restoresTo: undefined,
    growsTo: undefined,
    attachments: [],
    trouble: undefined,
  };
  state.udisks.push(disk);
  return disk;
}

/** @fails Refusal 230 for a size that is not sold */
export function checkSize(sizeGib: number, of: DiskKind): void {
  const most = diskKinds[of].mostGib;
  if (sizeGib < 1 || sizeGib > most) throw notValid('Size', `${of} is sold from 1 to ${most} GB`);
}

/** @fails Refusal 220 · 230 */
export function readKey({
  UKmsMode,
  CmkId,
}: {
  UKmsMode: 'Yes' | 'No';
  CmkId?: string | undefined;
}): string | undefined {
  if (UKmsMode === 'Yes' && CmkId === undefined) throw missing('CmkId');
  if (UKmsMode === 'No' && CmkId !== undefined) throw notValid('CmkId', 'a key needs UKmsMode Yes');
  return CmkId;
}

/** @fails Refusal 230 for a cluster that the zone does not have; asked of kinds without one, too */
export function checkCluster(cluster: string | undefined): void {
  if (cluster !== undefined && !(rdmaClusters as readonly string[]).includes(cluster))
    throw notValid('RdmaClusterId', `the zone has ${rdmaClusters.join(' and ')}`);
}

/** @fails Refusal 230: the old service for backups, which can be switched on no more */
export function checkArk({ UDataArkMode }: { UDataArkMode: 'Yes' | 'No' }): void {
  if (UDataArkMode === 'Yes') throw notValid('UDataArkMode', 'it can no longer be switched on');
}
