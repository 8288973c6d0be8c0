import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addresses } from '#lab/fabric/addresses.ts';
import { type Fabric, openFabric } from '#lab/fabric/fabric.ts';
import { inside } from '#lab/fabric/inside.ts';
import { markOf } from '#lab/fabric/names.ts';
import { removeLab } from '#lab/server/remains.ts';
import { createRememberingWorld } from '#lab/ucloud/remembering-world.ts';
import { ok } from '#lab/ucloud/test-balancer.ts';
import { makeMachine, startTestCloud, type TestCloud } from '#lab/ucloud/test-cloud.ts';
import type { WorldDirectListener, WorldDirectTarget } from '#lab/ucloud/ulb/classic/world.ts';
import { seconds, waitFor } from '#unit/clock.ts';
import { barePlaces } from './bare-places.ts';
import { type LabProber, openProber } from './lab-prober.ts';
import { said } from './lab-tools.ts';

/** A balancer whose targets answer clients directly, between the internet and bare namespaces. */
const lab = `d${process.pid}`.slice(0, 12);
const ips = { a: '10.9.0.5', b: '10.9.0.6', c: '10.9.0.7' } as const;
type Key = keyof typeof ips;
const [vip, eip] = ['10.9.0.9', '198.18.0.9'] as const;
const [client = '', other = ''] = addresses.internet.clients as readonly string[];
const probes = { a: '10.9.193.1', b: '10.9.193.2', c: '10.9.193.3' } as const;
const places = barePlaces(lab);
const { ask, start } = places;
let fabric: Fabric;

beforeAll(async () => {
  fabric = openFabric(lab);
  await fabric.raise();
  for (const key of ['a', 'b', 'c'] as const) await plug(key);
  for (const ip of Object.values(probes)) await inside(markOf(lab, 'vpc'), `ip address add ${ip}/32 dev lo`);
});

afterAll(async () => {
  places.hushAll();
  await removeLab(lab);
});

/** A machine that has the balancer's addresses on its loopback, and tells its name, whom it sees, and what it was called. */
async function plug(key: Key): Promise<void> {
  const mac = `52:54:00:00:02:0${ips[key].at(-1)}`;
  await fabric.plugIntoVpc({ key, mac, ip: ips[key], prefixLength: 20, gateway: '10.9.0.1' });
  if (key !== 'c') await inside(markOf(lab, key), `ip address add ${vip}/32 dev lo; ip address add ${eip}/32 dev lo`);
  const server = `
const udp = require('dgram').createSocket('udp4');
udp.on('message', (_, from) => udp.send('${key} sees ' + from.address, from.port, from.address)).bind(80, '${vip}');
require('net').createServer((s) => s.on('error', () => {}).write('${key} sees ' + s.remoteAddress + ' as ' + s.localAddress) && s.pipe(s))
  .listen(80, '0.0.0.0', () => console.log('listens'))`;
  if (key === 'c') return;
  await places.serve(key, server);
}

const target = (key: Key, change: Partial<WorldDirectTarget> = {}): WorldDirectTarget => ({
  id: `backend-${key}`,
  ip: ips[key],
  port: 80,
  weight: 1,
  at: key,
  takesPackets: true,
  checkedFrom: probes[key],
  ...change,
});
const listener = (change: Partial<WorldDirectListener> = {}): WorldDirectListener => ({
  id: 'vserver-1',
  protocol: 'TCP',
  port: 80,
  scheduler: 'RoundRobin',
  stickiness: 0,
  targets: [target('a'), target('b')],
  ...change,
});

async function balance(...listeners: readonly WorldDirectListener[]): Promise<void> {
  const lent = (['a', 'b'] as const).map((port) => ({ port, ips: [vip, eip] }));
  await fabric.shapeVpc({ routes: [], guards: [], lent, unguarded: [] });
  await fabric.balancers.shapeDirect({ id: 'ulb-test', addresses: [vip, eip], listeners });
}

