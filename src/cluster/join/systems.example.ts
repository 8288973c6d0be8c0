/**
 * Systems that the lab does not have, as their makers and users write of them in public: what the look at a machine prints there. No line of it was made up;
 * what no source tells is left as the usual machine has it.
 */
export interface RecordedSystem {
  readonly title: string;
  /** Where each of the facts is from. */
  readonly sources: readonly string[];
  /** /etc/os-release, as far as it is read. */
  readonly osRelease: string;
  /** As `uname -r`, as far as the source has it. */
  readonly kernel: string;
  readonly cgroup: 'v1' | 'v2';
  readonly selinuxEnforcing: boolean;
  readonly firewalld: boolean;
  /** Name servers of /etc/resolv.conf and of the files beside it. */
  readonly resolvers: readonly { readonly path: string; readonly nameservers: readonly string[] }[];
}

const plainResolver = [{ path: '/etc/resolv.conf', nameservers: ['10.0.0.53'] }];
const resolvedsOwn = [
  { path: '/etc/resolv.conf', nameservers: ['127.0.0.53'] },
  { path: '/run/systemd/resolve/resolv.conf', nameservers: ['10.0.0.53'] },
];

export const recordedSystems: readonly RecordedSystem[] = [
  {
    title: 'Ubuntu 22.04',
    sources: [
      '/etc/os-release of 22.04.5 as printed in public repositories',
      'kernel 5.15: https://www.phoronix.com/news/Ubuntu-22.04-LTS-Linux-5.15',
      'cgroup v2 since 21.10: https://www.oschina.net/news/155959/ubuntu-21-10-willsupport-cgroupsv2',
      'the stub resolver 127.0.0.53 and the file beside it: man systemd-resolved',
    ],
    osRelease: `PRETTY_NAME="Ubuntu 22.04.5 LTS"
NAME="Ubuntu"
VERSION_ID="22.04"
ID=ubuntu
ID_LIKE=debian`,
    kernel: '5.15.0',
    cgroup: 'v2',
    selinuxEnforcing: false,
    firewalld: false,
    resolvers: resolvedsOwn,
  },
  {
    title: 'Ubuntu 24.04',
    sources: [
      '/etc/os-release of 24.04.2 as printed in public repositories',
      'kernel 6.8: /proc/version of 24.04 as printed there',
      'cgroup v2 as 22.04; the stub resolver as 22.04',
    ],
    osRelease: `PRETTY_NAME="Ubuntu 24.04.2 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION="24.04.2 LTS (Noble Numbat)"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian`,
    kernel: '6.8.0-31-generic',
    cgroup: 'v2',
    selinuxEnforcing: false,
    firewalld: false,
    resolvers: resolvedsOwn,
  },
  {
    title: 'Rocky Linux 9',
    sources: [
      '/etc/os-release of 9.6 as printed in public repositories',
      'kernel 5.14 and cgroup v2 by default: Red Hat, Considerations in adopting RHEL 9, chapter Kernel',
      'firewalld runs, its forward chain accepts by policy and ends with a reject: nft list ruleset as printed in public repositories',
      'containerd from the repository of Docker: https://docs.docker.com/engine/install/centos/',
    ],
    osRelease: `NAME="Rocky Linux"
VERSION="9.6 (Blue Onyx)"
ID="rocky"
ID_LIKE="rhel centos fedora"
VERSION_ID="9.6"
PLATFORM_ID="platform:el9"
PRETTY_NAME="Rocky Linux 9.6 (Blue Onyx)"`,
    kernel: '5.14.0',
    cgroup: 'v2',
    selinuxEnforcing: true,
    firewalld: true,
    resolvers: plainResolver,
  },
  {
    title: 'openEuler 24.03',
    sources: [
      '/etc/os-release and kernel 6.6.0-28.0.0.34.oe2403.x86_64 as printed in public repositories',
      '/sys/fs/cgroup is a tmpfs, so cgroup v1: an openEuler 24.03 server as reported in a public repository',
      'package containerd, firewalld and SELinux to be dealt with: openEuler, Kubernetes Cluster Deployment Guide Based on containerd',
    ],
    osRelease: `NAME="openEuler"
VERSION="24.03 (LTS)"
ID="openEuler"
VERSION_ID="24.03"
PRETTY_NAME="openEuler 24.03 (LTS)"`,
    kernel: '6.6.0-28.0.0.34.oe2403.x86_64',
    cgroup: 'v1',
    selinuxEnforcing: true,
    firewalld: true,
    resolvers: plainResolver,
  },
  {
    title: 'openEuler 22.03',
    sources: [
      '/etc/os-release and kernel 5.10.0-216.0.0.115.oe2203sp4.x86_64 as printed in public repositories',
      'firewalld, SELinux and cgroup v1 as 24.03',
    ],
    osRelease: `NAME="openEuler"
VERSION="22.03 (LTS-SP4)"
ID="openEuler"
VERSION_ID="22.03"
PRETTY_NAME="openEuler 22.03 (LTS-SP4)"`,
    kernel: '5.10.0-216.0.0.115.oe2203sp4.x86_64',
    cgroup: 'v1',
    selinuxEnforcing: true,
    firewalld: true,
    resolvers: plainResolver,
  },
];
