import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { addresses } from '#lab/fabric/addresses.ts';
import { type Fabric, openFabric } from '#lab/fabric/fabric.ts';
import { markOf } from '#lab/fabric/names.ts';
import { removeLab } from '#lab/server/remains.ts';
import { command } from '#lab/toolchain/command.ts';
import { createRememberingWorld } from '#lab/ucloud/remembering-world.ts';
import { answerWith, type Fields, flat, forwardTo, hostIs, pathIs } from '#lab/ucloud/test-application.ts';
import { home, idsOf, ok } from '#lab/ucloud/test-balancer.ts';
import { makeCertificate } from '#lab/ucloud/test-certificate.ts';
import { startTestCloud, type TestCloud } from '#lab/ucloud/test-cloud.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { barePlaces } from './bare-places.ts';
import { type LabProber, openProber } from './lab-prober.ts';
import { said } from './lab-tools.ts';

/** From calls of the cloud's API to packets: an ALB between the internet and bare namespaces, which are no machines that boot. */
const lab = `a${process.pid}`.slice(0, 12);
const ips = { a: '10.9.0.105', b: '10.9.0.106' } as const;
type Key = keyof typeof ips;
const [client = ''] = addresses.internet.clients as readonly string[];
const places = barePlaces(lab);
const { start } = places;
const servers = new Map<Key, ChildProcess>();
let fabric: Fabric;
let cloud: TestCloud;
let prober: LabProber;
let folder: string;
let LoadBalancerId: string;
let eip: string;
let vip: string;
let snatIps: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-alb-'));
  fabric = openFabric(lab);
  await fabric.raise();
  for (const key of ['a', 'b'] as const) {
    const mac = `52:54:00:00:01:0${ips[key].at(-1)}`;
    await fabric.plugIntoVpc({ key, mac, ip: ips[key], prefixLength: 24, gateway: '10.9.0.1' });
    await serve(key);
  }
  prober = openProber(lab);
  cloud = await startTestCloud(
    { speed: 0.05 },
    {
      ...createRememberingWorld(),
      shapeApplicationBalancer: (wanted) => fabric.balancers.shapeApplication(wanted),
      removeBalancer: (id) => fabric.balancers.remove(id),
      probe: prober.probe,
    },
  );
  const made = await ok(cloud, 'CreateLoadBalancer', { ...home, ChargeType: 'Dynamic' });
  LoadBalancerId = made.LoadBalancerId as string;
  const { EIPSet } = await ok(cloud, 'AllocateEIP', { OperatorName: 'Bgp', Bandwidth: 2 });
  const [{ EIPId, EIPAddr }] = EIPSet as [{ EIPId: string; EIPAddr: [{ IP: string }] }];
  await ok(cloud, 'BindEIP', { EIPId, ResourceType: 'ulb', ResourceId: LoadBalancerId });
  eip = EIPAddr[0].IP;
  const shown = await waitFor(
    'the balancer to have its EIP',
    async () => {
      const { LoadBalancers } = await ok(cloud, 'DescribeLoadBalancers', { 'LoadBalancerIds.0': LoadBalancerId });
      const [one] = LoadBalancers as readonly { IPInfos: readonly { IP: string }[]; SnatIPs: readonly string[] }[];
      return one?.IPInfos.length === 2 ? one : false;
    },
    { within: seconds(20) },
  );
  [vip, snatIps] = [shown.IPInfos[0]?.IP ?? '', shown.SnatIPs];
});

afterAll(async () => {
  await cloud?.close();
  prober?.close();
  places.hushAll();
  await removeLab(lab);
  await rm(folder, { recursive: true, force: true });
});

/** A web server that tells its name, whom it sees, who that says has asked, and how. */
async function serve(key: Key): Promise<void> {
  const server = `
require('http').createServer((asked, answer) => answer.end(
  ['${key}', asked.socket.remoteAddress, asked.headers['x-forwarded-for'], asked.headers['x-forwarded-proto'], asked.url].join(' '),
)).listen(8080, '0.0.0.0', () => console.log('listens'))`;
  servers.set(key, await places.serve(key, server));
}

async function stop(key: Key): Promise<void> {
  const server = servers.get(key);
  const gone = once(server as ChildProcess, 'exit');
  server?.kill();
  await gone;
}

/** What curl is told, from a client on the internet. */
async function curl(...args: readonly string[]): Promise<string> {
  return (await said(start('internet', ['curl', '-s', '--max-time', '5', '--interface', client, ...args]))).out;
}

const get = (path: string, host = 'other.test') => curl('-H', `Host: ${host}`, `http://${eip}${path}`);

interface Listener {
  readonly LoadBalancerId: string;
  readonly ListenerId: string;
}

const quick = { 'HealthCheckConfig.UpCounts': 1, 'HealthCheckConfig.DownCounts': 1 };

