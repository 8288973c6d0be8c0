import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { balancerObjects } from '#balancer/objects.ts';
import { parseWish } from '#balancer/parse-wish.ts';
import {
  endpointSlices,
  mutatingBindings,
  mutatingPolicies,
  namespaces,
  nodes,
  type ServiceObject,
  services,
} from '#kube/resources.ts';
import { withoutOwnSide } from '#lab/conformance/own-side.ts';
import { command } from '#lab/toolchain/command.ts';
import { ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { pathOfService } from '#network/explain.ts';
import { servicesPreferOwnSide, servicesPreferOwnSideBinding } from '#network/own-side-policy.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { untilPoliciesAreInForce } from '../../support/policies-in-force.ts';

/** What is told and added when a Service is written: a real API server with the policies that `isthmus up` makes. */
const api = apiServerForTests();
const most = { network: 5, direct: 50, application: 50 };
const own = 'isthmus.dev/balancer-';
const uk8s = 'service.beta.kubernetes.io/ucloud-load-balancer-';

const serviceOf = (annotations: object, spec: object = {}): ServiceObject =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'asked', namespace: 'default', annotations },
    spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80, protocol: 'TCP' }], ...spec },
  }) as ServiceObject;

/** What the API server answers to a Service that is only tried. */
async function tryToCreate(service: ServiceObject): Promise<{
  readonly status: number;
  readonly message: string;
  readonly warnings: readonly string[];
  readonly seen: ServiceObject;
}> {
  const { server } = api;
  return new Promise((resolve, reject) => {
    const asked = request(
      `https://127.0.0.1:${server.port}/api/v1/namespaces/default/services?dryRun=All`,
      {
        method: 'POST',
        ca: server.access.ca,
        headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
      },
      (answer) => {
        let body = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          body += part;
        });
        answer.on('end', () => {
          const { message = '', ...seen } = JSON.parse(body) as ServiceObject & { message?: string };
          const warnings = answer.rawHeaders.flatMap((header, at, all) =>
            at % 2 === 1 && all[at - 1]?.toLowerCase() === 'warning' ? header : [],
          );
          resolve({ status: answer.statusCode ?? 0, message, warnings, seen });
        });
      },
    );
    asked.on('error', reject);
    asked.end(JSON.stringify(service));
  });
}

const before = { name: 'before', namespace: 'default' };
/** Of what kubectl knows about the API server. */
let cache = '';
afterAll(() => rm(cache, { recursive: true, force: true }));

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'isthmus-kubectl-'));
  await api.kube.create(services, { ...serviceOf({}, { type: 'ClusterIP' }), metadata: before });
  await applyBy('kubectl apply', 'by-client');
  await applyBy('kubectl apply --server-side', 'by-server');
  await api.kube.create(mutatingPolicies, servicesPreferOwnSide);
  await api.kube.create(mutatingBindings, servicesPreferOwnSideBinding);
  for (const { resource, object } of balancerObjects({ mostPorts: most.network }))
    await api.kube.create(resource, object);
  await untilPoliciesAreInForce(api.kube);
});

test.each<[string, object, object]>([
  ['a plain one', {}, {}],
  ['a private one', { [`${own}access`]: 'private' }, {}],
  ['both ways of saying the same', { [`${own}access`]: 'private', [`${uk8s}type`]: 'Inner' }, {}],
  [
    'one for UK8S',
    { [`${uk8s}type`]: 'outer', [`${uk8s}listentype`]: 'network', [`${uk8s}vserver-protocol`]: 'tcp' },
    {},
  ],
  ['a shared bandwidth', { [`${own}pays`]: 'shared', [`${own}shared-bandwidth`]: 'bw-1' }, {}],
  ['straight to pods', { [`${own}targets`]: 'pods' }, { allocateLoadBalancerNodePorts: false }],
  ['without node ports', {}, { allocateLoadBalancerNodePorts: false }],
  [
    'TCP and UDP',
    {},
    {
      ports: [
        { name: 't', port: 53, protocol: 'TCP' },
        { name: 'u', port: 53, protocol: 'UDP' },
      ],
    },
  ],
  ['ranges that let in everybody', {}, { loadBalancerSourceRanges: ['0.0.0.0/0'] }],
  ['sticky by session affinity', { [`${own}scheduler`]: 'source-hash' }, { sessionAffinity: 'ClientIP' }],
  ['HTTP by an ALB', { [`${uk8s}listentype`]: 'application', [`${uk8s}vserver-protocol`]: 'http' }, {}],
  [
    'HTTPS by an ALB',
    { [`${own}kind`]: 'application', [`${own}tls-ports`]: '80', [`${own}certificates`]: 'ssl-1, ssl-2' },
    {},
  ],
  [
    'more ports on an ALB than another balancer takes',
    { [`${uk8s}vserver-protocol`]: 'http' },
    { ports: [1, 2, 3, 4, 5, 6].map((port) => ({ name: `p${port}`, port, protocol: 'TCP' })) },
  ],
  [
    'an affinity on an ALB',
    { [`${own}kind`]: 'application' },
    { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 3600 } } },
  ],
])('a Service that can be served is taken without a word: %s', async (_title, annotations, spec) => {
  const tried = await tryToCreate(serviceOf(annotations, spec));
  expect(tried).toMatchObject({ status: 201, warnings: [] });
  expect(parseWish(tried.seen, { subnet: 'subnet-1', most }).ok).toBe(true);
});

