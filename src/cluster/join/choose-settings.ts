import { gibi } from '#unit/bytes.ts';
import { chooseResolver } from './choose-resolver.ts';
import type { MachineFacts } from './machine-facts.ts';

/** How the parts of Kubernetes must be set on one machine, because of what that machine is. */
export interface MachineSettings {
  readonly cgroupDriver: 'systemd' | 'cgroupfs';
  readonly failCgroupV1: boolean;
  readonly restrictOomScoreAdj: boolean;
  readonly snapshotter: 'overlayfs' | 'native';
  readonly evictionHard: Readonly<Record<string, string>>;
  readonly imageGcHighPercent: number;
  /** For sysctl; `undefined` leaves the kernel's value. */
  readonly conntrackMax: number | undefined;
  readonly ignoredPreflight: readonly string[];
  /** Where pods that ask the node's name servers find them. */
  readonly resolvConf: string;
  /** One sentence for each setting that is not the usual one. */
  readonly why: readonly string[];
}

/** Decides by what was seen of the machine, never by where it runs. */
export function chooseSettings(seen: MachineFacts): MachineSettings {
  const why: string[] = [];
  const v1 = seen.cgroup === 'v1';
  const resolvConf = chooseResolver(seen.resolvers) ?? usualResolvConf;
  if (resolvConf !== usualResolvConf) why.push(`/etc/resolv.conf names a local cache: pods get ${resolvConf}`);
  if (v1) why.push('cgroup v1: cgroupfs driver, kubelet is told to accept it, kubeadm to pass over SystemVerification');
  if (!seen.mayLowerOomScore) why.push('no CAP_SYS_RESOURCE: containerd keeps oom_score_adj within what it may set');
  if (seen.containerdOnOverlay)
    why.push('/var/lib/containerd lies on an overlay: images are unpacked without overlays');
  const tight = tightDisk(seen);
  if (tight !== undefined) why.push(tight);
  if (seen.conntrackMax === 'read-only') why.push('nf_conntrack_max is read-only here: the kernel keeps its value');
  return {
    cgroupDriver: v1 ? 'cgroupfs' : 'systemd',
    failCgroupV1: !v1,
    restrictOomScoreAdj: !seen.mayLowerOomScore,
    snapshotter: seen.containerdOnOverlay ? 'native' : 'overlayfs',
    evictionHard: tight === undefined ? usualEviction : tightEviction,
    imageGcHighPercent: tight === undefined ? 85 : 100,
    conntrackMax: seen.conntrackMax === 'writable' ? conntrackFor(seen.cpu) : undefined,
    ignoredPreflight: v1 ? ['SystemVerification'] : [],
    resolvConf,
    why,
  };
}

const usualResolvConf = '/etc/resolv.conf';

/** kubelet's own defaults, written out because naming one of them drops the others. */
const usualEviction = {
  'memory.available': '100Mi',
  'nodefs.available': '10%',
  'nodefs.inodesFree': '5%',
  'imagefs.available': '15%',
};
const tightEviction = {
  'memory.available': '100Mi',
  'nodefs.available': '256Mi',
  'nodefs.inodesFree': '1%',
  'imagefs.available': '256Mi',
};

/** Percentages mean little on a small disk, and on one that others fill as well they evict pods that are not to blame. */
function tightDisk({ disk }: MachineFacts): string | undefined {
  const free = disk.free / disk.size;
  const size = `${Math.round(disk.size / gibi(1))}Gi`;
  if (disk.size < gibi(20)) return `the disk has ${size}: eviction begins at 256Mi free instead of at a percentage`;
  if (free < 0.3)
    return `the disk of ${size} is ${Math.round(100 - free * 100)} % full before the first pod: eviction begins at 256Mi free instead of at a percentage`;
  return undefined;
}

/** kube-proxy's own rule; we set it because its setting is one for all machines, while only some of them may be set. */
function conntrackFor(cpu: number): number {
  return Math.max(131_072, 32_768 * cpu);
}
