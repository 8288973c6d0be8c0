import assert from 'node:assert/strict';
import { test } from 'vitest';
import { formatShown, parseMounts } from './block-disk.ts';

test('mounts of a device are told apart from those of all others, with blanks in their names', () => {
  const mountinfo = `22 28 0:20 / /sys rw,nosuid - sysfs sysfs rw
597 474 7:0 / /mnt rw,relatime shared:293 - ext4 /dev/vdb rw
598 474 7:0 /sub /var/lib/with\\040blank rw,relatime - ext4 /dev/vdb rw
599 474 7:10 / /other rw,relatime - ext4 /dev/vdc rw
`;
  assert.deepEqual(parseMounts(mountinfo, '7:0'), ['/mnt', '/var/lib/with blank']);
  assert.deepEqual(parseMounts(mountinfo, '7:1'), []);
});

test('a disk is a line for the boot: its name, its device and its serial', () => {
  const disk = { device: '/dev/vdb', loop: { name: 'loop3', number: '7:3' }, id: 'bs-1' };
  assert.equal(formatShown(disk), 'vdb loop3 7:3 bs-1\n');
});
