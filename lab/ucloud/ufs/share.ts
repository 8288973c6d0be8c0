import * as z from 'zod';
import { drawName } from '../engine/random.ts';
import { type Action, integer, page, pageOf, place, text } from '../gateway/declare.ts';
import { missing, notValid, Refusal } from '../gateway/refusal.ts';
import { action, type UfsCloud, type UfsSeen } from './cloud.ts';
import { checkShareQuota, codes, mountPointsPerShare } from './limits.ts';
import type { ShareRecord } from './state.ts';

const one = { ...place, VolumeId: text };
const storageType = z.enum(['Basic', 'Advanced'], 'write Basic or Advanced');
const chargeType = z.enum(['Year', 'Month', 'Dynamic', 'Trial']);

/**
 * File systems. 65126: no such file system, as of a mount point.
 * @source UCloud API reference, ufs-api; ucloud-sdk-python3 0.11.150 services/ufs
 */
export const shareActions: Readonly<Record<string, Action<UfsCloud>>> = {
  CreateUFSVolume: action(
    {
      ...place,
      Size: integer,
      StorageType: storageType,
      ProtocolType: z.literal('NFSv4', 'only NFSv4 is sold'),
      VolumeName: z.string().max(63).default('UFS'),
      Remark: text.default(''),
      Tag: text.default('Default'),
      ChargeType: chargeType.default('Dynamic'),
      Quantity: integer.default(1),
    },
    (args, { state, shares, account, now }) => {
      checkSize(args.Size, args.StorageType);
      checkShareQuota(state);
      const share: ShareRecord = {
        id: `ufs-${drawName(state.chance, 12)}`,
        name: args.VolumeName,
        remark: args.Remark,
        tag: args.Tag,
        zone: args.Zone ?? account.zone,
        storageType: args.StorageType,
        sizeGib: args.Size,
        chargeType: args.ChargeType,
        quantity: args.Quantity,
        createdAt: Math.floor(now() / 1000),
        at: 'making',
        mountPoints: [],
        trouble: undefined,
      };
      state.shares.push(share);
      shares.make(share);
      return { VolumeId: share.id, VolumeName: share.name, VolumeStatus: statusOf(share) };
    },
  ),

  DescribeUFSVolume2: action({ ...place, ...page(20), VolumeId: text.optional() }, async (args, { state, shares }) => {
    const { TotalCount, shown } = pageOf(foundBy(args, state), args);
    return { TotalCount, DataSet: await Promise.all(shown.map((share) => shareForm(share, shares))) };
  }),

  // The older one alone tells of the status.
  DescribeUFSVolume: action({ ...place, ...page(20), VolumeId: text.optional() }, async (args, { state, shares }) => {
    const { TotalCount, shown } = pageOf(foundBy(args, state), args);
    const form = async (share: ShareRecord) => ({ ...(await shareForm(share, shares)), VolumeStatus: statusOf(share) });
    return { TotalCount, DataSet: await Promise.all(shown.map(form)) };
  }),

  ExtendUFSVolume: action({ ...one, Size: integer }, (args, { state }) => {
    const share = shareOf(args.VolumeId, state);
    checkSize(args.Size, share.storageType);
    if (args.Size <= share.sizeGib)
      throw notValid('Size', `${share.id} has ${share.sizeGib} GB, and a file system only grows`);
    share.sizeGib = args.Size;
    return {};
  }),

  UpdateUFSVolumeInfo: action(
    { ...one, VolumeName: z.string().max(63).optional(), Remark: text.optional() },
    (args, { state }) => {
      if (args.VolumeName === undefined && args.Remark === undefined) throw missing('VolumeName');
      const share = shareOf(args.VolumeId, state);
      share.name = args.VolumeName ?? share.name;
      share.remark = args.Remark ?? share.remark;
      return {};
    },
  ),

  RemoveUFSVolume: action(one, (args, { state, shares }) => {
    const share = shareOf(args.VolumeId, state);
    if (share.mountPoints.length > 0)
      throw new Refusal(codes.inUse, `${share.id} has mount points; remove them before the file system`);
    if (share.at === 'making') throw new Refusal(codes.inUse, `${share.id} is being made`);
    shares.remove(share);
    return {};
  }),

  DescribeUFSVolumePrice: action(
    {
      ...place,
      Size: integer,
      StorageType: storageType,
      Quantity: integer.default(1),
      ChargeType: chargeType.optional(),
      VolumeId: text.optional(),
    },
    (args) => {
      checkSize(args.Size, args.StorageType);
      // Nothing costs anything here; a price that was made up would mislead.
      const charges = args.ChargeType === undefined ? (['Year', 'Month', 'Dynamic'] as const) : [args.ChargeType];
      return { DataSet: charges.map((ChargeType) => ({ ChargeType, ChargeName: 'UFS', Price: 0 })) };
    },
  ),
};

/** @fails Refusal 65126 */
export function shareOf(id: string, { shares }: UfsSeen): ShareRecord {
  const share = shares.find((one) => one.id === id);
  if (share === undefined) throw new Refusal(codes.gone, `UFS ${id} does not exist`);
  return share;
}

/** @source UCloud API reference, CreateUFSVolume and DescribeUFSVolumePrice */
const sizes = { Basic: { least: 500, most: 102_400 }, Advanced: { least: 100, most: 20_480 } } as const;

function checkSize(sizeGib: number, of: ShareRecord['storageType']): void {
  const { least, most } = sizes[of];
  if (sizeGib < least || sizeGib > most || sizeGib % 100 !== 0)
    throw notValid('Size', `${of} is sold from ${least} to ${most} GB in steps of 100`);
}

function foundBy(args: { VolumeId?: string | undefined; Zone?: string | undefined }, { shares }: UfsSeen) {
  return shares
    .filter(({ id }) => args.VolumeId === undefined || id === args.VolumeId)
    .filter(({ zone }) => args.Zone === undefined || zone === args.Zone);
}

function statusOf({ at }: ShareRecord): string {
  return at === 'ready' ? 'Initialized' : 'UnInitialized';
}

async function shareForm(share: ShareRecord, shares: UfsCloud['shares']) {
  return {
    VolumeName: share.name,
    VolumeId: share.id,
    TotalMountPointNum: share.mountPoints.filter(({ at }) => at !== 'opening').length,
    MaxMountPointNum: mountPointsPerShare,
    StorageType: share.storageType,
    ProtocolType: 'NFSv4',
    Remark: share.remark,
    Tag: share.tag,
    CreateTime: share.createdAt,
    ExpiredTime: share.createdAt + share.quantity * lasts(share.chargeType),
    Size: share.sizeGib,
    UsedSize: await shares.usedGib(share),
    IsExpired: 'No',
  };
}

/** @unit seconds for which one was paid */
function lasts(chargeType: string): number {
  return { Year: 365 * 86_400, Month: 30 * 86_400 }[chargeType] ?? 3600;
}
