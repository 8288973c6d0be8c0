import { type Bytes, formatBytes, gibi } from '#unit/bytes.ts';
import type { FileShare, FileShareKind, FileShareWish, MountPoint, MountPointWish } from '../file-share.ts';
import { gibOf } from './disk-kinds.ts';
import { chargeNames, ownerRemark } from './parse-balancer.ts';
import { tagOf } from './parse-machine.ts';
import { shareKindNames } from './parse-share.ts';
import { faultsOfCharge } from './plan-disk.ts';
import type { Refusal } from './refusal.ts';
import type { Params } from './wire/sign.ts';

const step = gibi(100);

/** @source UCloud API reference, CreateUFSVolume (Size); UCloud product manual of UFS, limits */
export const shareKinds: Readonly<Record<keyof typeof shareKindNames, FileShareKind>> = {
  basic: { least: gibi(500), most: gibi(100_000), step },
  advanced: { least: gibi(100), most: gibi(20_000), step },
};

export type ShareStep = { readonly do: 'create'; readonly params: Params } | Refusal;

/** The one request that makes this file share, or all that is wrong with the wish. @source UCloud API reference, CreateUFSVolume */
export function planShare(wish: FileShareWish): ShareStep {
  const faults = [...faultsOfName(wish.name), ...faultsOfCharge(wish), ...faultsOfSize(wish.kind, wish.size)];
  if (!/^[A-Za-z0-9._-]{1,48}$/.test(wish.mark))
    faults.push(`mark "${wish.mark}" is not 1 to 48 of A-Z, a-z, 0-9 and ._-, write shop`);
  if (faults.length > 0) return { do: 'refuse', kind: 'invalid', why: faults.join('; ') };
  return {
    do: 'create',
    params: {
      Zone: wish.zone,
      VolumeName: wish.name,
      Tag: tagOf(wish.mark),
      Remark: ownerRemark(wish.owner),
      Size: gibOf(wish.size),
      StorageType: isSold(wish.kind) ? shareKindNames[wish.kind] : undefined,
      ProtocolType: 'NFSv4',
      // Left out it is by the hour, which not every account may have: what was wished is said.
      ChargeType: chargeNames[wish.charge],
      ...(wish.charge !== 'hour' && { Quantity: wish.quantity }),
    },
  };
}

function isSold(kind: string): kind is keyof typeof shareKinds {
  return Object.hasOwn(shareKinds, kind);
}

function faultsOfName(name: string): string[] {
  return /^[A-Za-z0-9_-]{6,63}$/.test(name)
    ? []
    : [`name "${name}" is not 6 to 63 of A-Z, a-z, 0-9, - and _, write shop-files`];
}

function faultsOfSize(kind: string, size: Bytes): readonly string[] {
  if (!isSold(kind))
    return [`file shares of kind "${kind}" are not sold, write one of ${Object.keys(shareKinds).join(', ')}`];
  const { least, most } = shareKinds[kind];
  if (size >= least && size <= most && size % step === 0) return [];
  const range = `${formatBytes(least)} to ${formatBytes(most)} in steps of ${formatBytes(step)}`;
  return [`size ${formatBytes(size)} is not sold for kind ${kind}, only ${range}`];
}

export type GrowShareStep = { readonly do: 'done' | 'grow' } | Refusal;

export function planGrowShare(share: FileShare, to: Bytes): GrowShareStep {
  if (share.size >= to) return { do: 'done' };
  const [fault] = share.kind === undefined ? [] : faultsOfSize(share.kind, to);
  return fault === undefined ? { do: 'grow' } : { do: 'refuse', kind: 'invalid', why: fault };
}

export type OpenStep = { readonly do: 'done' } | { readonly do: 'open'; readonly params: Params } | Refusal;

/** What is left to do to let a subnet reach the share. @shape most: how many mount points it may have; 0 when the cloud does not say */
export function planOpen(
  id: string,
  wish: MountPointWish,
  seen: { readonly mountPoints: readonly MountPoint[]; readonly most: number },
): OpenStep {
  const { mountPoints, most } = seen;
  if (mountPoints.some((one) => isAt(one, wish))) return { do: 'done' };
  const [fault] = faultsOfName(wish.name);
  if (fault !== undefined) return { do: 'refuse', kind: 'invalid', why: fault };
  if (most > 0 && mountPoints.length >= most) {
    const subnets = mountPoints.map(({ subnet }) => subnet).join(', ');
    return {
      do: 'refuse',
      kind: 'quota',
      why: `file share ${id} has ${most} mount points, as many as it may: ${subnets}`,
    };
  }
  const params = { VolumeId: id, MountPointName: wish.name, VpcId: wish.vpc, SubnetId: wish.subnet };
  return { do: 'open', params };
}

export function isAt(one: MountPoint, { vpc, subnet }: Pick<MountPoint, 'vpc' | 'subnet'>): boolean {
  return one.vpc === vpc && one.subnet === subnet;
}
