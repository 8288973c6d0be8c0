import { expect, test } from 'vitest';
import { gibi, mebi } from '#unit/bytes.ts';
import { ms } from '#unit/clock.ts';
import { type Finding, type FindingName, reasons } from './findings.ts';
import { usualMachine } from './machine-facts.example.ts';
import type { MachineFacts } from './machine-facts.ts';
import { planChecks } from './plan-checks.ts';

const around = (change: Partial<MachineFacts['surroundings']>): Partial<MachineFacts> => ({
  surroundings: { ...usualMachine.surroundings, ...change },
});
const within = (change: Partial<MachineFacts['system']>): Partial<MachineFacts> => ({
  system: { ...usualMachine.system, ...change },
});
const resolver = (...nameservers: string[]) => ({ resolvers: [{ path: '/etc/resolv.conf', nameservers }] });

/**
 * One planted fault of a machine that is to be a control plane, and all that is found then: its weight, what and cure. `is-node` is found by
 * those alone who do not know the cluster.
 */
const planted: Readonly<
  Record<Exclude<FindingName, 'is-node'>, readonly [Partial<MachineFacts>, Finding['weight'], string, string]>
> = {
  'another-cluster': [
    { joined: true, memberOf: { server: 'https://10.1.1.1:6443', caHash: 'sha256:theirs' } },
    'fault',
    'it is a node of another cluster, that of https://10.1.1.1:6443',
    'if it can be removed from that cluster, run isthmus machine reset or kubeadm reset on it first',
  ],
  'not-root': [{ root: false }, 'fault', 'not running as root', 'run this as root, or with sudo'],
  architecture: [{ architecture: 'arm64' }, 'fault', 'processor architecture arm64', 'use an x86-64 machine'],
  'no-systemd': [{ systemd: false }, 'fault', 'systemd is not process 1', 'use a system that runs systemd'],
  'system-version': [
    within({ os: { id: 'rocky', version: '9.4', name: 'Rocky Linux 9.4', like: [] } }),
    'note',
    'the system is Rocky Linux 9.4',
    'use Debian 12, or try one machine first',
  ],
  'host-name': [
    within({ hostName: 'localhost' }),
    'note',
    'the host name is localhost',
    'hostnamectl set-hostname NAME',
  ],
  'host-name-unresolved': [
    within({ hostNameResolves: false }),
    'note',
    'the host name base-1 has no address',
    'add base-1 to /etc/hosts',
  ],
  'few-cpus': [{ cpu: 1 }, 'fault', '1 CPU', 'a control-plane needs 2'],
  'little-memory': [{ memory: mebi(1024) }, 'fault', '1024Mi of memory', 'a control-plane needs 1700Mi'],
  'little-disk': [
    { disk: { size: gibi(50), free: gibi(1) } },
    'fault',
    '1024Mi free under /var/lib',
    'make room; a control-plane needs 4Gi',
  ],
  'few-inodes': [
    within({ inodes: { size: 1000, free: 49 } }),
    'warning',
    '49 of 1000 inodes are free under /var/lib',
    'remove folders with many small files: du --inodes -x /var | sort -n | tail',
  ],
  'old-kernel': [
    { kernel: '5.10.0-28-amd64' },
    'fault',
    'kernel 5.10.0-28-amd64',
    'kube-proxy in nftables mode needs 5.13 or newer',
  ],
  'no-overlay': [
    { overlayFilesystem: false },
    'fault',
    'the kernel has no overlay file system',
    'load or install its module overlay',
  ],
  'no-conntrack': [
    { conntrackMax: undefined },
    'fault',
    'the kernel has no connection tracking',
    'load its module: modprobe nf_conntrack',
  ],
  'no-nftables': [{ nftables: false }, 'fault', 'nft list tables fails', 'load or install the kernel module nf_tables'],
  'cgroup-controllers': [
    within({ cgroupControllers: ['cpu', 'cpuset', 'pids'] }),
    'fault',
    'the kernel does not offer cgroup controllers: memory',
    'remove cgroup_disable= from the kernel command line, or use a kernel that has them',
  ],
  swap: [{ swapOn: true }, 'note', 'swap is on', 'swapoff -a, and remove its line from /etc/fstab'],
  inotify: [
    { inotifyInstances: 128 },
    'note',
    'fs.inotify.max_user_instances is 128',
    'write fs.inotify.max_user_instances = 1024 to /etc/sysctl.d/80-inotify.conf, then run sysctl --system',
  ],
  'cgroup-v1': [
    { cgroup: 'v1' },
    'note',
    'cgroup v1',
    'before an upgrade to 1.38: add systemd.unified_cgroup_hierarchy=1 to GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub and reboot',
  ],
  selinux: [
    within({ selinuxEnforcing: true }),
    'warning',
    'SELinux is enforcing',
    'try one machine first, or write SELINUX=permissive to /etc/selinux/config and run setenforce 0',
  ],
  'missing-commands': [
    { missingCommands: ['containerd', 'ctr'] },
    'fault',
    'missing commands: containerd, ctr',
    'apt-get install -y containerd',
  ],
  'old-containerd': [within({ containerd: '1.5.9' }), 'fault', 'containerd 1.5.9', 'install containerd 1.6 or newer'],
  'other-runtime': [
    within({ otherRuntimes: ['docker'] }),
    'note',
    'other container runtimes run here: docker',
    'if nothing else needs them: systemctl disable --now docker',
  ],
  'loopback-resolver': [
    resolver('127.0.0.53'),
    'fault',
    'no name server that pods can use: 127.0.0.53 in /etc/resolv.conf',
    'write the addresses of DNS servers that are not loopback to /etc/resolv.conf',
  ],
  'no-resolver': [
    resolver(),
    'warning',
    'no name server is configured',
    'write the addresses of your DNS servers to /etc/resolv.conf',
  ],
  'many-resolvers': [
    resolver('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'),
    'note',
    '/etc/resolv.conf names 4 name servers',
    'keep the best three',
  ],
  'legacy-forward': [
    around({ legacyForwardDrops: true }),
    'fault',
    'the FORWARD chain of iptables-legacy drops forwarded packets, those of pods among them',
    'run iptables-legacy -I FORWARD -i ist+ -j ACCEPT and iptables-legacy -I FORWARD -o ist+ -j ACCEPT, and save the rules so that they survive a reboot',
  ],
  'no-default-route': [
    around({ defaultRoute: false }),
    'warning',
    'no default route',
    'add a default route, or static routes to the VPC, the pod range and network.services',
  ],
  'forwarding-off': [
    around({ forwardingFiles: [{ path: '/etc/sysctl.d/99-cis.conf', on: false }] }),
    'warning',
    '/etc/sysctl.d/99-cis.conf switches net.ipv4.ip_forward off at boot, after the settings of Isthmus',
    'remove that line',
  ],
  'closed-forward': [
    around({ closedChains: ['ip filter FORWARD'] }),
    'note',
    'the nftables chain ip filter FORWARD drops forwarded packets (Docker, ufw or firewalld)',
    'Isthmus adds two rules to it that accept packets of pods; allow interfaces ist* in the configuration of that firewall as well',
  ],
  'closed-input': [
    within({ closedInput: ['inet filter input'] }),
    'warning',
    'the nftables chain inet filter input drops what it is not told to accept, and no rule names port 10250',
    'accept TCP port 10250 from the control plane, unless another rule accepts everything from it',
  ],
  proxy: [
    around({ proxyFiles: ['/etc/environment'] }),
    'note',
    'proxy variables are set in /etc/environment',
    'Isthmus and kubelet do not use them; for kubectl, curl and image pulls on this machine, add the networks of the cluster to no_proxy',
  ],
  'several-cards': [
    within({
      cards: [
        { link: 'eth0', address: '192.168.50.11', dynamic: false },
        { link: 'eth1', address: '10.0.0.5', dynamic: false },
      ],
    }),
    'note',
    'several network cards have addresses: eth0 192.168.50.11, eth1 10.0.0.5',
    'this machine reaches the API server by eth0 with 192.168.50.11; its address in cluster.yaml should be that one',
  ],
  'two-default-routes': [
    within({
      defaultRoutes: [
        { link: 'eth0', metric: 0 },
        { link: 'eth1', metric: 0 },
      ],
    }),
    'warning',
    'default routes of the same metric by eth0 and eth1',
    'keep one of them, or give the others a greater metric',
  ],
  'dhcp-address': [
    within({ cards: [{ link: 'eth0', address: '192.168.50.11', dynamic: true }] }),
    'note',
    'addresses that DHCP gave for a time: eth0 192.168.50.11',
    'reserve them on the DHCP server, or configure them statically; clouds keep the addresses of their machines',
  ],
  'path-mtu-silent': [
    within({ path: { link: 1500, passes: 1400, told: false } }),
    'warning',
    'packets of 1500 bytes to the API server are lost without an answer, those of 1400 pass',
    'let ICMP "fragmentation needed" (type 3 code 4) pass every firewall on the path, or set the MTU of the network card to 1400',
  ],
  'path-mtu': [
    within({ path: { link: 1500, passes: 1454, told: true } }),
    'note',
    'packets to the API server may have 1454 bytes, those of the link 1500',
    'nothing needs to be done while firewalls let ICMP pass',
  ],
  'cni-files': [
    { cniFiles: ['10-flannel.conflist'] },
    'note',
    '/etc/cni/net.d has 10-flannel.conflist of another program or an earlier cluster',
    'Isthmus does not use that folder and leaves it unchanged; if nothing else needs the files, remove them',
  ],
  'cni-links': [
    within({ cniLinks: ['cni0', 'flannel.1'] }),
    'warning',
    'links of another CNI plugin: cni0, flannel.1',
    'reboot after that plugin is removed, or: ip link delete cni0; ip link delete flannel.1',
  ],
  'packet-rules': [
    within({ foreignChains: ['ip nat KUBE-SERVICES', 'ip nat KUBE-NODEPORTS'] }),
    'warning',
    'packet filter rules of another cluster: ip nat KUBE-SERVICES and 1 more',
    'reboot after that cluster is removed, so that the rules are not loaded again',
  ],
  'other-distribution': [
    within({ otherDistributions: ['/var/lib/rancher/k3s'] }),
    'warning',
    'another Kubernetes distribution is installed: /var/lib/rancher/k3s',
    'run its uninstall program (k3s-uninstall.sh, rke2-uninstall.sh, k0s reset, snap remove microk8s) and remove the folder',
  ],
  'etcd-data': [
    within({ etcdData: true }),
    'warning',
    '/var/lib/etcd has the data of a cluster',
    'if nobody needs that cluster any more, run isthmus machine reset and move /var/lib/etcd away',
  ],
  'left-containers': [
    within({ containers: 3 }),
    'warning',
    '3 containers run in the containerd namespace k8s.io',
    'run isthmus machine reset; ctr -n k8s.io tasks ls lists them',
  ],
  'taken-ports': [
    { takenPorts: [6443] },
    'fault',
    'port 6443 is already in use',
    'find the program with ss -tlnp and stop it; if the machine is an old node, run isthmus machine reset on it',
  ],
  'no-pod-way': [
    { silentPods: [{ pod: '10.9.0.31', why: 'no answer within 5 s' }] },
    'warning',
    'cannot reach the pod 10.9.0.31: no answer within 5 s',
    "isthmus routes shows which routes the site's gateway needs; firewalls must let the pod ranges and the machines reach each other, in both directions",
  ],
  'no-bundle': [
    { bundleFault: 'connect ECONNREFUSED' },
    'fault',
    'cannot reach the bundle server: connect ECONNREFUSED',
    'allow traffic from this machine to bundle.url',
  ],
  'no-api': [
    { apiFault: 'no answer within 20 s' },
    'fault',
    'cannot reach the API server: no answer within 20 s',
    'allow traffic from this machine to its port 6443',
  ],
  clock: [
    { clockAhead: ms(-180_000) },
    'fault',
    'the clock is 3 min 00 s behind that of the bundle server',
    'correct the one that is wrong, such as by switching time synchronisation on: timedatectl set-ntp true',
  ],
  'no-time-sync': [
    within({ timeSync: [] }),
    'note',
    'no program keeps the clock right (systemd-timesyncd, chrony, ntpd)',
    'apt-get install -y systemd-timesyncd',
  ],
};

