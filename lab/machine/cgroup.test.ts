import { expect, test } from 'vitest';
import { parseCgroups } from './cgroup.ts';

test('a computer with one tree of control groups is v2', () => {
  const mounts = 'proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n';
  expect(parseCgroups(mounts)).toEqual({ kind: 'v2', hierarchies: ['/sys/fs/cgroup'] });
});

test('a computer with v1 hierarchies is v1, and the v2 tree beside them is one more', () => {
  const mounts = `tmpfs /sys/fs/cgroup tmpfs ro 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0
`;
  expect(parseCgroups(mounts)).toEqual({
    kind: 'v1',
    hierarchies: ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'],
  });
});
