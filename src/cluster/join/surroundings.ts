/** What on a machine, outside Kubernetes, would keep pods from being reached. */
export interface Surroundings {
  /** Files that give a proxy to services, or to everybody who logs in. */
  readonly proxyFiles: readonly string[];
  readonly defaultRoute: boolean;
  /** Files that set ip_forward at boot, in the order in which the system reads them; ours is not among them. */
  readonly forwardingFiles: readonly { readonly path: string; readonly on: boolean }[];
  /** Chains of nftables that drop what is forwarded unless a rule accepts it: `ip filter FORWARD`. */
  readonly closedChains: readonly string[];
  /** The same of the older iptables, which nftables knows nothing of. */
  readonly legacyForwardDrops: boolean;
}

/**
 * Shell that prints what `parseSurroundings` reads, one `key=value` a line by a function `say` that must be there. Changes nothing:
 * asking iptables-legacy about a table that is not there would make the kernel load it.
 */
export const surroundingsScript = `
for f in /etc/environment /etc/systemd/system.conf /etc/systemd/system.conf.d/*.conf /etc/systemd/system/containerd.service.d/*.conf; do
  grep -qiE '^[^#]*(https?|all)_proxy=' "$f" && say proxy "$f"
done
while read -r _ to _ _ _ _ _ mask _; do [ "$to$mask" = 0000000000000000 ] && say route default; done < /proc/net/route
for f in /usr/lib/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf /run/sysctl.d/*.conf /etc/sysctl.d/*.conf; do
  v=$(sed -nE 's/^[[:space:]]*-?net[./]ipv4[./](ip_forward|conf[./]all[./]forwarding)[[:space:]]*=[[:space:]]*([01]).*/\\2/p' "$f" | tail -n 1)
  [ -e "$f" ] && say sysctl "\${v:--} $f"
done
nft list chains | while read -r a b c d; do
  case "$a" in
    table) table="$b $c" ;;
    chain) chain=$b ;;
    type) case "$table $b $c $d" in ip\\ *\\ filter\\ hook\\ forward*policy\\ drop* | inet\\ *\\ filter\\ hook\\ forward*policy\\ drop*) say closed "$table $chain" ;; esac ;;
  esac
done
# firewalld accepts by policy, and rejects by its last rule.
systemctl is-active -q firewalld && say closed "inet firewalld filter_FORWARD"
if grep -qx filter /proc/net/ip_tables_names; then
  rules=$(iptables-legacy -S FORWARD)
  case "$rules" in *"-P FORWARD DROP"*) case "$rules" in *"-i ist+ -j ACCEPT"*) ;; *) say legacy drops ;; esac ;; esac
fi
`;

/** @unit all: the values that were printed for a key, in their order */
export function parseSurroundings(all: (key: string) => readonly string[]): Surroundings {
  return {
    proxyFiles: all('proxy'),
    defaultRoute: all('route').includes('default'),
    forwardingFiles: readInOrder(all('sysctl')).filter(({ path }) => !path.endsWith(`/${ownSysctlFile}`)),
    closedChains: [...new Set(all('closed'))],
    legacyForwardDrops: all('legacy').includes('drops'),
  };
}

/** What our own settings are called: files of a later name win at boot. */
export const ownSysctlFile = '90-isthmus.conf';

/**
 * Of files of one name the last folder's counts, with whatever is in it; then names decide.
 * @source man sysctl.d
 */
function readInOrder(lines: readonly string[]): Surroundings['forwardingFiles'] {
  const byName = new Map<string, { path: string; value: string }>();
  for (const line of lines) {
    const [value = '', path = ''] = line.split(' ');
    byName.set(path.slice(path.lastIndexOf('/') + 1), { path, value });
  }
  return [...byName]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, { path, value }]) => (value === '-' ? [] : [{ path, on: value === '1' }]));
}
