import { expect, test } from 'vitest';
import { gibi, mebi } from '#unit/bytes.ts';
import { ms } from '#unit/clock.ts';
import { usualMachine } from './machine-facts.example.ts';
import type { MachineFacts } from './machine-facts.ts';
import { type CheckedAgainst, planChecks, portsOf, type Role } from './plan-checks.ts';

const around = (change: Partial<MachineFacts['surroundings']>): Partial<MachineFacts> => ({
  surroundings: { ...usualMachine.surroundings, ...change },
});

const rows: readonly [string, Partial<MachineFacts>, Role, readonly string[]][] = [
  ['a usual machine can be a node', {}, 'node', []],
  ['a usual machine can be a control plane', {}, 'control-plane', []],
  ['not root', { root: false }, 'node', ['fault: not running as root']],
  ['another processor', { architecture: 'arm64' }, 'node', ['fault: processor architecture arm64']],
  ['no systemd', { systemd: false }, 'node', ['fault: systemd is not process 1']],
  ['one processor is enough for a node', { cpu: 1 }, 'node', []],
  ['one processor is too little for a control plane', { cpu: 1 }, 'control-plane', ['fault: 1 CPU']],
  ['too little memory', { memory: mebi(1024) }, 'control-plane', ['fault: 1024Mi of memory']],
  ['a full disk', { disk: { size: gibi(50), free: gibi(1) } }, 'node', ['fault: 1024Mi free under /var/lib']],
  [
    'a disk that the node itself has filled is no fault when it joins again',
    { disk: { size: gibi(50), free: gibi(1) }, joined: true },
    'node',
    [],
  ],
  ['an old kernel', { kernel: '5.10.0-28-amd64' }, 'node', ['fault: kernel 5.10.0-28-amd64']],
  ['a kernel of the branch before nftables', { kernel: '5.12.19' }, 'node', ['fault: kernel 5.12.19']],
  ['a kernel of years ago', { kernel: '4.19.0-27-amd64' }, 'node', ['fault: kernel 4.19.0-27-amd64']],
  ['the first kernel that can', { kernel: '5.13.0' }, 'node', []],
  ['a first kernel of its line', { kernel: '6.0.0' }, 'node', []],
  ['just enough memory for a node', { memory: mebi(900) }, 'node', []],
  ['a little too little', { memory: mebi(899) }, 'node', ['fault: 899Mi of memory']],
  ['just enough memory for a control plane', { memory: mebi(1700) }, 'control-plane', []],
  ['just enough disk for a node', { disk: { size: gibi(50), free: gibi(3) } }, 'node', []],
  ['just enough disk for a control plane', { disk: { size: gibi(50), free: gibi(4) } }, 'control-plane', []],
  [
    'too little for a control plane',
    { disk: { size: gibi(50), free: gibi(3) } },
    'control-plane',
    ['fault: 3072Mi free under /var/lib'],
  ],
  ['just enough inotify instances', { inotifyInstances: 256 }, 'node', []],
  ['one too few', { inotifyInstances: 255 }, 'node', ['note: fs.inotify.max_user_instances is 255']],
  ['a clock 30 s ahead', { clockAhead: ms(30_000) }, 'node', []],
  ['a clock 30 s behind', { clockAhead: ms(-30_000) }, 'node', []],
  [
    'a clock a little more ahead',
    { clockAhead: ms(30_001) },
    'node',
    ['fault: the clock is 30.0 s ahead of that of the bundle server'],
  ],
  ['a clock that could not be compared', { clockAhead: undefined }, 'node', []],
  ['no overlay file system', { overlayFilesystem: false }, 'node', ['fault: the kernel has no overlay file system']],
  ['no connection tracking', { conntrackMax: undefined }, 'node', ['fault: the kernel has no connection tracking']],
  ['no nftables in the kernel', { nftables: false }, 'node', ['fault: nft list tables fails']],
  [
    'without the command nft the kernel is not blamed',
    { nftables: false, missingCommands: ['nft'] },
    'node',
    ['fault: missing commands: nft'],
  ],
  ['no containerd', { missingCommands: ['containerd', 'ctr'] }, 'node', ['fault: missing commands: containerd, ctr']],
  [
    'a local DNS cache on which CoreDNS would loop',
    { resolvers: [{ path: '/etc/resolv.conf', nameservers: ['127.0.0.1'] }] },
    'node',
    ['fault: no name server that pods can use: 127.0.0.1 in /etc/resolv.conf'],
  ],
  [
    'a CNI configuration of an earlier cluster',
    { cniFiles: ['10-flannel.conflist'] },
    'node',
    ['note: /etc/cni/net.d has 10-flannel.conflist of another program or an earlier cluster'],
  ],
  [
    'an older iptables that drops what pods send',
    around({ legacyForwardDrops: true }),
    'node',
    ['fault: the FORWARD chain of iptables-legacy drops forwarded packets, those of pods among them'],
  ],
  [
    'Docker or ufw, whose chain the agent opens',
    around({ closedChains: ['ip filter FORWARD'] }),
    'node',
    ['note: the nftables chain ip filter FORWARD drops forwarded packets (Docker, ufw or firewalld)'],
  ],
  [
    'a hardening file that switches forwarding off at the next boot',
    around({ forwardingFiles: [{ path: '/etc/sysctl.d/99-cis.conf', on: false }] }),
    'node',
    ['warning: /etc/sysctl.d/99-cis.conf switches net.ipv4.ip_forward off at boot, after the settings of Isthmus'],
  ],
  [
    'a file that switches it off before our own switches it on',
    around({ forwardingFiles: [{ path: '/usr/lib/sysctl.d/50-default.conf', on: false }] }),
    'node',
    [],
  ],
  [
    'a file that switches it off, and one after it that switches it on',
    around({
      forwardingFiles: [
        { path: '/etc/sysctl.d/95-cis.conf', on: false },
        { path: '/etc/sysctl.d/99-router.conf', on: true },
      ],
    }),
    'node',
    [],
  ],
  ['static routes alone', around({ defaultRoute: false }), 'node', ['warning: no default route']],
  [
    'a proxy for everybody who logs in',
    around({ proxyFiles: ['/etc/environment'] }),
    'node',
    ['note: proxy variables are set in /etc/environment'],
  ],
  ['few inotify instances', { inotifyInstances: 128 }, 'node', ['note: fs.inotify.max_user_instances is 128']],
  ['a taken port', { takenPorts: [10250] }, 'node', ['fault: port 10250 is already in use']],
  ["a joined node's own kubelet may listen", { takenPorts: [10250], joined: true }, 'node', []],
  [
    'a bundle out of reach',
    { bundleFault: 'connect ECONNREFUSED' },
    'node',
    ['fault: cannot reach the bundle server: connect ECONNREFUSED'],
  ],
  ['a clock a little off', { clockAhead: ms(-20_000) }, 'node', []],
  [
    'a clock behind',
    { clockAhead: ms(-180_000) },
    'node',
    ['fault: the clock is 3 min 00 s behind that of the bundle server'],
  ],
  [
    'an API server out of reach',
    { apiFault: 'no answer within 20 s' },
    'node',
    ['fault: cannot reach the API server: no answer within 20 s'],
  ],
  [
    'several of a kind are told apart',
    {
      resolvers: [{ path: '/etc/resolv.conf', nameservers: ['127.0.0.1', '::1'] }],
      cniFiles: ['10-flannel.conflist', '20-other.conf'],
      ...around({ proxyFiles: ['/etc/environment', '/etc/systemd/system.conf'] }),
    },
    'node',
    [
      'fault: no name server that pods can use: 127.0.0.1 in /etc/resolv.conf, ::1 in /etc/resolv.conf',
      'note: proxy variables are set in /etc/environment, /etc/systemd/system.conf',
      'note: /etc/cni/net.d has 10-flannel.conflist, 20-other.conf of another program or an earlier cluster',
    ],
  ],
  [
    'a warning comes after faults and before notes, whatever was looked at first',
    { swapOn: true, takenPorts: [10250], ...around({ defaultRoute: false }) },
    'node',
    ['fault: port 10250 is already in use', 'warning: no default route', 'note: swap is on'],
  ],
  [
    'all at once, notes after faults',
    { swapOn: true, cgroup: 'v1', root: false, cpu: 1, takenPorts: [6443] },
    'control-plane',
    [
      'fault: not running as root',
      'fault: 1 CPU',
      'fault: port 6443 is already in use',
      'note: swap is on',
      'note: cgroup v1',
    ],
  ],
];