test.each(Object.entries(planted))('planted: %s', (name, [change, weight, what, cure]) => {
  const seen = { ...usualMachine, ...change };
  const against = { clock: 'the bundle server', cluster: { caHash: 'sha256:ours' } } as const;
  expect(planChecks(seen, 'control-plane', against)).toEqual([
    { name, weight, what, why: reasons[name as FindingName], cure },
  ]);
});

test('a machine that is a node already says so to those who do not know the cluster', () => {
  const memberOf = { server: 'https://10.1.1.1:6443', caHash: 'sha256:theirs' };
  expect(planChecks({ ...usualMachine, joined: true, memberOf }, 'node')).toEqual([
    {
      name: 'is-node',
      weight: 'note',
      what: 'it is a node of the cluster of https://10.1.1.1:6443',
      why: reasons['is-node'],
      cure: 'if that is not the cluster that it is to join, run isthmus machine reset or kubeadm reset on it first',
    },
  ]);
});

test('a firewalld that drops everything is opened by its own command', () => {
  const seen = { ...usualMachine, ...within({ closedInput: ['inet firewalld filter_INPUT'] }) };
  const against = { clock: 'the bundle server', cluster: 'none' } as const;
  expect(planChecks(seen, 'node', against)).toMatchObject([
    { name: 'closed-input', cure: 'firewall-cmd --permanent --add-port=10250/tcp && firewall-cmd --reload' },
  ]);
});
