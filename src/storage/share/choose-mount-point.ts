import type { MountPoint } from '#cloud/file-share.ts';
import type { Ip } from '#unit/ip.ts';

/** Where machines of a VPC mount a share: the mount point of their own subnet, or else any of their VPC. @shape undefined: none that has its address */
export function chooseMountPoint(
  points: readonly MountPoint[],
  { vpc, subnet }: { readonly vpc: string; readonly subnet: string },
): Ip | undefined {
  const near = points.filter((one) => one.vpc === vpc && one.address !== undefined);
  return (near.find((one) => one.subnet === subnet) ?? near[0])?.address;
}
