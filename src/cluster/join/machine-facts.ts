import { constants } from 'node:fs';
import { access, readdir, readFile, statfs } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { arch, cpus, release, totalmem } from 'node:os';
import { request } from 'undici';
import type { Host } from '#host/host.ts';
import { caHashOf } from '#machine/join-token.ts';
import type { Bytes } from '#unit/bytes.ts';
import { formatMs, type Ms, ms, seconds } from '#unit/clock.ts';
import type { Resolver } from './choose-resolver.ts';
import { parseSurroundings, type Surroundings, surroundingsScript } from './surroundings.ts';
import { parseSystemFacts, type SystemFacts, systemScript } from './system-facts.ts';

/** What this machine is and has, as far as it matters to a node. Nothing here is changed by looking. */
export interface MachineFacts {
  readonly root: boolean;
  readonly architecture: string;
  readonly kernel: string;
  readonly cpu: number;
  readonly memory: Bytes;
  /** The file system under /var/lib. */
  readonly disk: { readonly size: Bytes; readonly free: Bytes };
  readonly swapOn: boolean;
  readonly cgroup: 'v1' | 'v2';
  readonly systemd: boolean;
  /** CAP_SYS_RESOURCE: without it no process may be given a lower oom_score_adj than its parent. */
  readonly mayLowerOomScore: boolean;
  /** Whether net.netfilter.nf_conntrack_max can be set here; `undefined` when the kernel has no connection tracking. */
  readonly conntrackMax: 'writable' | 'read-only' | undefined;
  readonly overlayFilesystem: boolean;
  /** An overlay can't be the upper layer of another. */
  readonly containerdOnOverlay: boolean;
  readonly nftables: boolean;
  /** How many inotify instances one user may have; containerd, kubelet and many programs in pods take some. */
  readonly inotifyInstances: number;
  /** Commands that are needed and missing. */
  readonly missingCommands: readonly string[];
  /** Ports of the role that are in use. */
  readonly takenPorts: readonly number[];
  /** Why the bundle's server could not be asked; `undefined` when it answered. */
  readonly bundleFault: string | undefined;
  /** This machine's clock minus the bundle server's, or minus that of the computer it is looked at from; `undefined` when there was none to compare with. */
  readonly clockAhead: Ms | undefined;
  /** Why the API server's port could not be reached; `undefined` when it answered, or is this machine. */
  readonly apiFault: string | undefined;
  /** Of the pods that were asked, those that did not answer, and why. */
  readonly silentPods: readonly { readonly pod: string; readonly why: string }[];
  /** Whether a finished join or an unfinished one has left its files. */
  readonly joined: boolean;
  /** The cluster whose kubelet identity lies on it: its API server, and the hash of the public key of its authority. */
  readonly memberOf: { readonly server: string; readonly caHash: string } | undefined;
  /** Of `resolverFiles`, those that are there. */
  readonly resolvers: readonly Resolver[];
  /** CNI configuration of other programs, or of an earlier cluster. */
  readonly cniFiles: readonly string[];
  readonly surroundings: Surroundings;
  readonly system: SystemFacts;
}

/** Where name servers stand, the usual place first, then where local caches write those that they ask. */
export const resolverFiles = [
  '/etc/resolv.conf',
  '/run/systemd/resolve/resolv.conf',
  '/run/NetworkManager/no-stub-resolv.conf',
] as const;
export const cniFolder = '/etc/cni/net.d';

const capSysResource = 24n;
const overlayMagic = 0x794c7630;
export const neededCommands = ['containerd', 'ctr', 'runc', 'ip', 'nft', 'mount', 'modprobe', 'sysctl', 'systemctl'];

/** A pod that answers TCP on this port. */
export interface PodAsked {
  readonly address: string;
  readonly port: number;
}

/** @unit ports: TCP ports that must be free */
export async function observeMachine(
  host: Host,
  asked: {
    readonly ports: readonly number[];
    readonly bundleUrl: string | undefined;
    readonly api: { readonly address: string; readonly port: number } | undefined;
    readonly pods: readonly PodAsked[];
  },
): Promise<MachineFacts> {
  const [disk, status, filesystems, swaps, inotify, conntrack, bundle, identity] = await Promise.all([
    statfs('/var/lib'),
    readFile('/proc/self/status', 'utf8'),
    readFile('/proc/filesystems', 'utf8'),
    readFile('/proc/swaps', 'utf8'),
    readFile('/proc/sys/fs/inotify/max_user_instances', 'utf8'),
    lookAtConntrack(host),
    askBundleServer(asked.bundleUrl),
    host.read(identityPath),
  ]);
  return {
    root: process.getuid?.() === 0,
    architecture: arch(),
    kernel: release(),
    cpu: cpus().length,
    memory: totalmem() as Bytes,
    disk: { size: (disk.blocks * disk.bsize) as Bytes, free: (disk.bavail * disk.bsize) as Bytes },
    swapOn: swaps.trim().split('\n').length > 1,
    cgroup: (await there('/sys/fs/cgroup/cgroup.controllers')) ? 'v2' : 'v1',
    systemd: await there('/run/systemd/system'),
    mayLowerOomScore: hasCapability(status, capSysResource),
    conntrackMax: conntrack,
    overlayFilesystem: /\boverlay$/m.test(filesystems) || (await succeeds(host, ['modprobe', '--dry-run', 'overlay'])),
    containerdOnOverlay: await liesOnOverlay('/var/lib/containerd'),
    nftables: await succeeds(host, ['nft', 'list', 'tables']),
    inotifyInstances: Number(inotify),
    missingCommands: await missing(host, neededCommands),
    takenPorts: await taken(asked.ports),
    ...bundle,
    apiFault: asked.api === undefined ? undefined : await reach(asked.api.address, asked.api.port, seconds(20)),
    silentPods: await silentOf(asked.pods),
    joined: identity !== undefined,
    memberOf: identity === undefined ? undefined : memberOf(identity),
    resolvers: await readResolvers(host),
    cniFiles: await listCniFiles(),
    ...(await lookAround(host, asked.api?.address ?? '')),
  };
}

