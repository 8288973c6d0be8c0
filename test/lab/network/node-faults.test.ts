import { spawn, spawnSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { healthPorts } from '#capability/health-ports.ts';
import { removeOurPaths } from '#cluster/join/reset.ts';
import { seconds, waitFor } from '#unit/clock.ts';
import { addressIn, TestNode } from './node.ts';

/** One node without an API server; each test does to it what people's machines have done to them. */
let node: TestNode;
const addresses = new Map<string, string>();
const inNode = (...argv: readonly string[]): string => node.run(node.node, ...argv);

beforeAll(async () => {
  node = await TestNode.create();
  await node.setRange({ ground: 'site', subnet: '172.16.3.0/24' });
  await node.startAgent(500, { LOOK_MS: '500' });
  for (const name of ['a', 'b']) {
    node.addNamespace(name);
    addresses.set(name, addressIn(await node.cni('ADD', name)));
  }
});
afterEach(async () => {
  inNode(
    'sh',
    '-c',
    'iptables-nft -F; iptables-nft -P FORWARD ACCEPT; iptables-legacy -F; iptables-legacy -P FORWARD ACCEPT',
  );
});
afterAll(() => node?.close());

/** Two pods of the node and a machine beyond it reach each other, all ways. */
async function talks(): Promise<boolean> {
  const peers = [...addresses].map(([name, address]) => [node.pod(name), address] as const);
  const { bad } = await node.mesh(...peers, [node.outside, '192.168.50.1']);
  return bad.length === 0;
}

const soon = (what: string, look: () => Promise<boolean>): Promise<true> =>
  waitFor(what, async () => (await look()) || undefined, { within: seconds(30) });

/** What the agent answers to kubelet's probe; `undefined` when it does not. */
function probe(path: string): string | undefined {
  const url = `http://127.0.0.1:${healthPorts.agent}${path}`;
  const argv = [`--net=/run/netns/${node.node}`, 'curl', '-s', '--max-time', '3', '-w', '%{http_code}', url];
  const { status, stdout } = spawnSync('nsenter', argv, { encoding: 'utf8' });
  return status === 0 ? stdout : undefined;
}

const says = (words: string): Promise<true> => soon(words, async () => probe('/readyz')?.includes(words) ?? false);

test('a healthy node answers both probes, and its pods talk', async () => {
  expect(probe('/healthz')).toBe('ok\n200');
  expect(probe('/readyz')).toBe('ok\n200');
  expect(await talks()).toBe(true);
});

test('Docker or ufw set FORWARD to DROP: the agent lets pods through, and again after the rules were flushed', async () => {
  inNode('iptables-nft', '-P', 'FORWARD', 'DROP');
  await soon('pods to talk', talks);
  expect(inNode('iptables-nft', '-S', 'FORWARD')).toContain(
    '-A FORWARD -i ist+ -m comment --comment isthmus -j ACCEPT',
  );
  inNode('iptables-nft', '-F', 'FORWARD');
  await soon('pods to talk again', talks);
  expect(probe('/readyz')).toBe('ok\n200');
});

test('firewalld rejects at the end of its chain: the agent lets pods through', async () => {
  const rules = `table inet firewall {
  chain forward {
    type filter hook forward priority filter + 10; policy accept;
    ct state established,related accept
    counter reject with icmpx type admin-prohibited
  }
}`;
  spawnSync('nsenter', [`--net=/run/netns/${node.node}`, 'nft', '-f', '-'], { input: rules });
  await soon('pods to talk', talks);
  expect(inNode('nft', 'list', 'table', 'inet', 'firewall')).toMatch(/iifname "ist\*" .*accept comment "isthmus"/);
  inNode('nft', 'delete', 'table', 'inet', 'firewall');
});

test('the older iptables drops: the agent says so and what helps, and sees that it was done', async () => {
  inNode('iptables-legacy', '-P', 'FORWARD', 'DROP');
  await says('iptables-legacy -I FORWARD -i ist+ -j ACCEPT');
  expect(await talks()).toBe(false);
  inNode('iptables-legacy', '-I', 'FORWARD', '-i', 'ist+', '-j', 'ACCEPT');
  inNode('iptables-legacy', '-I', 'FORWARD', '-o', 'ist+', '-j', 'ACCEPT');
  await says('ok');
  expect(await talks()).toBe(true);
});

test('a hardening file switches ip_forward off: the agent switches it on and says so', async () => {
  inNode('sysctl', '-qw', 'net.ipv4.ip_forward=0');
  await soon('pods to talk', talks);
  expect(node.output).toContain('"name":"net.ipv4.ip_forward"');
});

test('a system that makes reverse path filtering loose does not let pods lie about their address', async () => {
  const [a, b] = [...addresses].map(([name, address]) => [node.pod(name), address] as const) as [
    [string, string],
    [string, string],
  ];
  // Ubuntu sets it for all, systemd on each link that appears.
  inNode(
    'sh',
    '-c',
    'sysctl -qw net.ipv4.conf.all.rp_filter=2; for l in /proc/sys/net/ipv4/conf/ist*; do echo 2 > $l/rp_filter; done',
  );
  const all = (): string => inNode('sysctl', '-n', 'net.ipv4.conf.all.rp_filter').trim();
  await soon('strict filtering on pods', async () => all() === '0');
  expect(await node.lies(a, b, '172.16.3.99')).toBe(false);
  expect(await node.lies(a, b, a[1])).toBe(true);
});

test("a pod's router advertisement changes nothing on the node, whatever the system's defaults are", async () => {
  inNode('sh', '-c', 'for l in /proc/sys/net/ipv6/conf/ist*; do echo 0 > $l/disable_ipv6; done');
  const off = (): boolean => !inNode('sh', '-c', 'cat /proc/sys/net/ipv6/conf/ist*/disable_ipv6').includes('0');
  await soon('IPv6 to be off on pod links', async () => off());
  const before = inNode('ip', '-6', 'route');
  const advertise = `
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
for i in range(3): s.sendto(bytes([134, 0, 0, 0, 64, 0, 7, 8]) + bytes(8), ('ff02::1', 0, 0, socket.if_nametoindex('eth0')))`;
  node.run(node.pod('a'), '/usr/bin/python3', '-c', advertise);
  expect(inNode('ip', '-6', 'route')).toBe(before);
  expect(before).not.toContain('default');
});

test('another program puts its CNI configuration before ours: the agent names the file', async () => {
  const foreign = join(node.folder, 'net.d/00-a.conf');
  await writeFile(foreign, '{}');
  await says(`${join(node.folder, 'net.d')}/00-a.conf instead of 00-isthmus.conflist`);
  await rm(foreign);
  await says('ok');
});

test('no default route: pods have their network all the same', async () => {
  inNode('ip', 'route', 'del', 'default');
  const before = node.output.length;
  await soon('the next look', async () => probe('/readyz') === 'ok\n200');
  expect(await talks()).toBe(true);
  expect(node.output.slice(before)).not.toContain('does not work');
  inNode('ip', 'route', 'add', 'default', 'via', '192.168.50.1');
});

test("the default route lies on another card: pods get the MTU of the card that has the node's address", async () => {
  node.run(
    node.node,
    'sh',
    '-c',
    'ip link add up1 mtu 1300 type veth peer name up1b; ip link set up1 up; ip link set up1b up',
  );
  inNode('sh', '-c', 'ip addr add 10.77.0.2/24 dev up1; ip route replace default via 10.77.0.1');
  node.addNamespace('c');
  addressIn(await node.cni('ADD', 'c'));
  expect(node.run(node.pod('c'), 'cat', '/sys/class/net/eth0/mtu').trim()).toBe('1400');
  expect(inNode('cat', '/proc/sys/net/ipv4/conf/up1/proxy_arp').trim()).toBe('0');
  await node.cni('DEL', 'c');
  inNode('sh', '-c', 'ip link del up1; ip route replace default via 192.168.50.1');
});

test("the node's address is gone: the agent says so", async () => {
  inNode('ip', 'addr', 'del', '192.168.50.13/24', 'dev', 'up0');
  await says("no interface of this machine has the node's address 192.168.50.13");
  inNode('sh', '-c', 'ip addr add 192.168.50.13/24 dev up0; ip route replace default via 192.168.50.1');
  await says('ok');
  expect(await talks()).toBe(true);
});

test('a pod does not reach the metadata server, straight or through a node port; the node itself does', async () => {
  node.run(node.outside, 'ip', 'addr', 'add', '100.80.80.80/32', 'dev', 'lo');
  const serve =
    "require('net').createServer((s) => s.end('user data')).listen(80, '100.80.80.80', () => console.log('up'))";
  const server = spawn('nsenter', [`--net=/run/netns/${node.outside}`, 'node_modules/.bin/node', '-e', serve]);
  await new Promise((resolve) => server.stdout.once('data', resolve));
  try {
    const read = (from: string, url: string): string =>
      spawnSync('nsenter', [`--net=/run/netns/${from}`, 'curl', '-s', '--http0.9', '--max-time', '2', url], {
        encoding: 'utf8',
      }).stdout;
    expect(read(node.node, 'http://100.80.80.80/')).toBe('user data');
    expect(read(node.pod('a'), 'http://100.80.80.80/')).toBe('');
    // As kube-proxy does for a Service whose EndpointSlice names the metadata server.
    const port = `table ip nodeport {
  chain pre { type nat hook prerouting priority dstnat; tcp dport 30333 dnat to 100.80.80.80:80; }
  chain post { type nat hook postrouting priority srcnat; ip daddr 100.80.80.80 masquerade; }
}`;
    spawnSync('nsenter', [`--net=/run/netns/${node.node}`, 'nft', '-f', '-'], { input: port });
    expect(read(node.pod('a'), 'http://192.168.50.13:30333/')).toBe('');
    expect(read(node.outside, 'http://192.168.50.13:30333/')).toBe('');
    // Without the guard it would be read. An agent that does not stand still puts it back at once.
    node.signalAgent('SIGSTOP');
    inNode('nft', 'delete', 'table', 'ip', 'isthmus');
    expect(read(node.pod('a'), 'http://192.168.50.13:30333/')).toBe('user data');
    node.signalAgent('SIGCONT');
    await soon('the guard to be back', async () => read(node.pod('a'), 'http://192.168.50.13:30333/') === '');
    inNode('nft', 'delete', 'table', 'ip', 'nodeport');
  } finally {
    server.kill('SIGKILL');
  }
});

test('an agent that hangs does not answer the liveness probe', async () => {
  node.signalAgent('SIGSTOP');
  expect(probe('/healthz')).toBeUndefined();
  node.signalAgent('SIGCONT');
  await soon('it to answer again', async () => probe('/healthz') === 'ok\n200');
});

test('a reset takes away our routes, table and rules, and nothing of others', async () => {
  inNode('iptables-nft', '-P', 'FORWARD', 'DROP');
  inNode('iptables-nft', '-A', 'FORWARD', '-i', 'docker0', '-j', 'ACCEPT');
  await soon('pods to talk', talks);
  await node.endAgent('SIGTERM');
  inNode('sh', '-c', removeOurPaths);
  expect(node.routes()).not.toContain('proto 73');
  expect(inNode('ip', 'route', 'show', 'table', 'local')).not.toContain('proto 73');
  expect(inNode('iptables-nft', '-S', 'FORWARD')).toBe('-P FORWARD DROP\n-A FORWARD -i docker0 -j ACCEPT\n');
  expect(inNode('nft', 'list', 'tables')).not.toContain('isthmus');
});
