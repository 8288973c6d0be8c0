import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { pathsOf } from '#lab/server/settings.ts';
import { minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { operatorStarts } from '../../lab/cluster/operator.ts';
import { labOk, type Probe, probe } from '../../lab/lab-tools.ts';
import { authorityIn, type Certified } from '../../support/certificates.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { raiseGolden } from '../../support/golden-lab.ts';
import { succeeds } from '../../support/isthmus.ts';
import { underLoad } from '../../support/load.ts';
import { podsOf } from '../../support/pods.ts';

/** Ingresses of the class `alb`, with packets from a client on the internet. */
const name = 'alb';
const web = new URL('./patient-web.yaml', import.meta.url).pathname;
const direct = new URL('./direct-web.yaml', import.meta.url).pathname;
keepEvidence(name);

let at: Probe;
let folder: string;
beforeAll(async () => {
  await raiseGolden(name);
  at = await probe(name);
  folder = await mkdtemp(join(tmpdir(), 'alb-'));
  await Promise.all([deploy(web, 'web'), deploy(direct, 'direct')]);
}, minutes(25));
afterAll(async () => {
  await labOk('down', '--name', name);
  await rm(folder, { recursive: true, force: true });
}, minutes(5));

const kubectl = (args: readonly string[]): Promise<string> =>
  succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(3) });

async function deploy(file: string, deployment: string): Promise<void> {
  await kubectl(['apply', '-f', file]);
  await kubectl(['rollout', 'status', '--timeout=150s', `deployment/${deployment}`]);
}

async function apply(...items: readonly object[]): Promise<void> {
  const file = join(folder, 'objects.json');
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await kubectl(['apply', '-f', file]);
}

/** @unit paths: the Service of each path of each host; `''` for every host */
function ingress(called: string, paths: Readonly<Record<string, string>>, more: object = {}, annotations = {}): object {
  const rules = Object.entries(paths).map(([where, service]) => {
    const [, host = '', path = ''] = /^([^/]*)(\/.*)$/.exec(where) ?? [];
    const backend = { service: { name: service, port: { number: 80 } } };
    return { ...(host !== '' && { host }), http: { paths: [{ path, pathType: 'Prefix', backend }] } };
  });
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: called, namespace: 'default', annotations },
    spec: { ingressClassName: 'alb', rules, ...more },
  };
}

/** Its address, once it says that it is served. */
function servedAt(called: string): Promise<string> {
  return waitFor(
    `Ingress ${called} to be served`,
    async () => {
      const { metadata, status } = JSON.parse(await kubectl(['get', 'ingress', called, '-o', 'json'])) as {
        metadata: { annotations?: Readonly<Record<string, string>> };
        status: { loadBalancer: { ingress?: readonly { ip: string }[] } };
      };
      const said = JSON.parse(metadata.annotations?.['isthmus.dev/balancer-condition'] ?? '{}') as {
        reason?: string;
        message?: string;
      };
      const ip = status.loadBalancer.ingress?.[0]?.ip;
      if (said.reason !== 'Serving' || ip === undefined) throw new Error(`${said.reason}: ${said.message}`);
      return ip;
    },
    { within: minutes(2), every: seconds(1) },
  );
}

/** What the client on the internet gets for this host. */
function ask(ip: string, host: string, path: string): Promise<string> {
  return at.ok('internet', `curl -sS -m 5 -H 'Host: ${host}' -w ' %{http_code}' http://${ip}${path}`);
}

const until = (what: string, is: () => Promise<boolean>): Promise<unknown> =>
  waitFor(what, async () => expect(await is()).toBe(true), { within: minutes(1), every: ms(500) });

