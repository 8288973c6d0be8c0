import { ruleComment } from '#host/forward-filter.ts';
import type { Host } from '#host/host.ts';
import { RTPROT_ISTHMUS as routeProtocol } from '#host/netlink/rtnetlink.ts';
import { type Ms, minutes, seconds } from '#unit/clock.ts';
import { podInterfacePrefix } from '#unit/pod-interface.ts';
import { paths } from './files.ts';
import { lockName, onlyOneAtATime } from './lock.ts';

/** One thing that a reset undoes. A command that fails because there is nothing left to undo is no fault. */
interface Undo {
  readonly what: string;
  readonly script: string;
  readonly within: Ms;
}

/**
 * Makes this machine a machine like before its join: no Kubernetes, no pod network, containerd as it was. Can be repeated.
 * @fails HostError when a step hangs; the next run goes on from there
 * @shape the steps that reported trouble, empty when all is undone
 */
export async function resetMachine(host: Host, say: (line: string) => void): Promise<readonly string[]> {
  const lock = await onlyOneAtATime(say);
  const trouble: string[] = [];
  try {
    for (const { what, script, within } of undoings()) {
      const ran = await host.run(['sh', '-c', script], { within });
      say(`${what}: ${ran.code === 0 ? 'done' : `exit code ${ran.code}`}`);
      if (ran.code !== 0)
        trouble.push(`${what}: ${(ran.stderr || ran.stdout).trim().split('\n').slice(-4).join('\n')}`);
    }
  } finally {
    await lock.release();
  }
  return trouble;
}

/**
 * What the agent made in the kernel: its routes, which would keep this machine from whoever gets its subnet next, its answers to ARP for
 * pods, its table, and its rules in chains of others.
 */
export const removeOurPaths = `ip route flush proto ${routeProtocol} 2>/dev/null
ip route flush table local proto ${routeProtocol} 2>/dev/null
ip neigh show proxy 2>/dev/null | awk '/ proto ${routeProtocol}( |$)/ { print "ip neigh del proxy " $1 " dev " $3 }' | sh
nft delete table ip isthmus 2>/dev/null
nft -a list ruleset 2>/dev/null | awk '
  $1 == "table" { family = $2; table = $3 }
  $1 == "chain" { chain = $2 }
  /name "${podInterfacePrefix}\\*".* comment "${ruleComment}" # handle/ { print "delete rule " family " " table " " chain " handle " $NF }' | nft -f -`;

/**
 * Empties a folder, and nothing that is mounted in it: roots of file shares, volumes of pods and what they bind of the machine hold data of
 * others. A mount that can't be taken away keeps everything as it is, and is told.
 */
export function emptyFolder(folder: string, keep = ''): string {
  return `mounted() { awk -v below='${folder}/' 'index($2, below) == 1 { print $2 }' /proc/self/mounts | sort -r; }
mounted | while read -r place; do umount -l "$(printf '%b' "$place")"; done
if [ -n "$(mounted)" ]; then echo "still mounted, so ${folder} was not emptied: $(mounted)" >&2; exit 1; fi
find ${folder} -mindepth 1 -xdev ${keep === '' ? '' : `! -name ${keep} `}-delete 2>/dev/null; exit 0`;
}

function undoings(): readonly Undo[] {
  const socket = `unix://${paths.containerdSocket}`;
  return [
    {
      what: 'kubeadm reset',
      // Restores the runtime first: without it kubeadm can't end the pods.
      script: `command -v kubeadm >/dev/null || exit 0; systemctl start containerd; kubeadm reset --force --cri-socket ${socket}`,
      within: minutes(4),
    },
    {
      what: 'kubelet',
      script: `systemctl disable --now -q kubelet 2>/dev/null; rm -rf ${paths.kubeletUnit} ${paths.kubeletUnit}.d; systemctl daemon-reload`,
      within: seconds(90),
    },
    {
      what: 'pods that are left',
      script:
        'for c in $(ctr -n k8s.io tasks ls -q 2>/dev/null); do ctr -n k8s.io tasks kill -s KILL "$c"; done; exit 0',
      within: minutes(2),
    },
    {
      what: 'pod network',
      // The configuration goes last of these: without one, sandboxes could not be stopped.
      script: `for l in $(ip -o link show | sed -n 's/^[0-9]*: \\(${podInterfacePrefix}[^:@]*\\).*/\\1/p'); do ip link delete "$l"; done
for f in ip ip6; do nft delete table $f kube-proxy 2>/dev/null; done
${removeOurPaths}
# Only what is ours: other programs keep their files in these folders too.
rm -f /opt/cni/bin/isthmus-cni /var/lib/cni/results/isthmus-*
${emptyFolder('/run/isthmus', lockName)}`,
      within: seconds(60),
    },
    {
      what: 'containerd',
      script: `if [ -e ${paths.containerdBefore} ]; then mv ${paths.containerdBefore} ${paths.containerd}; fi; systemctl restart containerd`,
      within: minutes(2),
    },
    {
      what: 'files',
      script: `rm -rf /etc/kubernetes /var/lib/etcd /var/lib/isthmus ${paths.sysctl} ${paths.modules} /etc/isthmus \\
/usr/local/bin/kubeadm /usr/local/bin/kubelet /usr/local/bin/kubectl
${emptyFolder('/var/lib/kubelet')}`,
      within: minutes(1),
    },
  ];
}
