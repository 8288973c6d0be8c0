import { expect, test } from 'vitest';
import { mountAt, parseMounts } from './mounts.ts';

const table = `\
2029 1907 0:93 / / rw,relatime - overlay machine rw,lowerdir=/tree
1908 2029 7:0 / /var/lib/kubelet/stage rw,relatime shared:12 master:3 - ext4 /dev/vdb rw
1909 2029 7:0 /sub /var/lib/kubelet/a\\040pod ro,noatime - ext4 /dev/vdb rw
1910 2029 7:1 / /var/lib/kubelet/broken rw,relatime - xfs /dev/vdc ro,nouuid
1911 1908 7:2 / /var/lib/kubelet/stage rw - ext4 /dev/vdd rw
`;

test('reads what the kernel tells of each mount, whatever optional fields there are', () => {
  const mounts = parseMounts(table);
  expect(mounts).toHaveLength(5);
  expect(mounts[2]).toEqual({
    path: '/var/lib/kubelet/a pod',
    device: '7:0',
    root: '/sub',
    type: 'ext4',
    source: '/dev/vdb',
    isReadOnly: true,
    options: ['ro', 'noatime'],
    superOptions: ['rw'],
  });
});

test('a file system that went read-only is read-only at every path', () => {
  expect(mountAt(parseMounts(table), '/var/lib/kubelet/broken')?.isReadOnly).toBe(true);
});

test('of two mounts at one path the upper one is seen', () => {
  expect(mountAt(parseMounts(table), '/var/lib/kubelet/stage')?.device).toBe('7:2');
  expect(mountAt(parseMounts(table), '/var/lib/kubelet')).toBeUndefined();
});