/** A listener with a and b as targets, both of which answer. @shape ids: of the targets */
async function listen(params: Fields): Promise<{ listener: Listener; ids: readonly string[] }> {
  const { ListenerId } = await ok(cloud, 'CreateListener', { LoadBalancerId, ...quick, ...params });
  const listener = { LoadBalancerId, ListenerId: ListenerId as string };
  const Targets = Object.values(ips).map((ResourceIP) => ({ ResourceType: 'IP', ...home, ResourceIP, Port: 8080 }));
  const ids = idsOf(await ok(cloud, 'AddTargets', { ...listener, ...flat({ Targets }) }));
  await stateIs(listener, 'Healthy');
  // Packets follow a moment after what lists tell.
  const url = params.ListenerPort === 443 ? `https://${eip}/` : `http://${eip}/`;
  for (const key of ['a', 'b'])
    await untilTold(
      `${key} to answer`,
      () => curl('-k', url),
      (told) => told.startsWith(`${key} `),
    );
  return { listener, ids };
}

function stateIs({ ListenerId }: Listener, state: string): Promise<boolean> {
  return waitFor(
    `the listener to be ${state}`,
    async () => {
      const [one] = (await ok(cloud, 'DescribeListeners', { ListenerId })).Listeners as readonly { State: string }[];
      if (one?.State !== state) throw new Error(`it is ${one?.State}`);
      return true;
    },
    { within: seconds(20), every: ms(50) },
  );
}

afterEach(async () => {
  // Of a balancer that a test has deleted, nothing is left.
  for (const { id: LoadBalancerId, listeners } of cloud.cloud.objects().applicationBalancers)
    for (const { id: ListenerId } of listeners)
      await ok(cloud, 'DeleteListener', { LoadBalancerId, ListenerId, RelatedRedirectDisabled: 'true' });
});

/** Asks until it is answered so. */
function untilTold(what: string, asks: () => Promise<string>, is: (told: string) => boolean): Promise<string> {
  return waitFor(
    what,
    async () => {
      const told = await asks();
      if (!is(told)) throw new Error(`told: ${told}`);
      return told;
    },
    { within: seconds(20), every: ms(100) },
  );
}

