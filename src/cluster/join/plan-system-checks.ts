import { timeSyncCommand } from './choose-commands.ts';
import { type Finding, fault, note, warning } from './findings.ts';
import type { MachineFacts } from './machine-facts.ts';
import type { PathMtu } from './system-facts.ts';

/** What the system of a machine is, and how its name and clock are set. */
export function checkIdentity({ system, systemd }: MachineFacts): Finding[] {
  const { os, hostName, hostNameResolves, timeSync } = system;
  const found: Finding[] = [];
  if (os !== undefined && !(os.id === 'debian' && os.version === '12'))
    found.push(note('system-version', `the system is ${os.name}`, 'use Debian 12, or try one machine first'));
  if (hostName === 'localhost' || hostName.startsWith('localhost.'))
    found.push(note('host-name', `the host name is ${hostName}`, 'hostnamectl set-hostname NAME'));
  else if (hostNameResolves === false)
    found.push(
      note('host-name-unresolved', `the host name ${hostName} has no address`, `add ${hostName} to /etc/hosts`),
    );
  if (systemd && timeSync.length === 0)
    found.push(
      note('no-time-sync', 'no program keeps the clock right (systemd-timesyncd, chrony, ntpd)', timeSyncCommand(os)),
    );
  return found;
}

/** What kubelet and containerd need of the system. */
export function checkSupport({ system, joined }: MachineFacts): Finding[] {
  const { cgroupControllers: controllers, inodes, selinuxEnforcing, containerd, otherRuntimes } = system;
  const found: Finding[] = [];
  const missing = ['cpu', 'cpuset', 'memory', 'pids'].filter((name) => !controllers.includes(name));
  if (controllers.length > 0 && missing.length > 0)
    found.push(
      fault(
        'cgroup-controllers',
        `the kernel does not offer cgroup controllers: ${missing.join(', ')}`,
        'remove cgroup_disable= from the kernel command line, or use a kernel that has them',
      ),
    );
  if (containerd !== undefined && isOlder(containerd, 1, 6))
    found.push(fault('old-containerd', `containerd ${containerd}`, 'install containerd 1.6 or newer'));
  if (!joined && inodes !== undefined && inodes.free < inodes.size * 0.05)
    found.push(
      warning(
        'few-inodes',
        `${inodes.free} of ${inodes.size} inodes are free under /var/lib`,
        'remove folders with many small files: du --inodes -x /var | sort -n | tail',
      ),
    );
  if (selinuxEnforcing)
    found.push(
      warning(
        'selinux',
        'SELinux is enforcing',
        'try one machine first, or write SELINUX=permissive to /etc/selinux/config and run setenforce 0',
      ),
    );
  if (otherRuntimes.length > 0)
    found.push(
      note(
        'other-runtime',
        `other container runtimes run here: ${otherRuntimes.join(', ')}`,
        `if nothing else needs them: systemctl disable --now ${otherRuntimes.join(' ')}`,
      ),
    );
  return found;
}