describe('a balancer whose targets answer directly', () => {
  test('brings packets to its targets in turn with both addresses as they were', async () => {
    await balance(listener());
    const told = [await ask(client, eip), await ask(client, eip)].sort();
    expect(told).toEqual([`a sees ${client} as ${eip}`, `b sees ${client} as ${eip}`]);
    const inner = [await ask(ips.c, vip, { at: 'c' }), await ask(ips.c, vip, { at: 'c' })].sort();
    expect(inner).toEqual([`a sees ${ips.c} as ${vip}`, `b sees ${ips.c} as ${vip}`]);
  });

  test('lets connections of a target that gets nothing new go on', async () => {
    await balance(listener({ targets: [target('a')] }));
    const talk = await places.talk(eip);
    await balance(listener({ targets: [target('a', { takesPackets: false }), target('b')] }));
    expect((await ask(client, eip))[0]).toBe('b');
    const rest = said(talk);
    talk.stdin?.write('go\n');
    expect((await rest).out).toMatch(/still$/);
  });

  test('lets each client keep its target over changes, and follows weights', async () => {
    const sticky = listener({ stickiness: 60 });
    await balance(sticky);
    const [mine = '', theirs = ''] = [(await ask(client, eip))[0], (await ask(other, eip))[0]];
    expect(new Set([mine, theirs])).toEqual(new Set(['a', 'b']));
    const further = target('a', { id: 'backend-c', checkedFrom: '10.9.193.4' });
    await balance(sticky, listener({ id: 'vserver-2', protocol: 'UDP', targets: [further] }));
    for (let n = 0; n < 3; n++) expect((await ask(client, eip))[0]).toBe(mine);
    await balance(listener({ scheduler: 'WeightRoundRobin', targets: [target('a', { weight: 3 }), target('b')] }));
    const told: string[] = [];
    for (let n = 0; n < 4; n++) told.push((await ask(client, eip))[0] ?? '');
    expect(told.sort().join('')).toBe('aaab');
  });

  test('carries UDP', async () => {
    await balance(listener({ protocol: 'UDP' }));
    const script = `
const u = require('dgram').createSocket('udp4');
u.on('message', (m) => { console.log(String(m)); process.exit(0); });
u.send('hello', 80, '${vip}');
setTimeout(() => process.exit(1), 2000)`;
    expect((await said(start('c', [process.execPath, '-e', script]))).out.trim()).toMatch(/^[ab] sees 10\.9\.0\.7$/);
  });

  test('has checks reach the one target that they are for, on the balancer’s address', async () => {
    await balance(listener({ targets: [target('a'), target('b', { takesPackets: false })] }));
    for (const key of ['a', 'b'] as const) {
      expect(await ask(probes[key], vip, { at: 'vpc' })).toBe(`${key} sees ${probes[key]} as ${vip}`);
    }
  });

  test('is silent on every other port, and once it is gone; nobody sends from its address who was not lent it', async () => {
    await balance(listener());
    expect(await ask(client, eip, { port: 81 })).toBe('');
    await inside(markOf(lab, 'c'), `ip address add ${vip}/32 dev lo`);
    expect(await ask(vip, ips.a, { at: 'c' })).toBe('');
    await fabric.balancers.remove('ulb-test');
    expect(await ask(client, eip)).toBe('');
    expect(await ask(ips.a, vip, { at: 'a' })).not.toBe('');
    await fabric.balancers.remove('ulb-test');
  });

  test('leads to a machine that was plugged in anew', async () => {
    await balance(listener({ targets: [target('a')] }));
    await fabric.unplug('a');
    await plug('a');
    expect(await ask(client, eip)).toBe(`a sees ${client} as ${eip}`);
    await fabric.balancers.remove('ulb-test');
  });
});

describe('by calls of the cloud’s API such a balancer', () => {
  let cloud: TestCloud;
  let prober: LabProber;

  beforeAll(async () => {
    prober = openProber(lab);
    const remembered = createRememberingWorld();
    cloud = await startTestCloud(
      { speed: 0.05 },
      {
        ...remembered,
        boot: async (machine) => {
          await remembered.boot(machine);
          const { id: key, mac, ip, prefixLength, gateway } = machine;
          await fabric.plugIntoVpc({ key, mac, ip, prefixLength, gateway });
        },
        shapeNetwork: (network) => fabric.shapeVpc(network),
        shapeDirectBalancer: (wanted) => fabric.balancers.shapeDirect(wanted),
        removeBalancer: (id) => fabric.balancers.remove(id),
        probe: prober.probe,
      },
    );
  });

  afterAll(async () => {
    await cloud?.close();
    prober?.close();
  });

  test('brings the internet’s packets to a machine that owns its EIP, as soon as that answers checks, and no more once it does not', async () => {
    const machine = await makeMachine(cloud);
    const { ULBId } = await ok(cloud, 'CreateULB', { ListenType: 'PacketsTransmit', ChargeType: 'Dynamic' });
    const ofListener = { ULBId: ULBId as string, ListenType: 'PacketsTransmit', Protocol: 'TCP' };
    const { VServerId } = await ok(cloud, 'CreateVServer', ofListener);
    const backend = { ResourceType: 'UHost', ResourceId: machine.id };
    await ok(cloud, 'AllocateBackend', { ULBId: ULBId as string, VServerId: VServerId as string, ...backend });
    const { EIPSet } = await ok(cloud, 'AllocateEIP', { OperatorName: 'Bgp', Bandwidth: 2 });
    const [{ EIPId, EIPAddr }] = EIPSet as [{ EIPId: string; EIPAddr: [{ IP: string }] }];
    await ok(cloud, 'BindEIP', { EIPId, ResourceType: 'ulb', ResourceId: ULBId as string });
    const { IP } = EIPAddr[0];
    await places.serve(
      machine.id,
      `require('net').createServer((s) => s.on('error', () => {}).end('sees ' + s.remoteAddress + ' as ' + s.localAddress))
  .listen(80, '0.0.0.0', () => console.log('listens'))`,
    );
    // Without the address it would answer neither checks nor clients.
    expect(await ask(client, IP)).toBe('');
    await inside(markOf(lab, machine.id), `ip address add ${IP}/32 dev lo`);
    const status = async () => {
      const { DataSet } = await ok(cloud, 'DescribeVServer', { VServerId: VServerId as string });
      return (DataSet as readonly { Status: number }[])[0]?.Status;
    };
    await waitFor('the back end to be healthy', async () => (await status()) === 0, { within: seconds(30) });
    await waitFor(
      'an answer with both addresses as they were',
      async () => {
        const told = await ask(client, IP);
        if (told !== `sees ${client} as ${IP}`) throw new Error(`told: ${told}`);
        return true;
      },
      { within: seconds(20) },
    );
    await inside(markOf(lab, machine.id), `ip address del ${IP}/32 dev lo`);
    await waitFor('the back end to be ill', async () => (await status()) === 1, { within: seconds(30) });
    await ok(cloud, 'DeleteULB', { ULBId: ULBId as string });
    await waitFor('the balancer to be gone', async () => fabric.balancers.all().length === 0, { within: seconds(20) });
  });
});
