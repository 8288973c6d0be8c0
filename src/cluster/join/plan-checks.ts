import { type Bytes, formatBytes, gibi, mebi } from '#unit/bytes.ts';
import { formatMs, type Ms } from '#unit/clock.ts';
import { namesLoopbackAlone } from './choose-resolver.ts';
import type { MachineFacts } from './machine-facts.ts';

/** One thing about a machine that keeps it from becoming a node (`fault`), or that its owner should know (`note`). */
export interface Finding {
  readonly weight: 'fault' | 'note';
  readonly what: string;
  readonly cure: string;
}

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
    ...checkSize(seen, role),
    ...checkKernel(seen),
    ...checkSoftware(seen),
    ...checkResolver(seen),
    ...checkLeftovers(seen),
    ...checkPorts(seen),
    ...checkWays(seen),
    ...checkClock(seen, against),
  ];
  return found.toSorted((a, b) => Number(a.weight === 'note') - Number(b.weight === 'note'));
}

const fault = (what: string, cure: string): Finding => ({ weight: 'fault', what, cure });
const note = (what: string, cure: string): Finding => ({ weight: 'note', what, cure });

function checkSystem(seen: MachineFacts): Finding[] {
  const found: Finding[] = [];
  if (!seen.root) found.push(fault('not root', 'run this as root, or with sudo'));
  if (seen.architecture !== 'x64')
    found.push(fault(`processor architecture ${seen.architecture}`, 'use an x86-64 machine'));
  if (!seen.systemd) found.push(fault('systemd is not process 1', 'use a system that systemd runs'));
  return found;
}

function checkSize(seen: MachineFacts, role: Role): Finding[] {
  const { cpu, memory, disk } = least[role];
  const found: Finding[] = [];
  if (seen.cpu < cpu) found.push(fault(`${seen.cpu} CPU`, `a ${role} needs ${cpu}`));
  if (seen.memory < memory)
    found.push(fault(`${inMi(seen.memory)} of memory`, `a ${role} needs ${formatBytes(memory)}`));
  if (!seen.joined && seen.disk.free < disk)
    found.push(fault(`${inMi(seen.disk.free)} free under /var/lib`, `make room; a ${role} needs ${formatBytes(disk)}`));
  return found;
}

function inMi(amount: Bytes): string {
  return `${Math.floor(amount / mebi(1))}Mi`;
}

function checkKernel(seen: MachineFacts): Finding[] {
  const found: Finding[] = [];
  const [major = 0, minor = 0] = seen.kernel.split('.').map(Number);
  if (major < 5 || (major === 5 && minor < 13))
    found.push(fault(`kernel ${seen.kernel}`, 'kube-proxy in nftables mode needs 5.13 or newer'));
  if (!seen.overlayFilesystem)
    found.push(fault('the kernel has no overlay file system', 'load or install its module overlay'));
  if (seen.conntrackMax === undefined)
    found.push(fault('the kernel tracks no connections', 'load its module: modprobe nf_conntrack'));
  if (!seen.nftables && !seen.missingCommands.includes('nft'))
    found.push(fault('nft list tables fails', 'load or install the kernel module nf_tables'));
  if (seen.swapOn) found.push(note('swap is on', 'pods will not use it; swapoff -a gives steadier latency'));
  if (seen.inotifyInstances < 256)
    found.push(
      note(
        `fs.inotify.max_user_instances is ${seen.inotifyInstances}`,
        'many pods need more, and "too many open files" is what they say: sysctl -w fs.inotify.max_user_instances=1024',
      ),
    );
  if (seen.cgroup === 'v1')
    found.push(note('cgroup v1', 'works with this Kubernetes; a system with cgroup v2 will be needed from 1.38 on'));
  return found;
}

function checkSoftware(seen: MachineFacts): Finding[] {
  if (seen.missingCommands.length === 0) return [];
  const missing = seen.missingCommands.join(', ');
  return [
    fault(
      `missing: ${missing}`,
      'on Debian: apt-get install -y containerd runc iproute2 nftables kmod procps mount curl coreutils',
    ),
  ];
}

function checkResolver({ resolvers }: MachineFacts): Finding[] {
  if (!namesLoopbackAlone(resolvers)) return [];
  const named = resolvers.flatMap(({ path, nameservers }) => nameservers.map((address) => `${address} in ${path}`));
  return [
    fault(
      `no name server that pods can ask: ${named.join(', ')}`,
      'a loopback address in a pod is the pod itself, and CoreDNS would ask itself; put the addresses of your DNS servers into /etc/resolv.conf',
    ),
  ];
}

function checkLeftovers({ cniFiles }: MachineFacts): Finding[] {
  if (cniFiles.length === 0) return [];
  return [
    note(
      `/etc/cni/net.d has ${cniFiles.join(', ')} of another program or an earlier cluster`,
      'Isthmus does not use that folder and leaves it alone; if nothing else needs the files, remove them',
    ),
  ];
}

function checkPorts(seen: MachineFacts): Finding[] {
  // A node's own kubelet holds them after a join.
  if (seen.joined || seen.takenPorts.length === 0) return [];
  const ports = seen.takenPorts.join(', ');
  return [
    fault(`somebody listens on ${ports}`, 'ss -tlnp shows who; end it, or isthmus machine reset if it is an old node'),
  ];
}

function checkWays(seen: MachineFacts): Finding[] {
  const found: Finding[] = [];
  if (seen.bundleFault !== undefined)
    found.push(
      fault(`the bundle's server can't be asked: ${seen.bundleFault}`, 'open the way from this machine to bundle.url'),
    );
  if (seen.apiFault !== undefined)
    found.push(
      fault(`the API server can't be reached: ${seen.apiFault}`, 'open the way from this machine to its port 6443'),
    );
  return found;
}

function checkClock({ clockAhead }: MachineFacts, { clock }: CheckedAgainst): Finding[] {
  if (clockAhead === undefined || Math.abs(clockAhead) <= largestSkew) return [];
  const by = formatMs(Math.abs(clockAhead) as Ms);
  const side = clockAhead > 0 ? 'ahead of' : 'behind';
  const cure = 'correct the one that is wrong, such as by switching time synchronisation on: timedatectl set-ntp true';
  return [fault(`the clock is ${by} ${side} that of ${clock}`, cure)];
}

function checkMembership({ memberOf }: MachineFacts, { cluster }: CheckedAgainst): Finding[] {
  if (memberOf === undefined || cluster === 'unknown') return [];
  if (cluster !== 'none' && memberOf.caHash === cluster.caHash) return [];
  const cure =
    'if that cluster may lose it, make it a plain machine first: isthmus machine reset, or kubeadm reset, there';
  return [fault(`it is a node of another cluster, that of ${memberOf.server}`, cure)];
}
