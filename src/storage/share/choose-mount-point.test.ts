import { expect, test } from 'vitest';
import type { MountPoint } from '#cloud/file-share.ts';
import { ip } from '#unit/ip.ts';
import { chooseMountPoint } from './choose-mount-point.ts';

function point(vpc: string, subnet: string, address?: string): MountPoint {
  return { vpc, subnet, address: address === undefined ? undefined : ip(address), path: '/' };
}

test.each([
  ['there is none', [], undefined],
  ['it is in another VPC', [point('uvnet-2', 'subnet-1', '10.1.0.7')], undefined],
  ['it has no address yet', [point('uvnet-1', 'subnet-1')], undefined],
  ['it is in another subnet of the VPC', [point('uvnet-1', 'subnet-2', '10.9.1.7')], '10.9.1.7'],
  [
    'that of the own subnet has no address yet',
    [point('uvnet-1', 'subnet-1'), point('uvnet-1', 'subnet-2', '10.9.1.7')],
    '10.9.1.7',
  ],
  [
    'there are several',
    [point('uvnet-1', 'subnet-0', '10.9.2.7'), point('uvnet-1', 'subnet-1', '10.9.0.7')],
    '10.9.0.7',
  ],
])('the mount point of a share: %s', (_, points, address) => {
  expect(chooseMountPoint(points, { vpc: 'uvnet-1', subnet: 'subnet-1' })).toBe(address);
});
