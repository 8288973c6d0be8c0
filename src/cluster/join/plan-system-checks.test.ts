import { expect, test } from 'vitest';
import { usualMachine } from './machine-facts.example.ts';
import type { MachineFacts } from './machine-facts.ts';
import { checkIdentity, checkNetwork, checkRemains, checkSupport } from './plan-system-checks.ts';

const of = (change: Partial<MachineFacts['system']>, more: Partial<MachineFacts> = {}): MachineFacts => ({
  ...usualMachine,
  ...more,
  system: { ...usualMachine.system, ...change },
});

function found(seen: MachineFacts, role: 'control-plane' | 'node' = 'node'): readonly string[] {
  const all = [...checkIdentity(seen), ...checkSupport(seen), ...checkNetwork(seen), ...checkRemains(seen, role)];
  return all.map(({ weight, what, cure }) => `${weight}: ${what}: ${cure}`);
}

const twoCards = [
  { link: 'eth0', address: '192.168.50.11', dynamic: false },
  { link: 'eth1', address: '10.0.0.5', dynamic: false },
];
const remains: Partial<MachineFacts['system']> = {
  otherDistributions: ['/var/lib/k0s'],
  etcdData: true,
  containers: 2,
  cniLinks: ['cni0'],
  foreignChains: ['ip nat KUBE-SERVICES'],
};

