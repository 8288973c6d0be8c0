import { expect, test } from 'vitest';
import { cgroupCommand, installCommand, timeSyncCommand } from './choose-commands.ts';

const os = (id: string, ...like: string[]) => ({ id, version: '1', name: id, like });
const all = ['containerd', 'ctr', 'runc', 'ip', 'nft', 'mount', 'modprobe', 'sysctl', 'systemctl', 'curl', 'sha256sum'];
const debian = 'containerd runc iproute2 nftables mount kmod procps systemd curl coreutils';
const docker =
  'dnf config-manager --add-repo https://download.docker.com/linux/centos/docker-ce.repo && dnf install -y';
const line = 'systemd.unified_cgroup_hierarchy=1';
const apt = {
  install: `apt-get install -y ${debian}`,
  time: 'apt-get install -y systemd-timesyncd',
  cgroup: `add ${line} to GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub and reboot`,
};
const dnf = {
  install: `${docker} containerd.io iproute nftables util-linux kmod procps-ng systemd curl coreutils`,
  time: 'dnf install -y chrony && systemctl enable --now chronyd',
  cgroup: `grubby --update-kernel=ALL --args=${line}, and reboot`,
};
const openEuler = {
  ...dnf,
  install: 'dnf install -y containerd /usr/bin/runc iproute nftables util-linux kmod procps-ng systemd curl coreutils',
};
const unknown = {
  install: `install them with the package manager of the system; on Debian: apt-get install -y ${debian}`,
  time: 'install chrony or systemd-timesyncd, and enable it',
  cgroup: `boot with ${line} on the kernel command line`,
};

test.each([
  ['Debian', os('debian'), apt],
  ['Ubuntu', os('ubuntu', 'debian'), apt],
  ['what is like Ubuntu', os('mint', 'ubuntu'), apt],
  ['Rocky', os('rocky'), dnf],
  ['RHEL', os('rhel', 'fedora'), dnf],
  ['Fedora', os('fedora'), dnf],
  ['CentOS', os('centos', 'rhel'), dnf],
  ['what is like Fedora alone', os('ol', 'fedora'), dnf],
  ['what is like RHEL alone', os('almalinux', 'rhel'), dnf],
  ['what is like CentOS alone', os('anolis', 'centos'), dnf],
  ['openEuler', os('openEuler'), openEuler],
  ['what is like openEuler', os('hce', 'openeuler', 'rhel'), openEuler],
  ['another system', os('alpine'), unknown],
  ['a system without a name', undefined, unknown],
])('commands of %s', (_title, system, { install, time, cgroup }) => {
  expect(installCommand(system, all)).toBe(install);
  expect(timeSyncCommand(system)).toBe(time);
  expect(cgroupCommand(system)).toBe(cgroup);
});

test('no repository is added for what the system has itself, and a command without a known package is named itself', () => {
  expect(installCommand(os('rocky'), ['nft', 'odd'])).toBe('dnf install -y nftables odd');
});
