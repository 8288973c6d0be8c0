import { type Bytes, formatBytes, gibi, mebi } from '#unit/bytes.ts';
import { formatMs, type Ms } from '#unit/clock.ts';
import { cgroupCommand, installCommand } from './choose-commands.ts';
import { namesLoopbackAlone } from './choose-resolver.ts';
import { type Finding, fault, note, warning } from './findings.ts';
import type { MachineFacts } from './machine-facts.ts';
import { checkIdentity, checkNetwork, checkRemains, checkSupport } from './plan-system-checks.ts';
import { ownSysctlFile } from './surroundings.ts';

export type Role = 'control-plane' | 'node';

/** What the role listens on. @source kubeadm 1.36 preflight checks */
export function portsOf(role: Role): readonly number[] {
  return role === 'control-plane' ? [2379, 2380, 6443, 10250, 10257, 10259] : [10250];
}

/** What each role needs of a machine. */
export const least: Readonly<Record<Role, { cpu: number; memory: Bytes; disk: Bytes }>> = {
  // kubeadm refuses a control plane below 2 CPUs or 1700 MB.
  'control-plane': { cpu: 2, memory: mebi(1700), disk: gibi(4) },
  node: { cpu: 1, memory: mebi(900), disk: gibi(3) },
};
const largestSkew = 30_000 as Ms;

/** What the clock of the machine was compared with, and to which cluster it may belong already. */
export interface CheckedAgainst {
  readonly clock: 'the bundle server' | "the operator's computer";
  /** Ours, by the hash of its authority; `none` while there is none; `unknown`: not for the one who asks to say. */
  readonly cluster: { readonly caHash: string } | 'none' | 'unknown';
}

/** All that is wrong with a machine that is to take this role, faults first. */
export function planChecks(
  seen: MachineFacts,
  role: Role,
  against: CheckedAgainst = { clock: 'the bundle server', cluster: 'unknown' },
): readonly Finding[] {
  const found = [
    ...checkMembership(seen, against),
    ...checkSystem(seen),
    ...checkIdentity(seen),
    ...checkSize(seen, role),
    ...checkKernel(seen),
    ...checkSupport(seen),
    ...checkSoftware(seen),
    ...checkResolver(seen),
    ...checkSurroundings(seen),
    ...checkNetwork(seen),
    ...checkLeftovers(seen),
    ...checkRemains(seen, role),
    ...checkPorts(seen),
    ...checkWays(seen),
    ...checkClock(seen, against),
  ];
  return found.toSorted((a, b) => weights.indexOf(a.weight) - weights.indexOf(b.weight));
}

const weights: readonly Finding['weight'][] = ['fault', 'warning', 'note'];

function checkSystem(seen: MachineFacts): Finding[] {
  const found: Finding[] = [];
  if (!seen.root) found.push(fault('not-root', 'not running as root', 'run this as root, or with sudo'));
  if (seen.architecture !== 'x64')
    found.push(fault('architecture', `processor architecture ${seen.architecture}`, 'use an x86-64 machine'));
  if (!seen.systemd) found.push(fault('no-systemd', 'systemd is not process 1', 'use a system that runs systemd'));
  return found;
}

function checkSize(seen: MachineFacts, role: Role): Finding[] {
  const { cpu, memory, disk } = least[role];
  const found: Finding[] = [];
  if (seen.cpu < cpu) found.push(fault('few-cpus', `${seen.cpu} CPU`, `a ${role} needs ${cpu}`));
  if (seen.memory < memory)
    found.push(fault('little-memory', `${inMi(seen.memory)} of memory`, `a ${role} needs ${formatBytes(memory)}`));
  if (!seen.joined && seen.disk.free < disk)
    found.push(
      fault(
        'little-disk',
        `${inMi(seen.disk.free)} free under /var/lib`,
        `make room; a ${role} needs ${formatBytes(disk)}`,
      ),
    );
  return found;
}

function inMi(amount: Bytes): string {
  return `${Math.floor(amount / mebi(1))}Mi`;
}

function checkKernel(seen: MachineFacts): Finding[] {
  const found: Finding[] = [];
  const [major = 0, minor = 0] = seen.kernel.split('.').map(Number);
  if (major < 5 || (major === 5 && minor < 13))
    found.push(fault('old-kernel', `kernel ${seen.kernel}`, 'kube-proxy in nftables mode needs 5.13 or newer'));
  if (!seen.overlayFilesystem)
    found.push(fault('no-overlay', 'the kernel has no overlay file system', 'load or install its module overlay'));
  if (seen.conntrackMax === undefined)
    found.push(
      fault('no-conntrack', 'the kernel has no connection tracking', 'load its module: modprobe nf_conntrack'),
    );
  if (!seen.nftables && !seen.missingCommands.includes('nft'))
    found.push(fault('no-nftables', 'nft list tables fails', 'load or install the kernel module nf_tables'));
  if (seen.swapOn) found.push(note('swap', 'swap is on', 'swapoff -a, and remove its line from /etc/fstab'));
  if (seen.inotifyInstances < 256)
    found.push(
      note(
        'inotify',
        `fs.inotify.max_user_instances is ${seen.inotifyInstances}`,
        'write fs.inotify.max_user_instances = 1024 to /etc/sysctl.d/80-inotify.conf, then run sysctl --system',
      ),
    );
  if (seen.cgroup === 'v1')
    found.push(note('cgroup-v1', 'cgroup v1', `before an upgrade to 1.38: ${cgroupCommand(seen.system.os)}`));
  return found;
}

function checkSoftware(seen: MachineFacts): Finding[] {
  if (seen.missingCommands.length === 0) return [];
  const { missingCommands, system } = seen;
  return [
    fault(
      'missing-commands',
      `missing commands: ${missingCommands.join(', ')}`,
      installCommand(system.os, missingCommands),
    ),
  ];
}

