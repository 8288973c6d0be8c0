import type { SystemFacts } from './system-facts.ts';

type Os = SystemFacts['os'];

/** How programs are installed, by the family of the distribution; `undefined`: not known. */
function familyOf(os: Os): 'apt' | 'dnf' | 'openeuler' | undefined {
  if (os === undefined) return undefined;
  const names = [os.id.toLowerCase(), ...os.like];
  if (names.includes('openeuler')) return 'openeuler';
  if (names.some((name) => ['debian', 'ubuntu'].includes(name))) return 'apt';
  return names.some((name) => ['rhel', 'fedora', 'centos', 'rocky'].includes(name)) ? 'dnf' : undefined;
}

const debianPackages: Readonly<Record<string, string>> = {
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  ip: 'iproute2',
  nft: 'nftables',
  mount: 'mount',
  modprobe: 'kmod',
  sysctl: 'procps',
  systemctl: 'systemd',
  curl: 'curl',
  sha256sum: 'coreutils',
};
const rpmPackages: Readonly<Record<string, string>> = {
  ...debianPackages,
  ip: 'iproute',
  mount: 'util-linux',
  sysctl: 'procps-ng',
  // By its path: the package has been called otherwise.
  runc: '/usr/bin/runc',
};

/** Rocky and its kin have no containerd of their own; that of Docker has runc in it. @source https://docs.docker.com/engine/install/centos/ */
const dockersPackages: Readonly<Record<string, string>> = {
  ...rpmPackages,
  containerd: 'containerd.io',
  ctr: 'containerd.io',
  runc: 'containerd.io',
};
const dockersRepository = 'dnf config-manager --add-repo https://download.docker.com/linux/centos/docker-ce.repo';

/** What installs these commands on this system. */
export function installCommand(os: Os, commands: readonly string[]): string {
  const family = familyOf(os);
  const packages = (names: Readonly<Record<string, string>>): string =>
    [...new Set(commands.map((command) => names[command] ?? command))].join(' ');
  if (family === 'apt') return `apt-get install -y ${packages(debianPackages)}`;
  if (family === 'openeuler') return `dnf install -y ${packages(rpmPackages)}`;
  if (family === undefined)
    return `install them with the package manager of the system; on Debian: apt-get install -y ${packages(debianPackages)}`;
  const install = `dnf install -y ${packages(dockersPackages)}`;
  return install.includes('containerd.io') ? `${dockersRepository} && ${install}` : install;
}

/** What keeps the clock right from then on. */
export function timeSyncCommand(os: Os): string {
  const family = familyOf(os);
  if (family === 'apt') return 'apt-get install -y systemd-timesyncd';
  if (family === undefined) return 'install chrony or systemd-timesyncd, and enable it';
  return 'dnf install -y chrony && systemctl enable --now chronyd';
}

/** What boots the machine with cgroup v2. */
export function cgroupCommand(os: Os): string {
  const argument = 'systemd.unified_cgroup_hierarchy=1';
  const family = familyOf(os);
  if (family === 'apt') return `add ${argument} to GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub and reboot`;
  if (family === undefined) return `boot with ${argument} on the kernel command line`;
  return `grubby --update-kernel=ALL --args=${argument}, and reboot`;
}
