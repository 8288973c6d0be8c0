import { type Host, HostError } from '#host/host.ts';
import type { Bytes } from '#unit/bytes.ts';
import { type Instant, ms, now, seconds } from '#unit/clock.ts';
import {
  cniFolder,
  hashOfAuthority,
  type MachineFacts,
  neededCommands,
  type PodAsked,
  resolverFiles,
} from './machine-facts.ts';
import { parseSurroundings, surroundingsScript } from './surroundings.ts';
import { parseSystemFacts, systemScript } from './system-facts.ts';

/** The bootstrap script needs these two, before our own program is there. */
const neededToBegin = ['curl', 'sha256sum'];

/**
 * What a machine is and has, looked at over SSH with nothing but a shell, before anything is put on it. Changes nothing.
 * @shape clockAhead is measured against this computer
 * @fails HostError
 */
export async function observeRemotely(
  host: Host,
  asked: {
    readonly ports: readonly number[];
    readonly bundleUrl: string;
    readonly api: { readonly address: string; readonly port: number } | undefined;
    readonly pods: readonly PodAsked[];
  },
): Promise<MachineFacts> {
  const sent = now();
  const argv = [
    'sh',
    '-s',
    '--',
    asked.bundleUrl,
    asked.api === undefined ? '' : `${asked.api.address}:${asked.api.port}`,
    asked.pods.map(({ address, port }) => `${address}:${port}`).join(' '),
  ];
  const ran = await host.run(argv, { within: seconds(90), stdin: script });
  if (ran.code !== 0) throw new HostError(host.name, 'looking at the machine', ran.stderr.trim());
  return parseRemoteFacts(ran.stdout, { ports: asked.ports, sent });
}

/** One `key=value` a line; a key may come several times. The clock is read first: what follows takes time. */
const script = `
exec 2>/dev/null
say() { echo "$1=$2"; }
say clock "$(date +%s)"
say user "$(id -u)"
say arch "$(uname -m)"
say kernel "$(uname -r)"
say cpu "$(nproc)"
say memory "$(sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo)"
pods=$3
set -- "$1" "$2" $(df -Pk /var/lib | tail -n 1)
say disk "$4"
say free "$6"
say swaps "$(sed 1d /proc/swaps | wc -l)"
[ -e /sys/fs/cgroup/cgroup.controllers ] && say cgroup v2
[ -e /run/systemd/system ] && say systemd yes
if [ -e /proc/sys/net/netfilter/nf_conntrack_max ]; then say conntrack read-only; elif modprobe --dry-run nf_conntrack; then say conntrack loadable; fi
[ -w /proc/sys/net/netfilter/nf_conntrack_max ] && say conntrack writable
if grep -qw overlay /proc/filesystems || modprobe --dry-run overlay; then say overlay yes; fi
[ "$(stat -f -c %t /var/lib/containerd)" = 794c7630 ] && say containerd overlay
nft list tables >/dev/null && say nftables yes
say inotify "$(cat /proc/sys/fs/inotify/max_user_instances)"
for f in ${resolverFiles.join(' ')}; do [ -e "$f" ] && say resolver "$f $(sed -n 's/^nameserver[[:space:]]*//p' "$f" | tr '\\n' ' ')"; done
for f in ${cniFolder}/*.conf ${cniFolder}/*.conflist ${cniFolder}/*.json; do [ -e "$f" ] && say cni "\${f##*/}"; done
${surroundingsScript}
api=\${2%:*}
${systemScript}
say capabilities "$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)"
for c in ${[...neededCommands, ...neededToBegin].join(' ')}; do command -v "$c" >/dev/null || say missing "$c"; done
sed 1d /proc/net/tcp | while read -r _ local _ state _; do [ "$state" = 0A ] && say listens "\${local##*:}"; done
sed 1d /proc/net/tcp6 | while read -r _ local _ state _; do [ "$state" = 0A ] && say listens "\${local##*:}"; done
if [ -e /etc/kubernetes/kubelet.conf ]; then
  say server "$(sed -n 's/^ *server: *//p' /etc/kubernetes/kubelet.conf)"
  say authority "$(sed -n 's/^ *certificate-authority-data: *//p' /etc/kubernetes/kubelet.conf)"
fi
if command -v curl >/dev/null; then
  # As the program on the machine asks: without the proxies that /etc/environment may name.
  why=$(curl -sS --noproxy '*' -I -f -o /dev/null --connect-timeout 5 --max-time 10 "$1/bundle.json" 2>&1) || say bundle "\${why:-no answer}"
  # Whatever they answer, and whatever they speak: only a connection that does not open counts.
  for pod in $pods; do
    why=$(curl -sS --noproxy '*' -o /dev/null --connect-timeout 5 --max-time 6 "http://$pod/" 2>&1)
    case $? in 5 | 6 | 7) say pod "$pod \${why:-no answer}" ;; 28) case "$why" in *onnect*time*) say pod "$pod $why" ;; esac ;; esac
  done
  if [ -n "$2" ]; then why=$(curl -sS --noproxy '*' -k -o /dev/null --connect-timeout 5 --max-time 10 "https://$2/livez" 2>&1) || say api "\${why:-no answer}"; fi
fi
exit 0
`;

/** @unit sent: when this computer asked, by its own clock */
export function parseRemoteFacts(
  text: string,
  { ports, sent }: { readonly ports: readonly number[]; readonly sent: Instant },
): MachineFacts {
  const lines = text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  const all = (key: string): string[] => lines.filter(([name]) => name === key).map(([, value]) => value as string);
  const one = (key: string): string | undefined => all(key).at(-1);
  const size = (key: string): Bytes => (Number(one(key)) * 1024) as Bytes;
  const listens = new Set(all('listens').map((port) => Number.parseInt(port, 16)));
  const conntrack = one('conntrack');
  const server = one('server');
  return {
    root: one('user') === '0',
    architecture: one('arch') === 'x86_64' ? 'x64' : (one('arch') ?? 'unknown'),
    kernel: one('kernel') ?? 'unknown',
    cpu: Number(one('cpu')),
    memory: size('memory'),
    disk: { size: size('disk'), free: size('free') },
    swapOn: Number(one('swaps')) > 0,
    cgroup: one('cgroup') === 'v2' ? 'v2' : 'v1',
    systemd: one('systemd') === 'yes',
    mayLowerOomScore: ((BigInt(`0x${one('capabilities') ?? '0'}`) >> 24n) & 1n) === 1n,
    conntrackMax: conntrack === undefined ? undefined : conntrack === 'read-only' ? 'read-only' : 'writable',
    overlayFilesystem: one('overlay') === 'yes',
    containerdOnOverlay: one('containerd') === 'overlay',
    nftables: one('nftables') === 'yes',
    inotifyInstances: Number(one('inotify')),
    missingCommands: all('missing'),
    takenPorts: ports.filter((port) => listens.has(port)),
    bundleFault: one('bundle'),
    clockAhead: ms(Number(one('clock')) * 1000 - sent),
    apiFault: one('api'),
    silentPods: all('pod').map((line) => {
      const [pod = '', ...why] = line.split(' ');
      return { pod: pod.replace(/:\d+$/, ''), why: why.join(' ') };
    }),
    joined: server !== undefined,
    resolvers: all('resolver').map((line) => {
      const [path = '', ...nameservers] = line.split(/\s+/).filter((word) => word !== '');
      return { path, nameservers };
    }),
    cniFiles: all('cni').toSorted(),
    surroundings: parseSurroundings(all),
    system: parseSystemFacts(all),
    memberOf: server === undefined ? undefined : { server, caHash: hashOfAuthority(one('authority')) },
  };
}
