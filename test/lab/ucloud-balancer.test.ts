import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addresses } from '#lab/fabric/addresses.ts';
import { type Fabric, openFabric } from '#lab/fabric/fabric.ts';
import { inside } from '#lab/fabric/inside.ts';
import { markOf } from '#lab/fabric/names.ts';
import { removeLab } from '#lab/server/remains.ts';
import { webListener } from '#lab/ucloud/ulb/network/world.example.ts';
import type { WorldBalancer, WorldListener } from '#lab/ucloud/ulb/network/world.ts';
import type { WorldTarget } from '#lab/ucloud/ulb/world-place.ts';
import { seconds, waitFor } from '#unit/clock.ts';
import { barePlaces } from './bare-places.ts';
import { said } from './lab-tools.ts';

/** A balancer of the VPC between the internet and bare namespaces: what it does to packets, without machines that boot. */
const lab = `b${process.pid}`.slice(0, 12);
const ips = { a: '10.9.0.5', b: '10.9.0.6' } as const;
type Key = keyof typeof ips;
const [eip, back, vip] = ['198.18.0.2', '10.9.0.3', '10.9.0.2'] as const;
const [client, other] = addresses.internet.clients as readonly [string, string];
const places = barePlaces(lab);
const { ask, start } = places;
let fabric: Fabric;

beforeAll(async () => {
  fabric = openFabric(lab);
  await fabric.raise();
  for (const key of ['a', 'b'] as const) await plug(key);
});

afterAll(async () => {
  places.hushAll();
  await removeLab(lab);
});

/** A machine that tells its name and whom it sees, by TCP and by UDP, and says everything again. */
async function plug(key: Key): Promise<void> {
  const mac = `52:54:00:00:00:0${ips[key].at(-1)}`;
  await fabric.plugIntoVpc({ key, mac, ip: ips[key], prefixLength: 20, gateway: '10.9.0.1' });
  const server = `
const udp = require('dgram').createSocket('udp4');
udp.on('message', (_, from) => udp.send('${key} sees ' + from.address, from.port, from.address)).bind(8080);
require('net').createServer((s) => s.on('error', () => {}).write('${key} sees ' + s.remoteAddress + '\\n') && s.pipe(s))
  .listen(8080, '0.0.0.0', () => console.log('listens'))`;
  await places.serve(key, server);
}

const target = (key: Key, weight = 1): WorldTarget => ({ ip: ips[key], port: 8080, weight });

function listener(wanted: Partial<WorldListener> = {}): WorldListener {
  return { ...webListener, targets: [target('a'), target('b')], ...wanted };
}

function balance(...listeners: readonly WorldListener[]): Promise<void> {
  const place = { ip: vip, backIp: back, prefixLength: 20, gateway: '10.9.0.1', publicIps: [eip] };
  return fabric.balancers.shape({ id: 'nlb-test', ...place, listeners } satisfies WorldBalancer);
}

async function askOften(times: number, from = client): Promise<readonly string[]> {
  const told = [];
  for (let n = 0; n < times; n++) told.push((await ask(from, eip))[0] ?? '-');
  return told;
}

async function askByUdp(): Promise<string> {
  const script = `
const u = require('dgram').createSocket('udp4');
u.on('message', (m) => { console.log(String(m)); process.exit(0); });
u.send('hello', 80, '${eip}');
setTimeout(() => process.exit(1), 2000)`;
  return (await said(start('internet', [process.execPath, '-e', script]))).out.trim();
}