describe('an application load balancer', () => {
  test('brings the internet’s requests by host and path to machines of the VPC, from the addresses that its list tells', async () => {
    const { listener, ids } = await listen({});
    const [a = '', b = ''] = ids;
    const rule = (RuleConditions: readonly object[], ...RuleActions: readonly object[]) =>
      ok(cloud, 'CreateRule', { ...listener, ...flat({ RuleConditions, RuleActions }) });
    await rule([hostIs('^shop[.]test$')], forwardTo(a));
    await rule([hostIs('^shop[.]test$'), pathIs('^/api(/.*)?$')], forwardTo(b));
    await rule([pathIs('^/closed')], answerWith(503, 'closed'));
    const shop = await untilTold(
      'the rules to be in force',
      () => get('/closed'),
      (told) => told === 'closed',
    );
    assert.equal(shop, 'closed');
    const told = (await get('/cart', 'shop.test')).split(' ');
    const [who, source, forwardedFor, protocol, path] = told;
    assert.deepEqual([who, forwardedFor, protocol, path], ['a', client, 'http', '/cart']);
    assert.ok(snatIps.includes(source ?? ''), `the target saw ${source}, the list tells ${snatIps.join(', ')}`);
    assert.match(await get('/api/v1', 'shop.test'), /^b /);
    const others = await Promise.all([get('/'), get('/'), get('/'), get('/')]);
    expect(new Set(others.map((one) => one[0]))).toEqual(new Set(['a', 'b']));
  });

  test('answers machines of the VPC on its inner address', async () => {
    await listen({});
    const { out } = await said(start('a', ['curl', '-sS', '--max-time', '5', `http://${vip}/`]));
    expect(out).toMatch(new RegExp(`^[ab] (${snatIps.join('|')}) ${ips.a} http /$`));
  });

  test('shows a certificate for the name that is asked for, and sends HTTP on to HTTPS', async () => {
    const [one, other] = [await makeCertificate('shop.test'), await makeCertificate('*.other.test')];
    const trusted = join(folder, 'trusted.pem');
    await writeFile(trusted, one.chain + other.chain);
    const ssl = async ({ chain, key }: typeof one) =>
      (await ok(cloud, 'CreateSSL', { SSLName: 'x', UserCert: chain, PrivateKey: key })).SSLId as string;
    const secured = {
      ListenerPort: 443,
      ListenerProtocol: 'HTTPS',
      'Certificates.0': await ssl(one),
      HTTP2Enabled: 'true',
    };
    const { listener } = await listen(secured);
    await ok(cloud, 'AddSSLBinding', { ...listener, 'SSLIds.0': await ssl(other) });
    await ok(cloud, 'CreateListener', { LoadBalancerId, RedirectEnabled: 'true' });
    const at = (name: string, port: number) => ['--cacert', trusted, '--resolve', `${name}:${port}:${eip}`];
    const asks = (name: string) => curl(...at(name, 443), `https://${name}/x`);
    await untilTold(
      'the second certificate to be shown',
      () => asks('www.other.test'),
      (told) => told.endsWith(' https /x'),
    );
    assert.match(await asks('shop.test'), new RegExp(`^[ab] \\S+ ${client} https /x$`));
    const moved = [...at('shop.test', 80), ...at('shop.test', 443), '-L', '-w', ' %{http_version} %{url_effective}'];
    assert.match(await curl(...moved, 'http://shop.test/cart'), / https \/cart 2 https:\/\/shop\.test\/cart$/);
  });

  test('takes a target that is dead out of its rules, and in again', async () => {
    const { listener } = await listen({ 'HealthCheckConfig.Type': 'HTTP', 'HealthCheckConfig.Path': '/healthz' });
    await stop('a');
    await stateIs(listener, 'PartialHealth');
    const told = await untilTold(
      'b alone to answer',
      () => get('/'),
      (one) => one.startsWith('b '),
    );
    assert.match(told, /^b /);
    for (let n = 0; n < 4; n++) assert.match(await get('/'), /^b /);
    await stop('b');
    await stateIs(listener, 'Unhealthy');
    const status = () => curl('-o', '/dev/null', '-w', '%{http_code}', `http://${eip}/`);
    assert.equal(await untilTold('nobody to answer', status, (one) => one === '502'), '502');
    await serve('a');
    await serve('b');
    await stateIs(listener, 'Healthy');
    await untilTold(
      'a to answer again',
      () => get('/'),
      (one) => one.startsWith('a '),
    );
  });

  test('checks by what an HTTP answer says', async () => {
    const { ListenerId } = await ok(cloud, 'CreateListener', {
      LoadBalancerId,
      ...quick,
      'HealthCheckConfig.Type': 'HTTP',
      'HealthCheckConfig.ResponseCode': '4xx',
    });
    const listener = { LoadBalancerId, ListenerId: ListenerId as string };
    const Targets = [{ ResourceType: 'IP', ...home, ResourceIP: ips.a, Port: 8080 }];
    await ok(cloud, 'AddTargets', { ...listener, ...flat({ Targets }) });
    await stateIs(listener, 'Unhealthy');
    await ok(cloud, 'UpdateListenerAttribute', { ...listener, 'HealthCheckConfig.ResponseCode': '2xx,4xx' });
    await stateIs(listener, 'Healthy');
  });

  test('reaches a guarded target only where a rule of a group admits its own addresses, and checks reach it anyway', async () => {
    const { listener } = await listen({});
    const admit = (peers: readonly string[]) => ({
      routes: [],
      lent: [],
      unguarded: ['100.64.0.0/10', '10.9.192.0/18'],
      guards: (['a', 'b'] as const).map((port) => ({
        port,
        ingress: [{ admits: true, protocol: 'TCP' as const, peers: [...peers], ports: [] }],
        egress: [],
      })),
    });
    await untilTold(
      'an answer',
      () => get('/'),
      (told) => told !== '',
    );
    await fabric.shapeVpc(admit([client]));
    const status = () => curl('-o', '/dev/null', '-w', '%{http_code}', `http://${eip}/`);
    assert.equal(await status(), '000');
    await stateIs(listener, 'Healthy');
    await fabric.shapeVpc(admit(snatIps));
    assert.equal(await status(), '200');
    await fabric.shapeVpc({ routes: [], guards: [], lent: [], unguarded: [] });
  });

  test('answers again when its process was killed, and no more once it is deleted', async () => {
    const { listener } = await listen({});
    await untilTold(
      'an answer',
      () => get('/'),
      (told) => told !== '',
    );
    const pids = await command('ip', ['netns', 'pids', markOf(lab, LoadBalancerId)]);
    for (const pid of pids.trim().split(/\s+/)) process.kill(Number(pid), 'SIGKILL');
    await untilTold(
      'an answer of another process',
      () => get('/'),
      (told) => told !== '',
    );
    assert.deepEqual(fabric.balancers.all(), [LoadBalancerId]);
    await ok(cloud, 'DeleteLoadBalancer', { LoadBalancerId });
    await waitFor('the balancer to be gone', async () => fabric.balancers.all().length === 0, { within: seconds(20) });
    assert.equal(await get('/'), '');
    assert.equal((await cloud.call('DeleteListener', { ...listener, RelatedRedirectDisabled: 'true' })).RetCode, 4103);
  });
});