test(
  'a client on the internet reaches what its host and path are for, pods see its address, and nobody else is answered',
  async () => {
    await apply(
      ingress('paths', { 'shop.example/': 'shop', 'shop.example/clientip': 'direct', '*.wild.example/': 'direct' }),
    );
    const ip = await servedAt('paths');
    await until('the shop to answer', async () => /^web-.* 200$/.test(await ask(ip, 'shop.example', '/hostname')));
    await until('the wildcard to answer', async () =>
      /^direct-.* 200$/.test(await ask(ip, 'a.wild.example', '/hostname')),
    );
    expect(await ask(ip, 'a.b.wild.example', '/hostname')).toMatch(/ 404$/);
    expect(await ask(ip, 'other.example', '/hostname')).toMatch(/ 404$/);
    expect(await ask(ip, 'shop.example', '/clientip')).toMatch(/^10\.9\.\d+\.\d+:\d+ 200$/);
    const own = (await at.ok('internet', 'ip -4 -o addr show')).match(/203\.0\.113\.\d+/g) ?? [];
    const told = await ask(ip, 'shop.example', '/header?key=X-Forwarded-For');
    expect(own.some((address) => told.startsWith(address))).toBe(true);
  },
  minutes(10),
);

test(
  'TLS: the certificate is that of the host which the client names, and a renewed one takes over',
  async () => {
    const authority = await authorityIn(folder);
    const sign = (host: string, file = host): Promise<Certified> => authority.sign(file, `/CN=${host}`, `DNS:${host}`);
    const secret = (called: string, { certificate, key }: Certified): object => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: called, namespace: 'default' },
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': certificate, 'tls.key': key },
    });
    const hosts = ['one.example', 'two.example'];
    for (const host of hosts) await apply(secret(host, await sign(host)));
    const tls = hosts.map((host) => ({ hosts: [host], secretName: host }));
    await apply(ingress('tls', { 'one.example/': 'direct', 'two.example/': 'direct' }, { tls }));
    const ip = await servedAt('tls');
    const certificateFor = (host: string): Promise<string> =>
      at.ok(
        'internet',
        `openssl s_client -connect ${ip}:443 -servername ${host} </dev/null 2>/dev/null | openssl x509 -noout -subject -serial`,
      );
    for (const host of hosts)
      await until(`the certificate of ${host}`, async () =>
        new RegExp(`CN ?= ?${host}`).test(await certificateFor(host)),
      );
    const answer = await at.ok(
      'internet',
      `curl -skS -m 5 --resolve one.example:443:${ip} https://one.example/hostname`,
    );
    expect(answer).toMatch(/^direct-/);
    const before = await certificateFor('one.example');
    await apply(secret('one.example', await sign('one.example', 'renewed')));
    await until('the renewed certificate', async () => (await certificateFor('one.example')) !== before);
  },
  minutes(10),
);

const pods = () => podsOf(kubectl, 'app=direct');

test(
  'all pods behind an ALB are replaced under 200 requests a second, and no request is lost',
  async () => {
    await apply(ingress('load', { '/': 'direct' }));
    const ip = await servedAt('load');
    const before = new Set((await pods()).map(({ metadata }) => metadata.name));
    const told = await underLoad(name, `http://${ip}/hostname`, 200, async () => {
      await kubectl(['rollout', 'restart', 'deployment/direct']);
      await kubectl(['rollout', 'status', '--timeout=170s', 'deployment/direct']);
      await waitFor(
        'the old pods to end',
        async () => (await pods()).every(({ metadata }) => !before.has(metadata.name)),
        { within: minutes(2), every: seconds(1) },
      );
    });
    expect(told.failures).toEqual([]);
    expect(told.answered).toBe(told.asked);
  },
  minutes(15),
);

test(
  'a cloud machine is removed while an ALB sends to its node port, and no request is lost',
  async () => {
    await apply(ingress('nodes', { '/': 'shop' }, {}, { 'isthmus.dev/balancer-targets': 'nodes' }));
    const ip = await servedAt('nodes');
    const told = await underLoad(name, `http://${ip}/hostname`, 200, async () => {
      const file = join(pathsOf(name).state, 'cluster.yaml');
      const config = parse(await readFile(file, 'utf8')) as {
        readonly cloudMachines: readonly { readonly name: string }[];
      };
      const cloudMachines = config.cloudMachines.filter((machine) => machine.name !== 'web-2');
      await writeFile(file, stringify({ ...config, cloudMachines }));
      const { code, said } = await (await operatorStarts(name, ['up', '--yes'])).end(minutes(8));
      expect(code, said).toBe(0);
      expect(said).toMatch(/take out of load balancers web-2/);
    });
    expect(told.failures).toEqual([]);
    expect(told.answered).toBe(told.asked);
  },
  minutes(15),
);