function checkResolver({ resolvers }: MachineFacts): Finding[] {
  if (!namesLoopbackAlone(resolvers)) return [];
  const named = resolvers.flatMap(({ path, nameservers }) => nameservers.map((address) => `${address} in ${path}`));
  return [
    fault(
      'loopback-resolver',
      `no name server that pods can use: ${named.join(', ')}`,
      'write the addresses of DNS servers that are not loopback to /etc/resolv.conf',
    ),
  ];
}

/** What the agent sets right by itself is a note; what it cannot is told before the join. */
function checkSurroundings({ surroundings }: MachineFacts): Finding[] {
  const { proxyFiles, defaultRoute, closedChains, legacyForwardDrops } = surroundings;
  const found: Finding[] = [];
  if (legacyForwardDrops)
    found.push(
      fault(
        'legacy-forward',
        'the FORWARD chain of iptables-legacy drops forwarded packets, those of pods among them',
        'run iptables-legacy -I FORWARD -i ist+ -j ACCEPT and iptables-legacy -I FORWARD -o ist+ -j ACCEPT, and save the rules so that they survive a reboot',
      ),
    );
  if (!defaultRoute)
    found.push(
      warning(
        'no-default-route',
        'no default route',
        'add a default route, or static routes to the VPC, the pod range and network.services',
      ),
    );
  const off = offAtBoot(surroundings);
  if (off !== undefined)
    found.push(
      warning(
        'forwarding-off',
        `${off} switches net.ipv4.ip_forward off at boot, after the settings of Isthmus`,
        'remove that line',
      ),
    );
  for (const chain of closedChains)
    found.push(
      note(
        'closed-forward',
        `the nftables chain ${chain} drops forwarded packets (Docker, ufw or firewalld)`,
        'Isthmus adds two rules to it that accept packets of pods; allow interfaces ist* in the configuration of that firewall as well',
      ),
    );
  if (proxyFiles.length > 0)
    found.push(
      note(
        'proxy',
        `proxy variables are set in ${proxyFiles.join(', ')}`,
        'Isthmus and kubelet do not use them; for kubectl, curl and image pulls on this machine, add the networks of the cluster to no_proxy',
      ),
    );
  return found;
}

/** Of the files that the system reads after ours, the one that decides, when it decides against forwarding. */
function offAtBoot({ forwardingFiles }: MachineFacts['surroundings']): string | undefined {
  const last = forwardingFiles.at(-1);
  const isLater = last !== undefined && last.path.slice(last.path.lastIndexOf('/') + 1) > ownSysctlFile;
  return isLater && !last.on ? last.path : undefined;
}

function checkLeftovers({ cniFiles }: MachineFacts): Finding[] {
  if (cniFiles.length === 0) return [];
  return [
    note(
      'cni-files',
      `/etc/cni/net.d has ${cniFiles.join(', ')} of another program or an earlier cluster`,
      'Isthmus does not use that folder and leaves it unchanged; if nothing else needs the files, remove them',
    ),
  ];
}

function checkPorts(seen: MachineFacts): Finding[] {
  // A node's own kubelet holds them after a join.
  if (seen.joined || seen.takenPorts.length === 0) return [];
  const [first, ...more] = seen.takenPorts;
  const what = more.length === 0 ? `port ${first} is` : `ports ${seen.takenPorts.join(', ')} are`;
  const cure =
    'find the program with ss -tlnp and stop it; if the machine is an old node, run isthmus machine reset on it';
  return [fault('taken-ports', `${what} already in use`, cure)];
}

function checkWays(seen: MachineFacts): Finding[] {
  const found: Finding[] = [];
  if (seen.bundleFault !== undefined)
    found.push(
      fault(
        'no-bundle',
        `cannot reach the bundle server: ${seen.bundleFault}`,
        'allow traffic from this machine to bundle.url',
      ),
    );
  if (seen.apiFault !== undefined)
    found.push(
      fault(
        'no-api',
        `cannot reach the API server: ${seen.apiFault}`,
        'allow traffic from this machine to its port 6443',
      ),
    );
  for (const { pod, why } of seen.silentPods)
    found.push(
      warning(
        'no-pod-way',
        `cannot reach the pod ${pod}: ${why}`,
        "isthmus routes shows which routes the site's gateway needs; firewalls must let the pod ranges and the machines reach each other, in both directions",
      ),
    );
  return found;
}

function checkClock({ clockAhead }: MachineFacts, { clock }: CheckedAgainst): Finding[] {
  if (clockAhead === undefined || Math.abs(clockAhead) <= largestSkew) return [];
  const by = formatMs(Math.abs(clockAhead) as Ms);
  const side = clockAhead > 0 ? 'ahead of' : 'behind';
  const cure = 'correct the one that is wrong, such as by switching time synchronisation on: timedatectl set-ntp true';
  return [fault('clock', `the clock is ${by} ${side} that of ${clock}`, cure)];
}

function checkMembership({ memberOf }: MachineFacts, { cluster }: CheckedAgainst): Finding[] {
  if (memberOf === undefined) return [];
  if (cluster === 'unknown')
    return [
      note(
        'is-node',
        `it is a node of the cluster of ${memberOf.server}`,
        'if that is not the cluster that it is to join, run isthmus machine reset or kubeadm reset on it first',
      ),
    ];
  if (cluster !== 'none' && memberOf.caHash === cluster.caHash) return [];
  const cure = 'if it can be removed from that cluster, run isthmus machine reset or kubeadm reset on it first';
  return [fault('another-cluster', `it is a node of another cluster, that of ${memberOf.server}`, cure)];
}