describe('a network load balancer', () => {
  test('carries connections from the internet to its targets in turn, and they see its own address', async () => {
    await balance(listener());
    const told = [await ask(client, eip), await ask(client, eip)].sort();
    expect(told).toEqual([`a sees ${back}`, `b sees ${back}`]);
    expect(await askByUdp()).toBe('');
    await balance(listener(), listener({ id: 'listener-2', protocol: 'UDP' }));
    expect(await askByUdp()).toMatch(new RegExp(`^[ab] sees ${back}$`));
  });

  test('answers machines of the VPC on its own address, also a target that asks for itself', async () => {
    await balance(listener({ targets: [target('a')] }));
    expect(await ask(ips.a, vip, { at: 'a' })).toBe(`a sees ${back}`);
    expect(await ask(ips.b, vip, { at: 'b' })).toBe(`a sees ${back}`);
  });

  test('gives nothing new to a target that was taken out, and lets its connections go on', async () => {
    await balance(listener({ targets: [target('a')] }));
    const talk = await places.talk(eip);
    await balance(listener({ targets: [target('b')] }));
    expect(await askOften(3)).toEqual(['b', 'b', 'b']);
    const rest = said(talk);
    talk.stdin?.write('go\n');
    expect((await rest).out).toMatch(/still$/);
  });

  test('lets each client keep its target over changes of the others', async () => {
    const sticky = listener({ stickiness: 60 });
    await balance(sticky);
    const [mine] = await askOften(1);
    const [theirs] = await askOften(1, other);
    expect(new Set([mine, theirs])).toEqual(new Set(['a', 'b']));
    await balance(sticky, listener({ id: 'listener-3', startPort: 443, endPort: 443 }));
    expect(await askOften(3)).toEqual([mine, mine, mine]);
    expect(await askOften(2, other)).toEqual([theirs, theirs]);
  });

  test('follows weights', async () => {
    await balance(listener({ scheduler: 'WeightRoundRobin', targets: [target('a', 3), target('b')] }));
    expect([...(await askOften(8))].sort().join('')).toBe('aaaaaabb');
  });

  test('is silent where no listener has a target, and on every other port', async () => {
    await balance(listener({ targets: [] }));
    expect(await ask(client, eip)).toBe('');
    await balance(listener());
    expect(await ask(client, eip, { port: 81 })).toBe('');
  });

  test('reaches a guarded target only where a rule admits its own address', async () => {
    const admit = (ip: string) => ({
      routes: [],
      lent: [],
      unguarded: ['100.64.0.0/10'],
      guards: [
        { port: 'a', ingress: [{ admits: true, protocol: 'TCP' as const, peers: [ip], ports: [] }], egress: [] },
      ],
    });
    await balance(listener({ targets: [target('a')] }));
    await fabric.shapeVpc(admit(client));
    expect(await ask(client, eip)).toBe('');
    await fabric.shapeVpc(admit(back));
    expect(await ask(client, eip)).toBe(`a sees ${back}`);
    await fabric.shapeVpc({ routes: [], guards: [], lent: [], unguarded: [] });
  });

  test('tells its targets by the PROXY protocol who asked, where that is wished', async () => {
    await balance(listener({ forwardSource: 'ProxyProto' }));
    // The targets say everything again.
    const script = `
const s = require('net').connect({ host: '${eip}', port: 80, localAddress: '${other}', allowHalfOpen: true });
s.on('data', (d) => process.stdout.write(d)).on('error', () => process.exit(1)).end('hello');
setTimeout(() => process.exit(1), 5000).unref()`;
    const { out } = await said(start('internet', [process.execPath, '-e', script]));
    expect(out.split(/\r?\n/)).toEqual([
      expect.stringMatching(new RegExp(`^[ab] sees ${back}$`)),
      expect.stringMatching(new RegExp(`^PROXY TCP4 ${other} ${eip} \\d+ 80$`)),
      'hello',
    ]);
  });

  test('gives a connection to the target that has the fewest, and a target that was taken out keeps its own', async () => {
    await balance(listener({ scheduler: 'LeastConn', targets: [target('a')] }));
    const talk = await places.talk(eip);
    await balance(listener({ scheduler: 'LeastConn' }));
    expect(await askOften(3)).toEqual(['b', 'b', 'b']);
    await balance(listener({ scheduler: 'LeastConn', targets: [target('b')] }));
    const rest = said(talk);
    talk.stdin?.write('go\n');
    expect((await rest).out).toMatch(/still$/);
  });

  test('goes on without the lab’s server, and a new server finds it and takes it away', async () => {
    await balance(listener({ targets: [target('a')] }));
    await waitFor(
      'the process of the listener before it to be gone',
      async () => !(await inside(markOf(lab, 'nlb-test'), 'ss -Hltn')).includes(':80'),
      {
        within: seconds(10),
      },
    );
    fabric = openFabric(lab);
    expect(await ask(client, eip)).toBe(`a sees ${back}`);
    expect(fabric.balancers.all()).toEqual(['nlb-test']);
    await balance(listener({ targets: [target('b')] }));
    expect(await ask(client, eip)).toBe(`b sees ${back}`);
    await fabric.balancers.remove('nlb-test');
    expect(fabric.balancers.all()).toEqual([]);
    expect(await ask(client, eip)).toBe('');
    await fabric.balancers.remove('nlb-test');
  });
});

describe('the internet', () => {
  test('reaches public addresses and nothing private, and nothing private reaches it', async () => {
    await balance(listener());
    await inside(markOf(lab, 'internet'), `ip route replace 10.9.0.0/16 via ${addresses.internetToVpc.vpc} dev vpc0`);
    expect(await ask(client, ips.a, { port: 8080 })).toBe('');
    expect(await ask(client, vip)).toBe('');
    await places.serve(
      'internet',
      `require('net').createServer((s) => s.end('here')).listen(80, () => console.log('listens'))`,
    );
    expect(await ask(ips.a, client, { at: 'a' })).toBe('');
    expect(await ask(ips.a, eip, { at: 'a' })).toBe('');
  });

  test('is reached from the office, which has a line of its own', async () => {
    await balance(listener());
    await waitFor('an answer', async () => (await ask(addresses.internet.office, eip, { at: 'office' })) !== '', {
      within: seconds(10),
    });
  });
});
