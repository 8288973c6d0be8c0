import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fabric, openFabric } from '#lab/fabric/fabric.ts';
import { inside } from '#lab/fabric/inside.ts';
import { markOf } from '#lab/fabric/names.ts';
import { enterNetwork } from '#lab/machine/enter.ts';
import { removeLab } from '#lab/server/remains.ts';
import type { FilterRule, WorldGuard, WorldNetwork, WorldRoute } from '#lab/ucloud/vpc/world.ts';
import { seconds, waitFor } from '#unit/clock.ts';
import { said } from './lab-tools.ts';

/** A VPC whose ports end in bare namespaces: what its router does to packets, without machines that boot. */
const lab = `s${process.pid}`.slice(0, 12);
const ips = { a: '10.9.0.5', b: '10.9.0.6', c: '10.9.0.7' } as const;
type Key = keyof typeof ips;
/** Both next hops have it, and answer with their names. */
const behind = '10.30.0.7';
const answering = new Map<Key, ChildProcess>();
let fabric: Fabric;

beforeAll(async () => {
  fabric = openFabric(lab);
  await fabric.raise();
  for (const key of ['a', 'b', 'c'] as const) await plug(key);
});

afterAll(async () => {
  for (const key of answering.keys()) hush(key);
  await removeLab(lab);
});

function start(key: Key, program: readonly string[]): ChildProcess {
  const [file = '', ...args] = enterNetwork(markOf(lab, key), program);
  return spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** A port with somebody behind it who tells his name and whom he sees, and says everything again. */
async function plug(key: Key): Promise<void> {
  const mac = `52:54:00:00:00:0${ips[key].at(-1)}`;
  await fabric.plugIntoVpc({ key, mac, ip: ips[key], prefixLength: 20, gateway: '10.9.0.1' });
  if (key !== 'a') await inside(markOf(lab, key), `ip address add ${behind}/32 dev lo`);
  const server = `require('net').createServer((s) => s.write('${key} sees ' + s.remoteAddress + '\\n') && s.pipe(s)).listen(8080, '0.0.0.0', () => console.log('listens'))`;
  const child = start(key, [process.execPath, '-e', server]);
  answering.set(key, child);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
}

function hush(key: Key): void {
  answering.get(key)?.kill();
}

async function ask(from: Key, to: string): Promise<string> {
  const script = `exec 3<>/dev/tcp/${to}/8080; read -ru3 told; echo "$told"`;
  return (await said(start(from, ['timeout', '1', 'bash', '-c', script]))).out;
}

function answer(from: Key, to: string): Promise<string> {
  return waitFor(`${from} to be answered by ${to}`, async () => (await ask(from, to)) || false, {
    within: seconds(20),
  });
}

function network(rules: readonly WorldRoute[], guards: readonly WorldGuard[] = []): WorldNetwork {
  const routes = rules.length === 0 ? [] : [{ ports: ['a'], system: ['10.9.0.0/16', '100.64.0.0/10'], rules }];
  return { routes, guards, lent: [], unguarded: ['100.64.0.0/10'] };
}

const countArrivals = `nft 'table ip seen { chain in { type filter hook input priority 0; ip daddr ${behind} counter; }; }'`;

const to = (destination: string, key: Key): WorldRoute => ({ destination, hop: { port: key, ip: ips[key] } });

test('what a next hop without a port has caught goes nowhere, by no shorter route either, until the port is there again', async () => {
  await fabric.shapeVpc(network([to('0.0.0.0/0', 'c'), to('10.30.0.0/24', 'b')]));
  expect(await answer('a', behind)).toBe(`b sees ${ips.a}`);
  // What came to the other next hop, whose answers would be dropped.
  await inside(markOf(lab, 'c'), countArrivals);
  hush('b');
  await fabric.unplug('b');
  expect(await ask('a', behind)).toBe('');
  expect(await inside(markOf(lab, 'c'), 'nft list table ip seen')).toContain('packets 0 ');
  expect(await answer('a', ips.c)).toBe(`c sees ${ips.a}`);
  await plug('b');
  expect(await answer('a', behind)).toBe(`b sees ${ips.a}`);
});

test('while routes are changed again and again no packet is lost', async () => {
  const other = (n: number) => to(`10.40.${n}.0/24`, 'c');
  await fabric.shapeVpc(network([to('10.30.0.0/24', 'b')]));
  const pings = said(start('a', ['ping', '-q', '-i', '0.005', '-c', '200', '-W', '5', behind]));
  for (let n = 0; n < 12; n++) await fabric.shapeVpc(network([to('10.30.0.0/24', 'b'), other(n)]));
  expect((await pings).out).toContain('200 packets transmitted, 200 received');
});

test('a connection that is known goes on under a filter that admits no other', async () => {
  const admit: FilterRule = { admits: true, protocol: 'TCP', peers: ['10.9.0.0/20'], ports: ['8080'] };
  const guard = (...ingress: readonly FilterRule[]): WorldGuard => ({ port: 'c', ingress, egress: [] });
  await fabric.shapeVpc(network([], [guard(admit)]));
  const script = `exec 3<>/dev/tcp/${ips.c}/8080; read -ru3 told; echo "$told"; read -r; echo still >&3; read -t 20 -ru3 told; echo "$told"`;
  const talk = start('a', ['timeout', '60', 'bash', '-c', script]);
  await once(talk.stdout as NodeJS.ReadableStream, 'readable');
  await fabric.shapeVpc(network([], [guard({ ...admit, admits: false })]));
  expect(await ask('a', ips.c)).toBe('');
  const rest = said(talk);
  talk.stdin?.end('go\n');
  expect((await rest).out).toMatch(/still$/);
});

test('protocols without ports are judged by their name, and a router without filters tracks nothing', async () => {
  const icmp: FilterRule = { admits: true, protocol: 'ICMP', peers: ['0.0.0.0/0'], ports: [] };
  await fabric.shapeVpc(network([], [{ port: 'c', ingress: [icmp], egress: [] }]));
  expect((await said(start('a', ['ping', '-q', '-c', '1', '-W', '10', ips.c]))).code).toBe(0);
  expect(await ask('a', ips.c)).toBe('');
  await fabric.shapeVpc(network([]));
  expect(await answer('a', ips.c)).toBe(`c sees ${ips.a}`);
  expect(await inside(markOf(lab, 'vpc'), 'nft list tables')).toBe('');
});