test.each<[string, object, object]>([
  ['an unknown annotation', { [`${own}frobnicate`]: '5' }, {}],
  ['an unknown annotation of UK8S', { [`${uk8s}frobnicate`]: 'x' }, {}],
  ['a wrong value', { [`${own}access`]: 'inner' }, {}],
  ['a wrong value of UK8S', { [`${uk8s}type`]: 'public' }, {}],
  ['a classic balancer that answers requests', { [`${uk8s}listentype`]: 'RequestProxy' }, {}],
  ['a kind that there is none of', { [`${uk8s}listentype`]: 'quick' }, {}],
  ['two that contradict each other', { [`${own}access`]: 'public', [`${uk8s}type`]: 'inner' }, {}],
  ['a protocol that no port has', { [`${uk8s}vserver-protocol`]: 'udp' }, {}],
  ['a shared bandwidth without its id', { [`${own}pays`]: 'shared' }, {}],
  ['a shared bandwidth of UK8S without its id', { [`${uk8s}eip-paymode`]: 'ShareBandwidth' }, {}],
  ['a shared bandwidth that nothing asks for', { [`${own}shared-bandwidth`]: 'bw-1' }, {}],
  ['PROXY protocol with UDP', { [`${own}proxy-protocol`]: 'true' }, { ports: [{ port: 53, protocol: 'UDP' }] }],
  [
    'UDP straight to pods',
    { [`${uk8s}vserver-enable-direct-endpoint`]: 'true' },
    { ports: [{ port: 53, protocol: 'UDP' }] },
  ],
  ['source ranges', {}, { loadBalancerSourceRanges: ['10.0.0.0/8'] }],
  ['an address of its own', {}, { loadBalancerIP: '1.2.3.4' }],
])(
  'a Service that can never be served is refused with the words of the controller: %s',
  async (_title, annotations, spec) => {
    const service = serviceOf(annotations, spec);
    const tried = await tryToCreate(service);
    expect(tried).toMatchObject({ status: 422 });
    const parsed = parseWish(withNodePorts(service), { subnet: 'subnet-1', most });
    const messages = parsed.ok ? [] : parsed.refusals.map(({ message }) => message);
    expect(messages).not.toEqual([]);
    for (const message of messages)
      expect(tried.message).toContain(message.replace(/ Remove the field, or/, ' Remove it, or'));
  },
);

test.each<[string, object, object, RegExp]>([
  [
    'a scheduler that breaks sessionAffinity',
    { [`${own}scheduler`]: 'round-robin' },
    { sessionAffinity: 'ClientIP' },
    /contradicts spec.sessionAffinity ClientIP/,
  ],
  ['SCTP', {}, { ports: [{ port: 5, protocol: 'SCTP' }] }, /a port is SCTP/],
  [
    'six ports',
    {},
    { ports: [1, 2, 3, 4, 5, 6].map((port) => ({ name: `p${port}`, port, protocol: 'TCP' })) },
    /the Service has 6 ports, and one load balancer takes 5/,
  ],
  [
    'no node port, and not straight to pods',
    { [`${own}targets`]: 'nodes' },
    { allocateLoadBalancerNodePorts: false },
    /a port has no node port/,
  ],
  [
    'ranges in the old annotation',
    { 'service.beta.kubernetes.io/load-balancer-source-ranges': '10.0.0.0/8' },
    {},
    /load-balancer-source-ranges 10.0.0.0\/8 cannot be enforced/,
  ],
])('a Service that can never be served is refused: %s', async (_title, annotations, spec, words) => {
  const service = serviceOf(annotations, spec);
  const tried = await tryToCreate(service);
  expect(tried).toMatchObject({ status: 422, message: expect.stringMatching(words) });
  const { allocateLoadBalancerNodePorts: allocates } = spec as { allocateLoadBalancerNodePorts?: boolean };
  const numbered = allocates === false ? service : withNodePorts(service);
  expect(parseWish(numbered, { subnet: 'subnet-1', most }).ok).toBe(false);
});

