import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ArpPacket, announcementOf, probeOf } from '#host/arp/frame.ts';
import { ArpSocket } from '#host/arp/socket.ts';
import { linksOf } from '#host/netlink/links-and-routes.ts';
import { insideNamespace } from '#host/netlink/namespace.ts';
import { Netlink } from '#host/netlink/netlink.ts';
import type { PodRangeSpec } from '#kube/api/pod-range.ts';
import { openFabric } from '#lab/fabric/fabric.ts';
import { inside } from '#lab/fabric/inside.ts';
import { markOf } from '#lab/fabric/names.ts';
import { removeLab } from '#lab/server/remains.ts';
import { ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import { addressIn, TestNode } from './node.ts';

/**
 * The site's network with bare namespaces for machines: two bridged nodes, a routed one, the gateway with the line to a VPC and a machine in
 * it, and a stranger on the site's network, which belongs to no cluster.
 */
const lab = `b${process.pid}`.slice(0, 12);
const since = '2026-11-30T12:00:00Z';
const pods = '192.168.50.128-192.168.50.250';

function slice(first: number, count: number): PodRangeSpec {
  const addresses = Array.from({ length: count }, (_, i) => ({
    ip: `192.168.50.${first + i}`,
    state: 'usable' as const,
    since,
  }));
  return { ground: 'site', bridged: { pods, interface: 'eth0' }, addresses };
}

let left: TestNode;
let right: TestNode;
let routed: TestNode;
const stranger = markOf(lab, 'stranger');
const gateway = markOf(lab, 'gateway');
const cloud = markOf(lab, 'cloud');
const fast = { LOOK_MS: '300' };

beforeAll(async () => {
  const fabric = openFabric(lab);
  await fabric.raise();
  await fabric.plugGateway('gateway');
  await inside(gateway, 'sysctl -q -w net.ipv4.ip_forward=1');
  for (const [key, ip] of Object.entries({ left: 11, right: 12, routed: 13, stranger: 66 }))
    await fabric.plugIntoSite({ key, ip: `192.168.50.${ip}` });
  await fabric.setGatewayRoutes('gateway', ['172.16.3.0/24 via 192.168.50.13']);
  await fabric.plugIntoVpc({
    key: 'cloud',
    mac: '52:54:00:00:00:05',
    ip: '10.9.0.5',
    prefixLength: 20,
    gateway: '10.9.0.1',
  });
  const nodeAt = (key: string, ip: number): Promise<TestNode> =>
    TestNode.create({ namespace: markOf(lab, key), address: `192.168.50.${ip}` });
  left = await nodeAt('left', 11);
  right = await nodeAt('right', 12);
  routed = await nodeAt('routed', 13);
  await left.setRange(slice(128, 4));
  await right.setRange(slice(136, 4));
  await routed.setRange({ ground: 'site', subnet: '172.16.3.0/24' });
  // As its agent learns it from the API server, of which there is none here.
  const toRouted = {
    format: 'isthmus-neighbours/v1',
    routes: [{ destination: '172.16.3.0/24', via: '192.168.50.13' }],
  };
  for (const node of [left, right]) writeFileSync(join(node.folder, 'state/neighbours.json'), JSON.stringify(toRouted));
  for (const node of [left, right, routed]) await node.startAgent(0, fast);
});

afterAll(async () => {
  for (const node of [left, right, routed]) await node?.close();
  await removeLab(lab);
});

const added = new Map<string, readonly [string, string]>();

/** A pod, by the plugin as containerd calls it. @shape its namespace and address */
async function addPod(node: TestNode, name: string): Promise<readonly [string, string]> {
  node.addNamespace(name);
  const pod = [node.pod(name), addressIn(await node.cni('ADD', name))] as const;
  added.set(name, pod);
  return pod;
}

function pod(name: string): readonly [string, string] {
  return added.get(name) as readonly [string, string];
}

/** Whom a place takes for the owner of an address. */
async function knows(place: string, ip: string): Promise<string | undefined> {
  return /lladdr (\S+)/.exec(await inside(place, `ip neigh show ${ip} dev eth0`))?.[1];
}

async function macOf(place: string): Promise<string> {
  return /link\/ether (\S+)/.exec(await inside(place, 'ip link show eth0'))?.[1] ?? '';
}

/** Speaks and hears ARP at a place as a program there would. */
function arpAt(place: string): ArpSocket & { readonly mac: string } {
  return insideNamespace(`/run/netns/${place}`, () => {
    const netlink = new Netlink();
    const link = linksOf(netlink).find(({ name }) => name === 'eth0');
    netlink.close();
    if (link === undefined) throw new Error(`${place} has no eth0`);
    return Object.assign(new ArpSocket(link), { mac: link.mac });
  });
}

/** What a place hears of ARP until that time after `act`. */
async function heardAt(place: string, within: number, act: () => unknown): Promise<readonly ArpPacket[]> {
  const socket = arpAt(place);
  try {
    await act();
    await sleep(ms(within));
    return socket.received();
  } finally {
    socket.close();
  }
}

test('everybody reaches everybody with their own addresses: pods of both kinds of machines, machines, the gateway, a stranger and the cloud', async () => {
  await addPod(left, 'a');
  await addPod(left, 'b');
  await addPod(right, 'c');
  await addPod(routed, 'd');
  expect([...added.values()].map(([, address]) => address)).toEqual([
    '192.168.50.128',
    '192.168.50.129',
    '192.168.50.136',
    '172.16.3.1',
  ]);
  const machines = [
    [markOf(lab, 'left'), '192.168.50.11'],
    [markOf(lab, 'right'), '192.168.50.12'],
    [markOf(lab, 'routed'), '192.168.50.13'],
    [stranger, '192.168.50.66'],
    [gateway, '192.168.50.1'],
    [cloud, '10.9.0.5'],
  ] as const;
  const all = [...added.values(), ...machines];
  const { good, bad } = await left.mesh(...all);
  expect(bad).toEqual([]);
  expect(good).toBe(all.length * (all.length - 1) * 2);
});

test('neighbours reach each other without the gateway, whichever mode each is in', async () => {
  await inside(gateway, 'ip link set eth0 down');
  try {
    const { bad } = await left.mesh(pod('a'), pod('b'), pod('c'), pod('d'), [markOf(lab, 'routed'), '192.168.50.13']);
    expect(bad).toEqual([]);
  } finally {
    await inside(gateway, 'ip link set eth0 up; ip route add 172.16.3.0/24 via 192.168.50.13');
  }
});

test('a machine answers ARP for its own pods, and for no other address of the range', async () => {
  const range = Array.from({ length: 12 }, (_, i) => `192.168.50.${128 + i}`);
  await inside(
    stranger,
    `ip neigh flush dev eth0\n${range.map((one) => `ping -c1 -W1 ${one} >/dev/null &`).join('\n')}\nwait`,
  );
  const owners = new Map<string, string>();
  for (const one of range) {
    const owner = await knows(stranger, one);
    if (owner !== undefined) owners.set(one, owner);
  }
  const [leftMac, rightMac] = [await macOf(markOf(lab, 'left')), await macOf(markOf(lab, 'right'))];
  expect(Object.fromEntries(owners)).toEqual({
    '192.168.50.128': leftMac,
    '192.168.50.129': leftMac,
    '192.168.50.136': rightMac,
  });
});

test('who probes an address before taking it is answered for pods, which the kernel alone would not do, and not for free addresses', async () => {
  const socket = arpAt(stranger);
  for (const address of ['192.168.50.128', '192.168.50.131']) socket.send(probeOf(ip(address), socket.mac));
  await sleep(ms(1000));
  const answers = socket.received().filter(({ does }) => does === 'answers');
  socket.close();
  expect(answers.map(({ from }) => from)).toEqual([{ mac: await macOf(markOf(lab, 'left')), ip: '192.168.50.128' }]);
});

test('an address that comes to a pod is announced: a neighbour that remembers an earlier owner corrects it', async () => {
  await inside(stranger, 'ip neigh replace 192.168.50.137 lladdr 02:00:00:00:00:99 dev eth0 nud stale');
  expect(await knows(stranger, '192.168.50.137')).toBe('02:00:00:00:00:99');
  const heard = await heardAt(stranger, 2500, () => addPod(right, 'e'));
  expect(pod('e')[1]).toBe('192.168.50.137');
  const mac = await macOf(markOf(lab, 'right'));
  expect(await knows(stranger, '192.168.50.137')).toBe(mac);
  // Twice: one may be lost.
  expect(heard.filter(({ from }) => from.ip === '192.168.50.137')).toEqual([
    { does: 'asks', from: { mac, ip: '192.168.50.137' }, target: '192.168.50.137' },
    { does: 'asks', from: { mac, ip: '192.168.50.137' }, target: '192.168.50.137' },
  ]);
});

test('a pod cannot speak ARP to the site network, nor send with the address of another', async () => {
  const mac = '0a:58:de:ad:be:ef';
  const heard = await heardAt(stranger, 500, () => {
    const forger = arpAt(pod('a')[0]);
    for (const victim of ['192.168.50.1', '192.168.50.66', '192.168.50.11', '192.168.50.136'])
      forger.send(announcementOf(ip(victim), mac));
    forger.close();
  });
  expect(heard.filter(({ from }) => from.mac === mac)).toEqual([]);
  expect(await inside(markOf(lab, 'left'), 'ip neigh show')).not.toContain(mac);
  expect((await left.mesh(pod('a'), [gateway, '192.168.50.1'], pod('c'))).bad).toEqual([]);
  for (const lie of ['192.168.50.131', pod('c')[1], '192.168.50.66', '192.168.50.11'])
    expect(await left.lies(pod('a'), [stranger, '192.168.50.66'], lie), lie).toBe(false);
  // The same message without a lie arrives.
  expect(await left.lies(pod('a'), [stranger, '192.168.50.66'], pod('a')[1])).toBe(true);
});

test('an address that a stranger uses goes to no pod, and the probe that found it disturbs nobody', async () => {
  const { mac } = arpAt(stranger);
  await left.endAgent('SIGTERM');
  await inside(stranger, 'ip address add 192.168.50.130/24 dev eth0');
  // The stranger and the gateway know each other by it, and the gateway knows nothing of the machine's address.
  await inside(
    gateway,
    'ping -c1 -W1 192.168.50.130 >/dev/null; ip neigh del 192.168.50.11 dev eth0 2>/dev/null || true',
  );
  await inside(stranger, 'ip neigh flush dev eth0; ping -c1 -W1 -I 192.168.50.130 192.168.50.1 >/dev/null');
  const [before, gatewayBefore] = [await cacheOf(stranger), await cacheOf(gateway)];
  await left.startAgent(0, fast);
  await waitFor('the conflict to be told', async () => left.output.includes('that another machine uses'), {
    within: seconds(10),
  });
  expect(left.output).toContain(`{"ip":"192.168.50.130","mac":"${mac}","held":false}`);
  expect(await cacheOf(stranger)).toEqual(before);
  expect(await cacheOf(gateway)).toEqual(gatewayBefore);
  await addPod(left, 'f');
  expect(pod('f')[1]).toBe('192.168.50.131');
  left.addNamespace('g');
  expect((await left.cni('ADD', 'g')).code).not.toBe(0);
});

/** What a place knows of the address in question, and of the probing machine beside what it has announced of its pods; others may talk meanwhile. */
async function cacheOf(place: string): Promise<string[]> {
  const prober = await macOf(markOf(lab, 'left'));
  const lines = (await inside(place, 'ip neigh show dev eth0')).split('\n');
  return lines
    .flatMap((line) => /^(\S+) lladdr (\S+)/.exec(line)?.slice(1, 3).join(' ') ?? [])
    .filter((line) => line.startsWith('192.168.50.130 ') || line.endsWith(prober))
    .filter((line) => !/^192\.168\.50\.12[89] /.test(line))
    .sort();
}

test('a stranger that takes the address of a pod is told by its MAC address, and the address is defended', async () => {
  const socket = arpAt(stranger);
  const mac = await macOf(markOf(lab, 'left'));
  socket.send(announcementOf(ip('192.168.50.128'), socket.mac));
  await waitFor(
    'the conflict to be told',
    async () => left.output.includes(`{"ip":"192.168.50.128","mac":"${socket.mac}","held":true}`),
    { within: seconds(10) },
  );
  const defence = socket.received().filter(({ does, from }) => does === 'asks' && from.mac === mac);
  socket.close();
  expect(defence.filter(({ target }) => target === '192.168.50.128')).toEqual([
    { does: 'asks', from: { mac, ip: '192.168.50.128' }, target: '192.168.50.128' },
  ]);
  expect(await knows(gateway, '192.168.50.128')).toBe(mac);
});

test('while the agent is killed pods keep their paths, and after its start it answers for the same pods', async () => {
  await left.endAgent('SIGKILL');
  await inside(stranger, 'ip neigh flush dev eth0');
  const all = [pod('a'), pod('b'), pod('c'), pod('d'), [cloud, '10.9.0.5']] as const;
  expect((await left.mesh(...all)).bad).toEqual([]);
  await left.startAgent(0, fast);
  expect((await left.mesh(...all)).bad).toEqual([]);
  expect(await inside(markOf(lab, 'left'), 'ip neigh show proxy')).toContain('192.168.50.128');
});

test('an address is answered for no more when its pod has gone, with an agent and without', async () => {
  const [, address] = pod('b');
  const asks = async (): Promise<string | undefined> => {
    await inside(stranger, `ip neigh flush dev eth0; ping -c1 -W1 ${address} >/dev/null || true`);
    return knows(stranger, address);
  };
  expect(await asks()).toBe(await macOf(markOf(lab, 'left')));
  expect((await left.cni('DEL', 'b')).code).toBe(0);
  // The link goes after the answer to DEL.
  await waitFor('nobody to answer for it', async () => (await asks()) === undefined, { within: seconds(10) });
  await waitFor(
    'the entry to go',
    async () => !(await inside(markOf(lab, 'left'), 'ip neigh show proxy')).includes(`${address} `),
    { within: seconds(5) },
  );
  await left.endAgent('SIGKILL');
  left.run(pod('a')[0], 'ip', 'link', 'del', 'eth0');
  await inside(stranger, `ip neigh flush dev eth0; ping -c1 -W1 ${pod('a')[1]} >/dev/null || true`);
  expect(await knows(stranger, pod('a')[1])).toBe(undefined);
  expect(await inside(markOf(lab, 'left'), 'ip neigh show proxy')).toContain(`${pod('a')[1]} `);
  await left.startAgent(0, fast);
  expect(await inside(markOf(lab, 'left'), 'ip neigh show proxy')).not.toContain(`${pod('a')[1]} `);
});