/** A TCP connection that opens shows that packets go there and come back. */
async function silentOf(pods: readonly PodAsked[]): Promise<MachineFacts['silentPods']> {
  const answers = await Promise.all(
    pods.map(async ({ address, port }) => ({ address, why: await reach(address, port, seconds(5)) })),
  );
  return answers.flatMap(({ address, why }) => (why === undefined ? [] : [{ pod: address, why }]));
}

async function readResolvers(host: Host): Promise<readonly Resolver[]> {
  const texts = await Promise.all(resolverFiles.map(async (path) => ({ path, text: await host.read(path) })));
  return texts.flatMap(({ path, text }) => {
    if (text === undefined) return [];
    return { path, nameservers: [...text.matchAll(/^nameserver\s+(\S+)/gm)].map(([, address]) => address as string) };
  });
}

async function lookAround(host: Host, api: string): Promise<Pick<MachineFacts, 'surroundings' | 'system'>> {
  const script = `exec 2>/dev/null; api=$1; say() { echo "$1=$2"; }\n${surroundingsScript}\n${systemScript}`;
  const { stdout } = await host.run(['sh', '-c', script, 'sh', api], { within: seconds(60) });
  const lines = stdout.split('\n');
  const all = (key: string): string[] =>
    lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
  return { surroundings: parseSurroundings(all), system: parseSystemFacts(all) };
}

async function listCniFiles(): Promise<readonly string[]> {
  if (!(await there(cniFolder))) return [];
  const names = await readdir(cniFolder);
  return names.filter((name) => /\.(conf|conflist|json)$/.test(name)).toSorted();
}

const identityPath = '/etc/kubernetes/kubelet.conf';

function memberOf(kubeconfig: string): MachineFacts['memberOf'] {
  const valueOf = (key: string): string | undefined => new RegExp(`^ *${key}: *(\\S+)$`, 'm').exec(kubeconfig)?.[1];
  return { server: valueOf('server') ?? 'unknown', caHash: hashOfAuthority(valueOf('certificate-authority-data')) };
}

/** Of a certificate as kubeconfigs hold it, in base64; `unreadable` for what is no certificate. */
export function hashOfAuthority(base64: string | undefined): string {
  try {
    return caHashOf(Buffer.from(base64 ?? '', 'base64').toString());
  } catch {
    return 'unreadable';
  }
}

async function there(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw e;
  }
}

function hasCapability(status: string, bit: bigint): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return mask !== undefined && ((BigInt(`0x${mask}`) >> bit) & 1n) === 1n;
}

/** A module that can be loaded will be, by the join. */
async function lookAtConntrack(host: Host): Promise<MachineFacts['conntrackMax']> {
  const path = '/proc/sys/net/netfilter/nf_conntrack_max';
  if (!(await there(path)))
    return (await succeeds(host, ['modprobe', '--dry-run', 'nf_conntrack'])) ? 'writable' : undefined;
  return access(path, constants.W_OK).then(
    () => 'writable',
    () => 'read-only',
  );
}

async function liesOnOverlay(path: string): Promise<boolean> {
  return (await there(path)) && (await statfs(path)).type === overlayMagic;
}

async function succeeds(host: Host, argv: readonly string[]): Promise<boolean> {
  const ran = await host.run(['sh', '-c', '"$0" "$@" >/dev/null 2>&1', ...argv], { within: seconds(10) });
  return ran.code === 0;
}

async function missing(host: Host, commands: readonly string[]): Promise<readonly string[]> {
  const script = 'for c; do command -v "$c" >/dev/null || echo "$c"; done';
  const ran = await host.run(['sh', '-c', script, 'sh', ...commands], { within: seconds(10) });
  return ran.stdout.split('\n').filter((line) => line !== '');
}

async function taken(ports: readonly number[]): Promise<readonly number[]> {
  const free = await Promise.all(ports.map(canListen));
  return ports.filter((_, i) => free[i] === false);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', (e: NodeJS.ErrnoException) => (e.code === 'EADDRINUSE' ? resolve(false) : reject(e)));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}

async function askBundleServer(url: string | undefined): Promise<Pick<MachineFacts, 'bundleFault' | 'clockAhead'>> {
  if (url === undefined) return { bundleFault: undefined, clockAhead: undefined };
  try {
    const answer = await request(`${url}/bundle.json`, { method: 'HEAD', headersTimeout: 15_000 });
    await answer.body.dump();
    if (answer.statusCode !== 200) return { bundleFault: `HTTP status ${answer.statusCode}`, clockAhead: undefined };
    const date = Date.parse(String(answer.headers['date']));
    return { bundleFault: undefined, clockAhead: Number.isNaN(date) ? undefined : ms(Date.now() - date) };
  } catch (e) {
    return { bundleFault: (e as Error).message, clockAhead: undefined };
  }
}

function reach(address: string, port: number, within: Ms): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const end = (fault: string | undefined): void => {
      clearTimeout(limit);
      socket.destroy();
      resolve(fault);
    };
    const limit = setTimeout(() => end(`no answer within ${formatMs(within)}`), within);
    socket.on('connect', () => end(undefined));
    socket.on('error', (e) => end(e.message));
  });
}