function withNodePorts(service: ServiceObject): ServiceObject {
  const ports = (service.spec?.ports ?? []).map((port, at) => ({ ...port, nodePort: 30_000 + at }));
  return { ...service, spec: { ...service.spec, ports } as NonNullable<ServiceObject['spec']> };
}

test('all that is wrong is told in one answer', async () => {
  const annotations = { [`${own}acess`]: 'x', [`${own}bandwidth`]: 'much' };
  const { message } = await tryToCreate(serviceOf(annotations, { loadBalancerSourceRanges: ['10.0.0.0/8'] }));
  for (const part of [`${own}acess`, `${own}bandwidth is "much"`, 'loadBalancerSourceRanges 10.0.0.0/8'])
    expect(message).toContain(part);
});

test.each<[string, object, object, RegExp]>([
  ['Local', {}, { externalTrafficPolicy: 'Local' }, /externalTrafficPolicy is Local: pods on machines of the site/],
  ['paid by the month', { [`${uk8s}paymode`]: 'month' }, {}, /is month: it is paid in advance/],
  ['PROXY protocol', { [`${own}proxy-protocol`]: 'true' }, {}, /must speak PROXY protocol/],
  ['a mistyped prefix', { 'isthmus.dev/balanced-access': 'private' }, {}, /isthmus.dev\/balanced-access means nothing/],
  ['what has no effect', { [`${uk8s}id-provision`]: 'nlb-1' }, {}, /id-provision is accepted without effect/],
  [
    'an affinity that no balancer keeps so long',
    {},
    { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 3600 } } },
    /kept by the load balancer for 60 to 900 s/,
  ],
])('what surprises those who did not mean it is taken with a warning: %s', async (_title, annotations, spec, words) => {
  const tried = await tryToCreate(serviceOf(annotations, spec));
  expect(tried).toMatchObject({ status: 201, warnings: [expect.stringMatching(words)] });
});

test('a live Service is not changed to what can never be served, and goes on; one that was there before can be labelled and deleted', async () => {
  const { kube } = api;
  const at = { name: 'live', namespace: 'default' };
  const { spec } = serviceOf({});
  await kube.create(services, { metadata: at, ...(spec && { spec }) });
  await expect(kube.merge(services, at, { spec: { loadBalancerSourceRanges: ['10.0.0.0/8'] } })).rejects.toThrow(
    /cannot be enforced/,
  );
  await expect(kube.merge(services, at, { metadata: { annotations: { [`${own}acess`]: 'private' } } })).rejects.toThrow(
    /unknown annotation/,
  );
  expect((await kube.get(services, at))?.spec).not.toHaveProperty('loadBalancerSourceRanges');
  // Of another type and class nothing is judged: made so, and then ours.
  const old = { name: 'old', namespace: 'default' };
  await kube.create(services, {
    metadata: { ...old, annotations: { [`${own}acess`]: 'private' }, finalizers: ['example.com/keep'] },
    spec: { ...spec, type: 'ClusterIP' },
  });
  await expect(kube.merge(services, old, { spec: { type: 'LoadBalancer' } })).rejects.toThrow(/unknown annotation/);
  await kube.merge(services, old, { spec: { type: 'LoadBalancer', loadBalancerClass: 'example.com/theirs' } });
  await kube.merge(services, old, { metadata: { labels: { a: 'b' } } });
  await kube.delete(services, old);
  await kube.merge(services, old, { metadata: { finalizers: null } });
  expect(await kube.get(services, old)).toBeUndefined();
});

async function preferenceOf(annotations: object, spec: object): Promise<string | undefined> {
  return (await tryToCreate(serviceOf(annotations, spec))).seen.spec?.trafficDistribution;
}

const ownSide = 'isthmus.dev/prefer-own-side';
const inside = { type: 'ClusterIP' };