function isOlder(version: string, major: number, minor: number): boolean {
  const [, ofMajor, ofMinor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (ofMajor === undefined) return false;
  return Number(ofMajor) < major || (Number(ofMajor) === major && Number(ofMinor) < minor);
}

/** What another cluster has left. On a node all this is its own, so it is asked of machines that have not joined. */
export function checkRemains({ system, joined }: MachineFacts, role: 'control-plane' | 'node'): Finding[] {
  if (joined) return [];
  const { otherDistributions, etcdData, containers, cniLinks, foreignChains } = system;
  const found: Finding[] = [];
  if (otherDistributions.length > 0)
    found.push(
      warning(
        'other-distribution',
        `another Kubernetes distribution is installed: ${otherDistributions.join(', ')}`,
        'run its uninstall program (k3s-uninstall.sh, rke2-uninstall.sh, k0s reset, snap remove microk8s) and remove the folder',
      ),
    );
  if (role === 'control-plane' && etcdData)
    found.push(
      warning(
        'etcd-data',
        '/var/lib/etcd has the data of a cluster',
        'if nobody needs that cluster any more, run isthmus machine reset and move /var/lib/etcd away',
      ),
    );
  if (containers > 0)
    found.push(
      warning(
        'left-containers',
        `${containers === 1 ? 'a container runs' : `${containers} containers run`} in the containerd namespace k8s.io`,
        'run isthmus machine reset; ctr -n k8s.io tasks ls lists them',
      ),
    );
  if (cniLinks.length > 0)
    found.push(
      warning(
        'cni-links',
        `links of another CNI plugin: ${cniLinks.join(', ')}`,
        `reboot after that plugin is removed, or: ${cniLinks.map((link) => `ip link delete ${link}`).join('; ')}`,
      ),
    );
  const [first, ...more] = foreignChains;
  if (first !== undefined)
    found.push(
      warning(
        'packet-rules',
        `packet filter rules of another cluster: ${first}${more.length === 0 ? '' : ` and ${more.length} more`}`,
        'reboot after that cluster is removed, so that the rules are not loaded again',
      ),
    );
  return found;
}

/** How the machine stands in the network, and how it reaches the API server. */
export function checkNetwork({ system, resolvers }: MachineFacts): Finding[] {
  const { closedInput, path } = system;
  const found: Finding[] = [];
  if (resolvers.every(({ nameservers }) => nameservers.length === 0))
    found.push(
      warning(
        'no-resolver',
        'no name server is configured',
        'write the addresses of your DNS servers to /etc/resolv.conf',
      ),
    );
  const usual = resolvers.find(({ path: file }) => file === '/etc/resolv.conf');
  if (usual !== undefined && usual.nameservers.length > 3)
    found.push(
      note('many-resolvers', `/etc/resolv.conf names ${usual.nameservers.length} name servers`, 'keep the best three'),
    );
  for (const chain of closedInput)
    found.push(
      warning(
        'closed-input',
        `the nftables chain ${chain} drops what it is not told to accept, and no rule names port 10250`,
        chain.includes(' firewalld ')
          ? 'firewall-cmd --permanent --add-port=10250/tcp && firewall-cmd --reload'
          : 'accept TCP port 10250 from the control plane, unless another rule accepts everything from it',
      ),
    );
  return [...found, ...checkCards(system), ...checkPath(path)];
}

function checkCards({ cards, defaultRoutes, way }: MachineFacts['system']): Finding[] {
  const found: Finding[] = [];
  const links = [...new Set(cards.map(({ link }) => link))];
  if (links.length > 1) {
    const all = cards.map(({ link, address }) => `${link} ${address}`).join(', ');
    const meant =
      way === undefined
        ? 'run the check with --api to see which of them reaches the API server'
        : `this machine reaches the API server by ${way.link} with ${way.address}; its address in cluster.yaml should be that one`;
    found.push(note('several-cards', `several network cards have addresses: ${all}`, meant));
  }
  const least = Math.min(...defaultRoutes.map(({ metric }) => metric));
  const best = [...new Set(defaultRoutes.filter(({ metric }) => metric === least).map(({ link }) => link))];
  if (best.length > 1)
    found.push(
      warning(
        'two-default-routes',
        `default routes of the same metric by ${best.join(' and ')}`,
        'keep one of them, or give the others a greater metric',
      ),
    );
  const dynamic = cards.filter((card) => card.dynamic).map(({ link, address }) => `${link} ${address}`);
  if (dynamic.length > 0)
    found.push(
      note(
        'dhcp-address',
        `addresses that DHCP gave for a time: ${dynamic.join(', ')}`,
        'reserve them on the DHCP server, or configure them statically; clouds keep the addresses of their machines',
      ),
    );
  return found;
}

function checkPath(path: PathMtu | undefined): Finding[] {
  if (path === undefined || path.passes >= path.link) return [];
  if (path.told)
    return [
      note(
        'path-mtu',
        `packets to the API server may have ${path.passes} bytes, those of the link ${path.link}`,
        'nothing needs to be done while firewalls let ICMP pass',
      ),
    ];
  return [
    warning(
      'path-mtu-silent',
      `packets of ${path.link} bytes to the API server are lost without an answer, those of ${path.passes} pass`,
      `let ICMP "fragmentation needed" (type 3 code 4) pass every firewall on the path, or set the MTU of the network card to ${path.passes}`,
    ),
  ];
}
