import { gibi } from '#unit/bytes.ts';
import { parseIp } from '#unit/ip.ts';
import type { FileShare, MountPoint } from '../file-share.ts';
import { keyOf, ownerOf } from './parse-balancer.ts';
import { markOf } from './parse-machine.ts';
import type { MountPointSeen, Share } from './wire/shapes.ts';

/** What UCloud calls a kind. @source UCloud API reference, CreateUFSVolume (StorageType) */
export const shareKindNames: Readonly<Record<'basic' | 'advanced', string>> = { basic: 'Basic', advanced: 'Advanced' };

/** A file system as DescribeUFSVolume2 tells it. */
export function parseShare(seen: Share): FileShare {
  return {
    id: seen.VolumeId,
    name: seen.VolumeName ?? '',
    mark: markOf(seen.Tag),
    owner: ownerOf(seen.Remark),
    kind: keyOf(shareKindNames, seen.StorageType),
    size: gibi(seen.Size),
    used: seen.UsedSize === undefined ? undefined : gibi(seen.UsedSize),
    createdAt: seen.CreateTime ?? 0,
    mountPoints: { count: seen.TotalMountPointNum, most: seen.MaxMountPointNum },
  };
}

/** @source UCloud API reference, DescribeUFSVolumeMountpoint: MountPointIp is the address, a colon and what is mounted there */
export function parseMountPoint({ VpcId, SubnetId, MountPointIp = '' }: MountPointSeen): MountPoint {
  const [, address = MountPointIp, path = '/'] = /^([^:]*):(\/.*)$/.exec(MountPointIp) ?? [];
  return { vpc: VpcId, subnet: SubnetId, address: parseIp(address), path };
}