test.each<[string, object, object, string | undefined]>([
  ['for pods', {}, inside, 'PreferSameZone'],
  ['for pods, sticky', {}, { ...inside, sessionAffinity: 'ClientIP' }, 'PreferSameZone'],
  ['of another word in the annotation', { [ownSide]: 'on' }, inside, 'PreferSameZone'],
  ['from outside, to pods of the node', {}, { externalTrafficPolicy: 'Local' }, 'PreferSameZone'],
  ['node ports, to pods of the node', {}, { type: 'NodePort', externalTrafficPolicy: 'Local' }, 'PreferSameZone'],
  ['opted out', { [ownSide]: 'off' }, inside, undefined],
  ['said otherwise', {}, { ...inside, trafficDistribution: 'PreferSameNode' }, 'PreferSameNode'],
  ['said in old words', {}, { ...inside, trafficDistribution: 'PreferClose' }, 'PreferClose'],
  ['said by annotation', { 'service.kubernetes.io/topology-mode': 'Disabled' }, inside, undefined],
  ['said by an old annotation', { 'service.kubernetes.io/topology-aware-hints': 'auto' }, inside, undefined],
  ['from outside, by any node', {}, {}, undefined],
  ['from outside, by any node, said', {}, { trafficDistribution: 'PreferSameZone' }, 'PreferSameZone'],
  ['node ports', {}, { type: 'NodePort' }, undefined],
  ['addresses of others', {}, { ...inside, externalIPs: ['198.51.100.7'] }, undefined],
  ['pods of the node alone', {}, { ...inside, internalTrafficPolicy: 'Local' }, undefined],
  ['headless', {}, { ...inside, clusterIP: 'None' }, undefined],
  ['without a selector', {}, { ...inside, selector: null }, undefined],
  ['a name elsewhere', {}, { type: 'ExternalName', externalName: 'example.com' }, undefined],
])(
  'a Service prefers its own side where it says nothing and pods ask it: %s',
  async (_title, annotations, spec, is) => {
    expect(await preferenceOf(annotations, spec)).toBe(is);
  },
);

test('nothing else of a Service changes, and no warning is given', async () => {
  const spec = {
    ...inside,
    sessionAffinity: 'ClientIP',
    publishNotReadyAddresses: true,
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP', targetPort: 'dns' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 5353, appProtocol: 'example.com/dns' },
    ],
  };
  const [given, left] = await Promise.all([{}, { [ownSide]: 'off' }].map((said) => tryToCreate(serviceOf(said, spec))));
  // Each is given an address of its own.
  const address = { clusterIP: expect.any(String), clusterIPs: [expect.any(String)] };
  expect(given?.seen.spec).toEqual({ ...left?.seen.spec, ...address, trafficDistribution: 'PreferSameZone' });
  expect(given?.seen.metadata.annotations).toBeUndefined();
  const balanced = await tryToCreate(serviceOf({ [ownSide]: 'off' }, {}));
  expect([given, left, balanced].map((tried) => tried?.warnings)).toEqual([[], [], []]);
});

test('a Namespace opts out, until its label is taken away', async () => {
  const { kube } = api;
  const at = { name: 'shop', namespace: 'anywhere' };
  await kube.create(namespaces, { metadata: { name: 'anywhere', labels: { [ownSide]: 'off' } } });
  const { spec } = serviceOf({}, inside);
  expect(
    (await kube.create(services, { metadata: at, ...(spec && { spec }) })).spec?.trafficDistribution,
  ).toBeUndefined();
  await kube.merge(namespaces, { name: 'anywhere' }, { metadata: { labels: { [ownSide]: null } } });
  await waitFor(
    'the Namespace to be as others',
    async () => (await kube.merge(services, at, {})).spec?.trafficDistribution === 'PreferSameZone',
    { within: seconds(20), every: ms(200) },
  );
});

test('while upstream’s specs run, their Services are left as they are written', async () => {
  const { kube } = api;
  const metadata = { name: 'services-1234', labels: { 'e2e-framework': 'services' } };
  await kube.create(namespaces, { metadata });
  const { spec } = serviceOf({}, inside);
  const made = async (): Promise<string | undefined> => {
    const at = { name: 'affinity', namespace: metadata.name };
    await kube.delete(services, at);
    return (await kube.create(services, { metadata: at, ...(spec && { spec }) })).spec?.trafficDistribution;
  };
  const becomes = (what: string, wanted: string | undefined): Promise<boolean> =>
    waitFor(what, async () => (await made()) === wanted, { within: seconds(20), every: ms(200) });
  expect(await made()).toBe('PreferSameZone');
  const tools = { kubectl, note: () => undefined };
  await withoutOwnSide(tools, () => becomes('Services of specs to be left alone', undefined));
  await becomes('Services of specs to be as others', 'PreferSameZone');
});

