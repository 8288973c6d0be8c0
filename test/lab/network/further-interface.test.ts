import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PodRangeSpec } from '#kube/api/pod-range.ts';
import { type Fabric, openFabric } from '#lab/fabric/fabric.ts';
import { inside } from '#lab/fabric/inside.ts';
import { markOf } from '#lab/fabric/names.ts';
import { removeLab } from '#lab/server/remains.ts';
import { seconds, waitFor } from '#unit/clock.ts';
import { addressIn, TestNode } from './node.ts';

/**
 * A VPC and a site with bare namespaces for machines: the cloud node has two interfaces beside its primary one, one in the same
 * subnet and one in another. The VPC drops what leaves by an interface that does not have its address.
 */
const lab = `i${process.pid}`.slice(0, 12);
const since = '2026-11-29T12:00:00Z';
const twin = {
  home: 'uni-twin',
  mac: '52:54:00:00:00:22',
  address: '10.9.0.22',
  network: '10.9.0.0/20',
  gateway: '10.9.0.1',
};
const far = {
  home: 'uni-far',
  mac: '52:54:00:00:00:33',
  address: '10.9.16.33',
  network: '10.9.16.0/24',
  gateway: '10.9.16.1',
};
const pods = { primary: '10.9.0.101', twin: '10.9.0.102', twin2: '10.9.0.103', far: '10.9.16.104' } as const;
const range: PodRangeSpec = {
  ground: 'cloud',
  interfaces: [twin, far],
  addresses: [
    { ip: pods.primary, state: 'usable', since },
    { ip: pods.twin, state: 'usable', since, home: 'uni-twin' },
    { ip: pods.twin2, state: 'usable', since, home: 'uni-twin' },
    { ip: pods.far, state: 'usable', since, home: 'uni-far' },
  ],
};

let fabric: Fabric;
let web: TestNode;
let base: TestNode;
/** A cloud machine that is not part of it, in the subnet of the first two interfaces. */
const other = [markOf(lab, 'other'), '10.9.0.6'] as const;
const peers: (readonly [string, string])[] = [];

beforeAll(async () => {
  fabric = openFabric(lab);
  await fabric.raise();
  await fabric.plugGateway('gateway');
  await inside(markOf(lab, 'gateway'), 'sysctl -q -w net.ipv4.ip_forward=1');
  await fabric.plugIntoSite({ key: 'base', ip: '192.168.50.13' });
  await fabric.setGatewayRoutes('gateway', ['172.16.3.0/24 via 192.168.50.13']);
  const vpc = { prefixLength: 20, gateway: '10.9.0.1' };
  await fabric.plugIntoVpc({ key: 'web', mac: '52:54:00:00:00:05', ip: '10.9.0.5', ...vpc });
  await fabric.plugIntoVpc({ key: 'other', mac: '52:54:00:00:00:06', ip: other[1], ...vpc });
  await fabric.attach('web', { key: twin.home, mac: twin.mac, ip: twin.address, ...vpc });
  await fabric.giveAddress('web', pods.primary);
  for (const ip of [pods.twin, pods.twin2]) await fabric.giveAddress(twin.home, ip);
  web = await TestNode.create({ namespace: markOf(lab, 'web'), address: '10.9.0.5' });
  base = await TestNode.create({ namespace: markOf(lab, 'base'), address: '192.168.50.13' });
  await web.setRange(range);
  await base.setRange({ ground: 'site', subnet: '172.16.3.0/24' });
  for (const node of [web, base]) await node.startAgent(0, { LOOK_MS: '300' });
});

afterAll(async () => {
  for (const node of [web, base]) await node?.close();
  await removeLab(lab);
});

/** A pod, by the plugin as containerd calls it. @shape its namespace and address */
async function addPod(node: TestNode, name: string): Promise<readonly [string, string]> {
  node.addNamespace(name);
  return [node.pod(name), addressIn(await node.cni('ADD', name))];
}

test('addresses of an interface that the node does not have go to no pod', async () => {
  for (const name of ['a', 'b', 'c']) peers.push(await addPod(web, name));
  expect(peers.map(([, address]) => address).sort()).toEqual([pods.primary, pods.twin, pods.twin2]);
  web.addNamespace('d');
  expect((await web.cni('ADD', 'd')).code).not.toBe(0);
});

test('and go to pods as soon as it has it', async () => {
  await fabric.attach('web', { key: far.home, mac: far.mac, ip: far.address, prefixLength: 24, gateway: far.gateway });
  await fabric.giveAddress(far.home, pods.far);
  const answer = await waitFor(
    'an address of the new interface',
    async () => {
      const told = await web.cni('ADD', 'd');
      return told.code === 0 && told;
    },
    { within: seconds(30) },
  );
  expect(addressIn(answer)).toBe(pods.far);
  peers.push([web.pod('d'), pods.far]);
});

test('pods with addresses of any interface reach everybody on both sides and back, with their own addresses', async () => {
  peers.push(await addPod(base, 'on-site'));
  const nodes = [[web.node, '10.9.0.5'], [base.node, '192.168.50.13'], other] as const;
  const all = [...peers, ...nodes];
  const { good, bad } = await web.mesh(...all);
  expect(bad).toEqual([]);
  expect(good).toBe(all.length * (all.length - 1) * 2);
});

test('without the rules the VPC drops what pods of the second interface send: this proof can fail', async () => {
  await web.endAgent('SIGTERM');
  const pod = peers.find(([, address]) => address === pods.twin) as readonly [string, string];
  const site = peers.at(-1) as readonly [string, string];
  expect((await web.mesh(pod, site)).bad).toEqual([]);
  await inside(web.node, `ip rule del from ${pods.twin}`);
  expect((await web.mesh(pod, site)).bad).not.toEqual([]);
  await web.startAgent(0, { LOOK_MS: '300' });
  expect((await web.mesh(pod, site)).bad).toEqual([]);
});

test('the node answers ARP on a further interface for its pods, and not for others of the same network', async () => {
  const vpc = markOf(lab, 'vpc');
  const port = /dev (\S+)/.exec(await inside(vpc, `ip route get ${twin.address}`))?.[1] ?? '';
  // Whatever goes out by this port asks for its destination there.
  await inside(vpc, `ip rule add pref 1 oif ${port} lookup 99; ip route add 10.9.0.0/16 dev ${port} table 99`);
  const asks = async (ip: string): Promise<string | undefined> => {
    await inside(vpc, `ping -c1 -W1 -I ${port} ${ip} >/dev/null || true`);
    return /lladdr (\S+)/.exec(await inside(vpc, `ip neigh show ${ip} dev ${port}`))?.[1];
  };
  expect(await asks(pods.twin)).toBe(twin.mac);
  for (const elsewhere of [other[1], '10.9.0.5']) expect(await asks(elsewhere), elsewhere).toBe(undefined);
});

test('what an interface had goes when it is detached, and the node is as it was', async () => {
  await web.endAgent('SIGTERM');
  const { interfaces: _, ...primary } = range;
  await web.setRange({ ...primary, addresses: (range.addresses ?? []).filter(({ home }) => home === undefined) });
  await web.startAgent(0, { LOOK_MS: '300' });
  await waitFor('the rules to be gone', async () => !(await inside(web.node, 'ip rule show')).includes('73'), {
    within: seconds(10),
  });
});