test.each<[string, MachineFacts, readonly string[]]>([
  ['a usual machine', usualMachine, []],
  ['an unknown system is not judged', of({ os: undefined }), []],
  [
    'an older Debian',
    of({ os: { id: 'debian', version: '11', name: 'Debian 11', like: [] } }),
    ['note: the system is Debian 11: use Debian 12, or try one machine first'],
  ],
  [
    'another system whose version is 12',
    of({ os: { id: 'devuan', version: '12', name: 'Devuan', like: ['debian'] } }),
    ['note: the system is Devuan: use Debian 12, or try one machine first'],
  ],
  [
    'a host name with a domain that says nothing',
    of({ hostName: 'localhost.localdomain', hostNameResolves: false }),
    ['note: the host name is localhost.localdomain: hostnamectl set-hostname NAME'],
  ],
  ['a host name that only begins like it', of({ hostName: 'localhost2' }), []],
  ['a host name of which it is not known whether it resolves', of({ hostNameResolves: undefined }), []],
  ['without systemd nobody could say whether the clock is kept', of({ timeSync: [] }, { systemd: false }), []],
  ['controllers that could not be read', of({ cgroupControllers: [] }), []],
  [
    'two controllers are missing',
    of({ cgroupControllers: ['cpu', 'cpuset'] }),
    [
      'fault: the kernel does not offer cgroup controllers: memory, pids: remove cgroup_disable= from the kernel command line, or use a kernel that has them',
    ],
  ],
  ['containerd 1.6 will do', of({ containerd: '1.6.0' }), []],
  ['containerd 2.0 will do', of({ containerd: 'v2.0.1' }), []],
  ['containerd of two digits will do', of({ containerd: '1.10.0' }), []],
  ['containerd 0.9', of({ containerd: '0.9.1' }), ['fault: containerd 0.9.1: install containerd 1.6 or newer']],
  [
    'containerd 1.5 with a v',
    of({ containerd: 'v1.5.9' }),
    ['fault: containerd v1.5.9: install containerd 1.6 or newer'],
  ],
  ['a version that is no number', of({ containerd: 'main-1.2' }), []],
  ['a version of which nothing is known', of({ containerd: undefined }), []],
  ['inodes that are just enough', of({ inodes: { size: 1000, free: 50 } }), []],
  ['a node has used inodes itself', of({ inodes: { size: 1000, free: 1 } }, { joined: true }), []],
  ['a file system without inodes', of({ inodes: undefined }), []],
  ['on a node all this is its own', of(remains, { joined: true }), []],
  [
    'data of etcd do not matter to a node that is no control plane, and several are told apart from one',
    of({ ...remains, foreignChains: ['ip nat A', 'ip nat B', 'ip nat C'], containers: 1 }),
    [
      'warning: another Kubernetes distribution is installed: /var/lib/k0s: run its uninstall program (k3s-uninstall.sh, rke2-uninstall.sh, k0s reset, snap remove microk8s) and remove the folder',
      'warning: a container runs in the containerd namespace k8s.io: run isthmus machine reset; ctr -n k8s.io tasks ls lists them',
      'warning: links of another CNI plugin: cni0: reboot after that plugin is removed, or: ip link delete cni0',
      'warning: packet filter rules of another cluster: ip nat A and 2 more: reboot after that cluster is removed, so that the rules are not loaded again',
    ],
  ],
  [
    'several links and runtimes',
    of({ cniLinks: ['cni0', 'flannel.1'], otherRuntimes: ['docker', 'crio'], otherDistributions: ['/a', '/b'] }),
    [
      'note: other container runtimes run here: docker, crio: if nothing else needs them: systemctl disable --now docker crio',
      'warning: another Kubernetes distribution is installed: /a, /b: run its uninstall program (k3s-uninstall.sh, rke2-uninstall.sh, k0s reset, snap remove microk8s) and remove the folder',
      'warning: links of another CNI plugin: cni0, flannel.1: reboot after that plugin is removed, or: ip link delete cni0; ip link delete flannel.1',
    ],
  ],
  [
    'one chain',
    of({ foreignChains: ['ip nat A'] }),
    [
      'warning: packet filter rules of another cluster: ip nat A: reboot after that cluster is removed, so that the rules are not loaded again',
    ],
  ],
  [
    'three name servers',
    of({}, { resolvers: [{ path: '/etc/resolv.conf', nameservers: ['1.1.1.1', '2.2.2.2', '3.3.3.3'] }] }),
    [],
  ],
  [
    'four name servers in a file that pods do not get',
    of({}, { resolvers: [{ path: '/run/other', nameservers: ['1.1.1.1', '2.2.2.2', '3.3.3.3', '4.4.4.4'] }] }),
    [],
  ],
  [
    'one file without name servers beside one that has some',
    of(
      {},
      {
        resolvers: [
          { path: '/etc/resolv.conf', nameservers: [] },
          { path: '/run/b', nameservers: ['1.1.1.1'] },
        ],
      },
    ),
    [],
  ],
  ['one card with two addresses', of({ cards: twoCards.map((card) => ({ ...card, link: 'eth0' })) }), []],
  [
    'two cards, and an API server that was not named',
    of({ cards: twoCards, way: undefined }),
    [
      'note: several network cards have addresses: eth0 192.168.50.11, eth1 10.0.0.5: run the check with --api to see which of them reaches the API server',
    ],
  ],
  [
    'default routes of two metrics',
    of({
      defaultRoutes: [
        { link: 'eth0', metric: 100 },
        { link: 'eth1', metric: 200 },
      ],
    }),
    [],
  ],
  [
    'two default routes by one card',
    of({
      defaultRoutes: [
        { link: 'eth0', metric: 100 },
        { link: 'eth0', metric: 100 },
      ],
    }),
    [],
  ],
  [
    'the best two of three default routes',
    of({
      defaultRoutes: [
        { link: 'eth2', metric: 200 },
        { link: 'eth0', metric: 100 },
        { link: 'eth1', metric: 100 },
      ],
    }),
    [
      'warning: default routes of the same metric by eth0 and eth1: keep one of them, or give the others a greater metric',
    ],
  ],
  [
    'two addresses by DHCP',
    of({ cards: twoCards.map((card) => ({ ...card, link: 'eth0', dynamic: true })) }),
    [
      'note: addresses that DHCP gave for a time: eth0 192.168.50.11, eth0 10.0.0.5: reserve them on the DHCP server, or configure them statically; clouds keep the addresses of their machines',
    ],
  ],
  ['no default route is told elsewhere', of({ defaultRoutes: [] }), []],
  ['a path that was not tried', of({ path: undefined }), []],
  ['a path that takes all that the link takes', of({ path: { link: 1400, passes: 1400, told: false } }), []],
])('%s', (_title, seen, expected) => {
  expect(found(seen)).toEqual(expected);
});