test.each(rows)('%s', (_title, change, role, expected) => {
  const findings = planChecks({ ...usualMachine, ...change }, role);
  expect(findings.map(({ weight, what }) => `${weight}: ${what}`)).toEqual(expected);
  expect(findings.filter(({ cure }) => cure === '')).toEqual([]);
});

const memberOf = { server: 'https://10.1.1.1:6443', caHash: 'sha256:theirs' };
test.each<[string, CheckedAgainst['cluster'], readonly string[]]>([
  ['a node of our own cluster may join again', { caHash: 'sha256:theirs' }, []],
  [
    'a node of another cluster is left alone',
    { caHash: 'sha256:ours' },
    ['it is a node of another cluster, that of https://10.1.1.1:6443'],
  ],
  [
    'a node of any cluster is left alone while there is none of ours',
    'none',
    ['it is a node of another cluster, that of https://10.1.1.1:6443'],
  ],
  [
    'one who does not know the cluster does not judge',
    'unknown',
    ['it is a node of the cluster of https://10.1.1.1:6443'],
  ],
])('%s', (_title, cluster, expected) => {
  const findings = planChecks({ ...usualMachine, joined: true, memberOf }, 'node', {
    clock: 'the bundle server',
    cluster,
  });
  expect(findings.map(({ what }) => what)).toEqual(expected);
});

test('a clock five minutes off is told against whose clock it was measured', () => {
  const findings = planChecks({ ...usualMachine, clockAhead: ms(300_000) }, 'node', {
    clock: "the operator's computer",
    cluster: 'none',
  });
  expect(findings.map(({ what }) => what)).toEqual([
    "the clock is 5 min 00 s ahead of that of the operator's computer",
  ]);
});

test('who checks without knowing the cluster does not judge a member of one', () => {
  const findings = planChecks({ ...usualMachine, joined: true, memberOf }, 'node');
  expect(findings.map(({ name, weight }) => `${weight}: ${name}`)).toEqual(['note: is-node']);
});

test('a control plane listens on the ports of its parts, a node on that of its kubelet', () => {
  expect(portsOf('control-plane')).toEqual([2379, 2380, 6443, 10250, 10257, 10259]);
  expect(portsOf('node')).toEqual([10250]);
});

test('everything that lacks or is taken is told in one finding', () => {
  const findings = planChecks({ ...usualMachine, missingCommands: ['runc', 'ip'], takenPorts: [6443, 10250] }, 'node');
  expect(findings.map(({ what }) => what)).toEqual(
    expect.arrayContaining([expect.stringContaining('runc, ip'), expect.stringContaining('6443, 10250')]),
  );
});
