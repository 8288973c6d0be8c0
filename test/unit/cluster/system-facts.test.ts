import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseSystemFacts, type SystemFacts, systemScript } from '#cluster/join/system-facts.ts';

/** @shape what a machine with a network of its own shows. @unit inside: shell that is run before the look, in folders of its own */
function lookAt(inside: string, api = ''): SystemFacts {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-system-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  // uname -n, DNS and daemons of the computer that runs the test say nothing about the shell.
  const own = `mount -t tmpfs none /run; mkdir /run/netns; mount -t sysfs none /sys`;
  const script = `set -e; ${own}; ip link set lo up\n${inside}\nset +e; exec 2>/dev/null; api=$1; say() { echo "$1=$2"; }\n${systemScript}`;
  writeFileSync(join(folder, 'look.sh'), script);
  const argv = ['-m', '-n', 'sh', join(folder, 'look.sh'), api];
  return parse(execFileSync('unshare', argv, { encoding: 'utf8', timeout: 60_000 }));
}

function parse(text: string): SystemFacts {
  const lines = text.split('\n');
  return parseSystemFacts((key) =>
    lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1)),
  );
}

/** A machine, a router behind it and 10.9.0.12 behind that, with links of 1500 bytes and 1400. */
const twoHops = `
ip netns add router; ip netns add far
ip link add eth0 mtu 1500 type veth peer name r0 mtu 1500 netns router
ip -n router link add r1 mtu 1400 type veth peer name f0 mtu 1400 netns far
ip addr add 192.0.2.2/24 dev eth0; ip link set eth0 up
ip -n router addr add 192.0.2.1/24 dev r0; ip -n router link set r0 up
ip -n router addr add 10.9.0.1/24 dev r1; ip -n router link set r1 up
ip -n far addr add 10.9.0.12/24 dev f0; ip -n far link set f0 up
ip -n far route add default via 10.9.0.1
ip netns exec router sysctl -q -w net.ipv4.ip_forward=1
ip route add default via 192.0.2.1 dev eth0 metric 100
`;

test('the size that fits through the path is found, and that a router told it', () => {
  const { path, way, defaultRoutes, cards } = lookAt(twoHops, '10.9.0.12');
  expect({ path, way, defaultRoutes, cards }).toEqual({
    path: { link: 1500, passes: 1400, told: true },
    way: { link: 'eth0', address: '192.0.2.2' },
    defaultRoutes: [{ link: 'eth0', metric: 100 }],
    cards: [{ link: 'eth0', address: '192.0.2.2', dynamic: false }],
  });
});

test('a router that drops large packets in silence is found out', () => {
  const silent =
    "ip netns exec router nft 'add table ip f; add chain ip f out { type filter hook output priority 0; }; add rule ip f out icmp type destination-unreachable drop'";
  expect(lookAt(`${twoHops}${silent}`, '10.9.0.12').path).toEqual({ link: 1500, passes: 1400, told: false });
});

test('nothing is said about the path to an API server that answers no ping, or when none was named', () => {
  const deaf =
    "ip netns exec far nft 'add table ip f; add chain ip f in { type filter hook input priority 0; policy drop; }'";
  expect(lookAt(`${twoHops}${deaf}`, '10.9.0.12').path).toBeUndefined();
  const { path, way } = lookAt(twoHops);
  expect({ path, way }).toEqual({ path: undefined, way: undefined });
});

test('links and rules of other CNI plugins are found, and those of Docker are not taken for them', () => {
  const { cniLinks, foreignChains, closedInput, cards } = lookAt(`
ip link add cni0 type bridge; ip link add docker0 type bridge; ip link add eth0 type veth peer name eth1
ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up; ip addr add 192.0.2.2/24 dev eth0; ip link set eth0 up
nft 'add table ip nat; add chain ip nat KUBE-SERVICES; add chain ip nat DOCKER; add table ip filter; add chain ip filter cali-FORWARD'
`);
  expect({ cniLinks, foreignChains, closedInput, cards }).toEqual({
    cniLinks: ['cni0'],
    foreignChains: ['ip nat KUBE-SERVICES', 'ip filter cali-FORWARD'],
    closedInput: [],
    cards: [{ link: 'eth0', address: '192.0.2.2', dynamic: false }],
  });
});

