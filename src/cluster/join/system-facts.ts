/** What the system of a machine is, what others have left on it, and how it reaches the API server. */
export interface SystemFacts {
  /** Of /etc/os-release; `undefined` when there is none. */
  readonly os:
    | { readonly id: string; readonly version: string; readonly name: string; readonly like: readonly string[] }
    | undefined;
  readonly hostName: string;
  /** Whether the machine can look up its own host name within two seconds; `undefined` when that could not be tried. */
  readonly hostNameResolves: boolean | undefined;
  /** Empty when they could not be read. */
  readonly cgroupControllers: readonly string[];
  /** Of the file system under /var/lib; `undefined` for one that does not count them. */
  readonly inodes: { readonly size: number; readonly free: number } | undefined;
  /** Units that keep the clock right and run. */
  readonly timeSync: readonly string[];
  readonly selinuxEnforcing: boolean;
  /** The version of containerd as it says it: `1.6.20~ds1`. */
  readonly containerd: string | undefined;
  /** Units of other container runtimes that run. */
  readonly otherRuntimes: readonly string[];
  /** Folders of other Kubernetes distributions. */
  readonly otherDistributions: readonly string[];
  readonly etcdData: boolean;
  /** How many containers run in containerd's namespace k8s.io. */
  readonly containers: number;
  /** Links that other CNI plugins have made. */
  readonly cniLinks: readonly string[];
  /** Chains of kube-proxy in its iptables mode and of other CNI plugins: `ip nat KUBE-SERVICES`. */
  readonly foreignChains: readonly string[];
  /** Chains that drop what arrives unless a rule accepts it, while no rule anywhere names kubelet's port. */
  readonly closedInput: readonly string[];
  /** IPv4 addresses of network cards; those of bridges, tunnels and pods are left out. */
  readonly cards: readonly { readonly link: string; readonly address: string; readonly dynamic: boolean }[];
  readonly defaultRoutes: readonly { readonly link: string; readonly metric: number }[];
  /** By which link and with which address this machine sends to the API server; `undefined` when none was asked for. */
  readonly way: { readonly link: string; readonly address: string } | undefined;
  /** `undefined` when no API server was asked for, it is this machine, there is no ping, or ICMP echo gets no answer. */
  readonly path: PathMtu | undefined;
}

/** How large packets to the API server may be. */
export interface PathMtu {
  /** Of the link, in bytes of an IP packet. */
  readonly link: number;
  /** The largest that was tried and answered. */
  readonly passes: number;
  /** Whether a router said which size fits, as path MTU discovery needs. */
  readonly told: boolean;
}

/**
 * Shell that prints what `parseSystemFacts` reads, one `key=value` a line by a function `say` that must be there; `$api` is the address of
 * the API server or empty. Changes nothing.
 */
export const systemScript = `
[ -r /etc/os-release ] && say os "$(. /etc/os-release; echo "$ID|$VERSION_ID|$PRETTY_NAME|$ID_LIKE")"
say hostname "$(uname -n)"
if command -v getent >/dev/null; then if timeout 2 getent hosts "$(uname -n)" >/dev/null; then say resolves yes; else say resolves no; fi; fi
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then say controllers "$(cat /sys/fs/cgroup/cgroup.controllers)"
else say controllers "$(sed -n 's/^\\([a-z_]*\\)[[:space:]].*[[:space:]]1$/\\1/p' /proc/cgroups | tr '\\n' ' ')"; fi
df -Pi /var/lib | tail -n 1 | { read -r _ size _ free _; say inodes "$size $free"; }
for u in systemd-timesyncd chrony chronyd ntp ntpd ntpsec openntpd; do systemctl is-active -q "$u" && say timesync "$u"; done
[ "$(cat /sys/fs/selinux/enforce)" = 1 ] && say selinux enforcing
command -v containerd >/dev/null && say runtime-version "$(timeout 5 containerd --version | cut -d ' ' -f 3)"
for u in docker crio cri-docker; do systemctl is-active -q "$u" && say runtime "$u"; done
for f in /var/lib/rancher/k3s /var/lib/rancher/rke2 /var/lib/k0s /var/snap/microk8s; do [ -e "$f" ] && say distribution "$f"; done
[ -d /var/lib/etcd/member ] && say etcd data
command -v ctr >/dev/null && say containers "$(timeout 5 ctr -n k8s.io tasks ls -q | wc -l)"
for f in /sys/class/net/*; do
  case "\${f##*/}" in cni[0-9]* | flannel.* | cali* | vxlan.calico | wireguard.cali | cilium_* | weave | antrea-gw0 | kube-bridge | kube-ipvs0 | nodelocaldns) say cnilink "\${f##*/}" ;; esac
done
nft list ruleset | awk '
  $1 == "table" { table = $2 " " $3 }
  $1 == "chain" { chain = $2; if (chain ~ /^(KUBE-SERVICES|KUBE-NODEPORTS|cali-|CILIUM_|FLANNEL|WEAVE)/) print "chain=" table " " chain }
  $1 == "type" && table ~ /^(ip|inet) / && /hook input/ && /policy drop/ { closed[n++] = table " " chain }
  /10250/ { named = 1 }
  END { if (!named) for (i = 0; i < n; i++) print "input=" closed[i] }'
# Its chains accept by policy, and reject by their last rule.
systemctl is-active -q firewalld && ! firewall-cmd -q --query-port=10250/tcp && say input "inet firewalld filter_INPUT"
ip -o -4 addr show up scope global | while read -r line; do say card "$line"; done
ip -4 route show default | while read -r line; do say gateway "$line"; done
if [ -n "$api" ]; then
  way=$(ip -4 route get "$api" | head -n 1)
  say way "$way"
  link=$(echo "$way" | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')
  mtu=$(cat "/sys/class/net/$link/mtu")
  # Twice: one lost packet says nothing about sizes.
  fits() { for try in 1 2; do ping -n -q -c 1 -W 1 -M do -s $(($1 - 28)) "$api" >/dev/null && return 0; done; return 1; }
  if [ "$link" != lo ] && [ -n "$mtu" ]; then
    if fits "$mtu"; then say path "$mtu $mtu told"
    elif fits 576; then
      told=$(ip -4 route get "$api" | sed -n 's/.* mtu \\([0-9]*\\).*/\\1/p')
      if [ -n "$told" ] && fits "$told"; then say path "$mtu $told told"
      else
        # All at once: each that is lost takes two seconds.
        passes=$({ for size in 1480 1450 1400 1350 1280 576; do { [ "$size" -lt "$mtu" ] && fits "$size" && echo "$size"; } & done; wait; } | sort -n | tail -n 1)
        say path "$mtu \${passes:-576} silent"
      fi
    fi
  fi
fi
`;

