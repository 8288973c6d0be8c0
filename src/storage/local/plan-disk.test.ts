import { expect, test } from 'vitest';
import type { BlockDevice } from '#host/block-devices.ts';
import { gibi } from '#unit/bytes.ts';
import { type DiskLook, explainDiskFault, planDisk } from './plan-disk.ts';

const device: BlockDevice = {
  name: 'nvme1n1',
  serial: 'S1',
  device: '259:1',
  size: gibi(100),
  isReadOnly: false,
  sequence: '7',
  users: [],
};
const blank = { is: 'read' as const, probe: { sees: 'nothing' as const }, scan: { found: [], nonZeroAt: undefined } };
const good: DiskLook = { target: 'nvme1n1', device, mountedAt: [], look: blank };
const link = '/dev/disk/by-id/nvme-S1';
const left = `it is left as it is. If nothing on it is needed, make it blank with blkdiscard --zeroout ${link}`;

test('a disk that is blank to two who look may become a volume', () => {
  expect(planDisk(good)).toEqual({ is: 'free', device });
});

test('a disk that nothing is against is free as long as it has not been read', () => {
  expect(planDisk({ ...good, look: undefined })).toEqual({ is: 'free', device });
});

test.each([
  [
    'that is not there',
    { target: undefined, device: undefined },
    'is not in the machine: look at ls -l /dev/disk/by-id for its name',
  ],
  [
    'that is a partition',
    { target: 'nvme1n1p1', device: undefined },
    'leads to nvme1n1p1, which is no whole disk: write the name without a part number',
  ],
  ['that can only be read', { device: { ...device, isReadOnly: true } }, 'can only be read'],
  ['without a medium', { device: { ...device, size: 0 as typeof device.size } }, 'has no size: is its medium in it?'],
  ['that is mounted', { mountedAt: ['/srv/data'] }, `is mounted at /srv/data: ${left}`],
  [
    'with partitions or LVM on it',
    { device: { ...device, users: ['dm-0', 'nvme1n1p1'] } },
    `has dm-0, nvme1n1p1 on it, which are partitions or what was built of it (LVM, RAID, encryption): ${left}`,
  ],
  ['that a program has open', { look: { is: 'busy' as const } }, `is in use by another program: ${left}`],
  [
    'that gives errors',
    { look: { is: 'unreadable' as const, why: 'EIO: i/o error, read' } },
    'cannot be read: EIO: i/o error, read',
  ],
  [
    'on which blkid alone sees something',
    { look: { ...blank, probe: { sees: 'one' as const, what: 'xfs', uuid: undefined } } },
    `holds xfs: ${left}`,
  ],
  [
    'on which our own scan alone sees something',
    { look: { ...blank, scan: { found: [{ what: 'LUKS', at: 0 }], nonZeroAt: 0 } } },
    `holds LUKS: ${left}`,
  ],
  [
    'on which both see the same',
    {
      look: {
        is: 'read' as const,
        probe: { sees: 'one' as const, what: 'ext4', uuid: 'u' },
        scan: { found: [{ what: 'ext4', at: 1024 }], nonZeroAt: 1024 },
      },
    },
    `holds ext4: ${left}`,
  ],
  [
    'with several signatures',
    { look: { ...blank, probe: { sees: 'several' as const } } },
    `holds signatures of several kinds: ${left}`,
  ],
  [
    'that holds what nobody knows',
    { look: { ...blank, scan: { found: [], nonZeroAt: 4096 } } },
    `holds something at byte 4096 that is no known format: ${left}`,
  ],
])('a disk %s is left as it is, and told with what a person can do', (_, more, told) => {
  const step = planDisk({ ...good, ...more });
  expect(step.is === 'refused' ? explainDiskFault(step.why, link) : step).toBe(told);
});