test("a firewall that drops what arrives is found, unless a rule names kubelet's port", () => {
  const closed = "nft 'add table inet f; add chain inet f input { type filter hook input priority 0; policy drop; }'";
  expect(lookAt(closed).closedInput).toEqual(['inet f input']);
  expect(lookAt(`${closed}; nft add rule inet f input tcp dport 10250 accept`).closedInput).toEqual([]);
});

test('what recorded machines print is read as it stands', () => {
  const said = `os=rocky|9.4|Rocky Linux 9.4 (Blue Onyx)|rhel centos fedora
hostname=localhost.localdomain
resolves=no
controllers=cpuset cpu io memory pids
inodes=6553600 6400000
timesync=chronyd
selinux=enforcing
runtime-version=v1.7.28
runtime=docker
distribution=/var/lib/rancher/k3s
etcd=data
containers=3
cnilink=flannel.1
chain=ip nat KUBE-SERVICES
input=inet firewalld filter_INPUT
card=2: ens18    inet 192.168.50.11/24 brd 192.168.50.255 scope global dynamic noprefixroute ens18\\       valid_lft 3000sec preferred_lft 3000sec
card=3: ens19    inet 10.0.0.5/8 scope global ens19\\       valid_lft forever preferred_lft forever
card=4: br-1a2b    inet 172.18.0.1/16 scope global br-1a2b\\       valid_lft forever preferred_lft forever
gateway=default via 192.168.50.1 dev ens18 proto dhcp src 192.168.50.11 metric 100
gateway=default via 10.0.0.1 dev ens19
way=10.9.0.12 via 192.168.50.1 dev ens18 src 192.168.50.11 uid 0
path=1500 1280 silent
`;
  expect(parse(said)).toEqual({
    os: { id: 'rocky', version: '9.4', name: 'Rocky Linux 9.4 (Blue Onyx)', like: ['rhel', 'centos', 'fedora'] },
    hostName: 'localhost.localdomain',
    hostNameResolves: false,
    cgroupControllers: ['cpuset', 'cpu', 'io', 'memory', 'pids'],
    inodes: { size: 6_553_600, free: 6_400_000 },
    timeSync: ['chronyd'],
    selinuxEnforcing: true,
    containerd: 'v1.7.28',
    otherRuntimes: ['docker'],
    otherDistributions: ['/var/lib/rancher/k3s'],
    etcdData: true,
    containers: 3,
    cniLinks: ['flannel.1'],
    foreignChains: ['ip nat KUBE-SERVICES'],
    closedInput: ['inet firewalld filter_INPUT'],
    cards: [
      { link: 'ens18', address: '192.168.50.11', dynamic: true },
      { link: 'ens19', address: '10.0.0.5', dynamic: false },
    ],
    defaultRoutes: [
      { link: 'ens18', metric: 100 },
      { link: 'ens19', metric: 0 },
    ],
    way: { link: 'ens18', address: '192.168.50.11' },
    path: { link: 1500, passes: 1280, told: false },
  });
});

test('a machine without any of the tools, and a file system without inodes, are read as unknown', () => {
  expect(parse('inodes=- -\nruntime-version=\n')).toEqual({
    os: undefined,
    hostName: 'unknown',
    hostNameResolves: undefined,
    cgroupControllers: [],
    inodes: undefined,
    timeSync: [],
    selinuxEnforcing: false,
    containerd: undefined,
    otherRuntimes: [],
    otherDistributions: [],
    etcdData: false,
    containers: 0,
    cniLinks: [],
    foreignChains: [],
    closedInput: [],
    cards: [],
    defaultRoutes: [],
    way: undefined,
    path: undefined,
  });
});