/** @unit all: the values that were printed for a key, in their order */
export function parseSystemFacts(all: (key: string) => readonly string[]): SystemFacts {
  const one = (key: string): string | undefined => all(key).at(-1);
  const resolves = one('resolves');
  const version = one('runtime-version');
  return {
    os: parseOs(one('os')),
    hostName: one('hostname') ?? 'unknown',
    hostNameResolves: resolves === undefined ? undefined : resolves === 'yes',
    cgroupControllers: words(one('controllers')),
    inodes: parseInodes(one('inodes')),
    timeSync: all('timesync'),
    selinuxEnforcing: one('selinux') === 'enforcing',
    containerd: version === '' ? undefined : version,
    otherRuntimes: all('runtime'),
    otherDistributions: all('distribution'),
    etcdData: one('etcd') === 'data',
    containers: Number(one('containers') ?? 0),
    cniLinks: all('cnilink'),
    foreignChains: all('chain'),
    closedInput: all('input'),
    cards: all('card').flatMap(parseCard),
    defaultRoutes: all('gateway').flatMap(parseRoute),
    way: parseWay(one('way')),
    path: parsePath(one('path')),
  };
}

function words(text: string | undefined): readonly string[] {
  return (text ?? '').split(' ').filter((word) => word !== '');
}

function parseOs(text: string | undefined): SystemFacts['os'] {
  if (text === undefined) return undefined;
  const [id = '', version = '', name = '', like] = text.split('|');
  return { id, version, name, like: words(like) };
}

function parseInodes(text: string | undefined): SystemFacts['inodes'] {
  const [size, free] = words(text).map(Number);
  // btrfs says 0, others a dash.
  return size === undefined || free === undefined || !(size > 0) ? undefined : { size, free };
}

/** What Docker, libvirt, VPNs and pods make, and what is no card that a node could be meant by. */
const notACard =
  /^(docker|br-|virbr|veth|ist|cni|flannel|cali|vxlan|cilium|lxc|podman|tun|tap|wg|kube-|nodelocaldns|weave)/;

/** `4: eth0    inet 192.0.2.2/24 brd 192.0.2.255 scope global dynamic eth0\ …` */
function parseCard(line: string): SystemFacts['cards'] {
  const [, link, address, rest] = /^\d+: (\S+) +inet ([\d.]+)\S*(.*)$/.exec(line) ?? [];
  if (link === undefined || address === undefined || notACard.test(link)) return [];
  return [{ link, address, dynamic: / dynamic /.test(`${rest} `) }];
}

/** `default via 192.0.2.1 dev eth0 proto dhcp metric 100`; one without a metric has 0. */
function parseRoute(line: string): SystemFacts['defaultRoutes'] {
  const link = / dev (\S+)/.exec(line)?.[1];
  return link === undefined ? [] : [{ link, metric: Number(/ metric (\d+)/.exec(line)?.[1] ?? 0) }];
}

/** `10.9.0.12 via 192.168.50.1 dev eth0 src 192.168.50.11 uid 0` */
function parseWay(line: string | undefined): SystemFacts['way'] {
  const [link, address] = [/ dev (\S+)/.exec(line ?? '')?.[1], / src (\S+)/.exec(line ?? '')?.[1]];
  return link === undefined || address === undefined ? undefined : { link, address };
}

function parsePath(text: string | undefined): SystemFacts['path'] {
  const [link, passes, how] = words(text);
  return how === undefined ? undefined : { link: Number(link), passes: Number(passes), told: how === 'told' };
}