test('explain says what a cut would cost a Service with pods on both sides', async () => {
  const { kube } = api;
  const at = { name: 'cart', namespace: 'default' };
  const { spec } = serviceOf({}, inside);
  await kube.create(services, { metadata: at, ...(spec && { spec }) });
  const stands = (name: string, ground: string, providerID: string) =>
    kube.create(nodes, { metadata: { name, labels: { 'isthmus.dev/ground': ground } }, spec: { providerID } });
  await stands('web-1', 'cloud', 'ucloud://cn-bj2-04/uhost-1');
  await stands('base-1', 'site', 'isthmus-site://base-1');
  const slice = (name: string, nodeName: string, ready: boolean) => ({
    addressType: 'IPv4',
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': 'cart' } },
    endpoints: [{ addresses: ['172.16.0.7'], nodeName, conditions: { ready } }],
  });
  await kube.create(endpointSlices, slice('cart-1', 'web-1', true));
  await kube.create(endpointSlices, slice('cart-2', 'base-1', false));
  expect(await pathOfService(kube, at)).toEqual([]);
  await kube.create(endpointSlices, slice('cart-3', 'base-1', true));
  expect(await pathOfService(kube, at)).toEqual([
    'sides: pods are ready on both, and a client gets those near it while there are any (trafficDistribution PreferSameZone)',
  ]);
  expect(await pathOfService(kube, { ...at, name: 'nothing' })).toEqual([]);
});

test('a Service that was there before gets its preference when it is next written, and not by its status', async () => {
  const { kube } = api;
  expect((await kube.get(services, before))?.spec?.trafficDistribution).toBeUndefined();
  const told = await kube.merge(services, before, { status: { conditions: [] } }, { subresource: 'status' });
  expect(told.spec?.trafficDistribution).toBeUndefined();
  expect((await kube.merge(services, before, {})).spec?.trafficDistribution).toBe('PreferSameZone');
});

test.each<[string, string, string | undefined]>([
  // It finds no difference, and sends nothing.
  ['kubectl apply', 'by-client', undefined],
  ['kubectl apply --server-side', 'by-server', 'PreferSameZone'],
])(
  '%s of the same Service again changes nothing, and whoever applies it may say otherwise at any time',
  async (line, name, ofOld) => {
    const preferred = async (spec: object): Promise<string | undefined> =>
      (await applyBy(line, name, spec))?.spec?.trafficDistribution;
    expect(await preferred({})).toBe(ofOld);
    await api.kube.delete(services, { name, namespace: 'default' });
    const first = await applyBy(line, name);
    expect(first?.spec?.trafficDistribution).toBe('PreferSameZone');
    expect(await applyBy(line, name)).toEqual(first);
    // It is nobody's field, so nobody has to take it from anybody.
    expect(JSON.stringify(first)).toContain('"f:selector"');
    expect(JSON.stringify(first)).not.toContain('"f:trafficDistribution"');
    expect(await preferred({ trafficDistribution: 'PreferSameNode' })).toBe('PreferSameNode');
    expect(await preferred({})).toBe('PreferSameZone');
  },
);

/** What is there after the command was given a Service that pods ask. */
async function applyBy(line: string, name: string, spec: object = {}): Promise<ServiceObject | undefined> {
  const at = { name, namespace: 'default' };
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-apply-'));
  const file = join(folder, 'service.json');
  const [, ...words] = line.split(' ');
  try {
    await writeFile(file, JSON.stringify({ ...serviceOf({}, { type: 'ClusterIP', ...spec }), metadata: at }));
    await kubectl(...words, '-f', file);
    return await api.kube.get(services, at);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function kubectl(...args: readonly string[]): Promise<string> {
  const { port, token } = api.server;
  const { bin } = await ensureBinaries();
  const reach = [`--server=https://127.0.0.1:${port}`, '--insecure-skip-tls-verify', `--token=${token}`];
  return command(bin('kubectl'), [...reach, ...args], { env: { KUBECACHEDIR: cache } });
}
