import { type Action, place, text } from '../gateway/declare.ts';
import { notValid, Refusal } from '../gateway/refusal.ts';
import { chooseAddresses } from '../vpc/choose-address.ts';
import { rangeOf, subnetOf, takenIn, vpcOf } from '../vpc/lookup.ts';
import { action, type UfsCloud } from './cloud.ts';
import { codes, mountPointsPerShare } from './limits.ts';
import { shareOf } from './share.ts';
import type { MountPointRecord } from './state.ts';

const named = { ...place, VolumeId: text };
const home = { VpcId: text, SubnetId: text };

/**
 * Where file systems are reached: one mount point for each subnet. 65126: none, or no such file system; 8847: the subnet is out of
 * addresses.
 * @source UCloud API reference, ufs-api; 65126 as terraform-provider-ucloud reads it
 */
export const mountPointActions: Readonly<Record<string, Action<UfsCloud>>> = {
  AddUFSVolumeMountPoint: action({ ...named, ...home, MountPointName: text }, (args, { state, shares, now }) => {
    const share = shareOf(args.VolumeId, state);
    if (share.at !== 'ready') throw new Refusal(codes.inUse, `${share.id} is not Initialized`);
    const [vpc, subnet] = [vpcOf(args.VpcId, state), subnetOf(args.SubnetId, state)];
    if (subnet.vpc !== vpc.id) throw notValid('SubnetId', `${subnet.id} is a subnet of ${subnet.vpc}`);
    if (share.mountPoints.some((one) => one.subnet === subnet.id))
      throw new Refusal(codes.taken, `${share.id} has a mount point in ${subnet.id}`);
    if (share.mountPoints.length >= mountPointsPerShare)
      throw new Refusal(codes.quota, `${share.id} has ${mountPointsPerShare} mount points, the most that it takes`);
    const [ip] = chooseAddresses(rangeOf(subnet), takenIn(subnet.id, state), 1);
    if (ip === undefined) throw new Refusal(8847, `${subnet.id} is out of addresses`);
    const at: MountPointRecord = {
      name: args.MountPointName,
      vpc: vpc.id,
      subnet: subnet.id,
      ip,
      createdAt: Math.floor(now() / 1000),
      at: 'opening',
    };
    share.mountPoints = [...share.mountPoints, at];
    shares.open(share, at);
    return {};
  }),

  DescribeUFSVolumeMountpoint: action(named, (args, { state }) => {
    const share = shareOf(args.VolumeId, state);
    const listed = share.mountPoints.filter(({ at }) => at !== 'opening');
    if (listed.length === 0) throw new Refusal(codes.gone, `UFS ${share.id} has no mount point`);
    return {
      TotalMountPointNum: listed.length,
      MaxMountPointNum: mountPointsPerShare,
      DataSet: listed.map(({ name, vpc, subnet, ip, createdAt }) => ({
        MountPointName: name,
        VpcId: vpc,
        SubnetId: subnet,
        MountPointIp: `${ip}:/`,
        CreateTime: createdAt,
        SubnetDescription: `${subnet}(${subnetOf(subnet, state).cidr})`,
      })),
    };
  }),

  RemoveUFSVolumeMountPoint: action({ ...named, ...home }, (args, { state, shares }) => {
    const share = shareOf(args.VolumeId, state);
    const at = share.mountPoints.find(({ vpc, subnet }) => vpc === args.VpcId && subnet === args.SubnetId);
    if (at === undefined) throw new Refusal(codes.gone, `UFS ${share.id} has no mount point in ${args.SubnetId}`);
    if (at.at === 'opening') throw new Refusal(codes.inUse, 'the mount point is being made');
    if (at.at === 'open') {
      at.at = 'closing';
      shares.close(share, at);
    }
    return {};
  }),
};
