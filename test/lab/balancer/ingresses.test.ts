import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { conditionAnnotation, recordAnnotation } from '#balancer/annotations.ts';
import { explainIngress, pathOfIngress } from '#balancer/application/explain-ingress.ts';
import { balancerStatus } from '#balancer/status.ts';
import { leaveBalancers } from '#cluster/up/remove-machine.ts';
import { outOfBalancers } from '#kube/api/leaving.ts';
import { events } from '#kube/events.ts';
import type { Kube } from '#kube/kube.ts';
import {
  endpointSlices,
  ingressClasses,
  ingresses,
  nodes,
  type SecretObject,
  secrets,
  services,
} from '#kube/resources.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { authorityIn, type Certified } from '../../support/certificates.ts';
import { mark, type RangesWorld } from '../network/ranges-world.ts';
import {
  ingressOf,
  makeAlbClass,
  makeIngress,
  makeWebService,
  removeIngress,
  untilIngressSays,
} from './ingress-world.ts';
import { leadersOf, makeService, removeService, sliceOf, startBalancerWorld, untilSaid } from './services-world.ts';

let world: RangesWorld;
let kube: Kube;
beforeAll(async () => {
  world = await startBalancerWorld();
  kube = world.kube;
  await makeAlbClass(world);
});
afterAll(() => world?.close());

const { lead, stopAll } = leadersOf(() => world);
afterEach(stopAll);

const albs = () => world.testCloud.cloud.objects().applicationBalancers;

test('an Ingress gets an ALB that sends its host to node ports of cloud nodes, and its deletion leaves nothing', async () => {
  lead();
  await makeWebService(world, 'web');
  await makeIngress(world, 'web', { 'shop.example/': 'web' });
  const said = await untilIngressSays(world, 'web', 'Serving');
  expect(said).toMatchObject({
    status: 'True',
    message: expect.stringMatching(/answers HTTP 80 and sends to 2 back ends/),
  });
  const [alb, ...more] = albs();
  expect(more).toEqual([]);
  const { eips } = world.testCloud.cloud.objects();
  expect(eips).toMatchObject([{ resource: alb?.id, bandwidth: 2 }]);
  const ingress = await ingressOf(world, 'web');
  expect(ingress?.status?.loadBalancer?.ingress).toEqual([{ ip: eips[0]?.ip }]);
  expect(alb).toMatchObject({ tag: `isthmus-${mark}`, remark: `isthmus/${ingress?.metadata.uid}` });
  const machines = (await kube.list(nodes)).flatMap(({ spec }) => /uhost-.*/.exec(spec?.providerID ?? '')?.[0] ?? []);
  const [listener] = alb?.listeners ?? [];
  expect(listener?.targets.map(({ resource }) => resource).toSorted()).toEqual(machines.toSorted());
  expect(listener?.rules).toHaveLength(2);
  await removeIngress(world, 'web');
  expect([albs(), world.testCloud.cloud.objects().eips]).toEqual([[], []]);
});

const at = (name: string) => ({ name, namespace: 'default' });

/** `shop.example/cart → uhost-1:30080`, for each rule but the last. */
function rulesOf(port = 80): readonly string[] {
  const listener = albs()[0]?.listeners.find((one) => one.port === port);
  const ids = new Map(listener?.targets.map(({ id, resource, ip, port: on }) => [id, `${resource || ip}:${on}`]));
  return (listener?.rules ?? [])
    .filter(({ isDefault }) => !isDefault)
    .map(({ host, path, actions }) => {
      const last = actions.at(-1);
      const to =
        last?.type === 'FixedResponse'
          ? last.code
          : last?.type === 'Forward' && last.targets !== 'all'
            ? last.targets
                .map(({ id }) => ids.get(id) ?? '?')
                .toSorted()
                .join()
            : '?';
      return `${host?.value} ${path} → ${to}`;
    });
}

const until = (what: string, is: () => unknown): Promise<unknown> =>
  waitFor(what, async () => expect(await is()).toBe(true), { within: seconds(40), every: ms(100) });

async function warningsOf(name: string): Promise<readonly string[]> {
  const told = await kube.list(events, {
    namespace: 'default',
    fieldSelector: `regarding.kind=Ingress,regarding.name=${name}`,
  });
  return told.flatMap(({ type, reason }) => (type === 'Warning' ? (reason ?? []) : []));
}

test('the path of an Ingress is explained hop by hop, and what stands against it is told by Events, explain and status', async () => {
  lead();
  await makeWebService(world, 'front');
  await makeIngress(world, 'told', { 'told.example/': 'front', 'told.example/gone': 'gone' });
  const said = await untilIngressSays(world, 'told', 'BackendMissing');
  expect(said.message).toBe('path told.example/gone: Service gone does not exist: create it, or name another one');
  const nodePort = (await kube.get(services, at('front')))?.spec?.ports?.[0]?.nodePort;
  const [balancer] = albs();
  await until('an address', async () => (await ingressOf(world, 'told'))?.status?.loadBalancer?.ingress?.length === 1);
  expect(await pathOfIngress(kube, at('told'))).toEqual([
    `client: calls ${world.testCloud.cloud.objects().eips[0]?.ip}`,
    `load balancer: ${balancer?.id}`,
    'listeners: HTTP 80',
    'rules: told.example/ to front; told.example/gone to gone; anything else is answered 404',
    `back ends: 2 cloud nodes, node port ${nodePort}, for front`,
    'back ends: none for gone (Service gone does not exist: create it, or name another one)',
    'pods: 1 ready of front',
    'pods: 0 ready of gone',
    `fails at rules: ${said.message}`,
  ]);
  expect(await explainIngress(kube, at('told'))).toEqual([said.message]);
  const look = { kube, nodes: [], outside: undefined, signal: new AbortController().signal };
  expect((await balancerStatus(look)).problems).toEqual([`Ingress default/told: ${said.message}`]);
  await until('the Event', async () => (await warningsOf('told')).includes('BackendMissing'));
  // The rest is served meanwhile, and the path as soon as the Service is there.
  await makeWebService(world, 'gone');
  await untilIngressSays(world, 'told', 'Serving');
  await removeIngress(world, 'told');
  for (const name of ['front', 'gone']) await kube.delete(services, at(name));
});

test.each(['timeout-done', 'hang-up-done'] as const)(
  'a controller that is replaced while answers of the cloud are lost (%s) makes nothing twice',
  async (kind) => {
    for (const action of ['CreateLoadBalancer', 'CreateListener', 'AddTargets', 'CreateRule', 'AllocateEIP'])
      world.testCloud.plant({ action, kind, times: 1 });
    const name = `lost-${kind}`;
    await makeWebService(world, name);
    await makeIngress(world, 'lost', { 'lost.example/': name, 'lost.example/a': name });
    // As often as a controller can be replaced until it is done.
    for (let turn = 0; turn < 8; turn++) {
      lead();
      await new Promise((resolve) => setTimeout(resolve, 150));
      await stopAll();
    }
    lead();
    await untilIngressSays(world, 'lost', 'Serving');
    expect(
      albs().map(({ listeners }) => listeners.map(({ targets, rules }) => [targets.length, rules.length])),
    ).toEqual([[[2, 3]]]);
    expect(world.testCloud.cloud.objects().eips).toHaveLength(1);
    await removeIngress(world, 'lost');
    expect([albs(), world.testCloud.cloud.objects().eips]).toEqual([[], []]);
    await kube.delete(services, at(name));
  },
);

test('a general path that comes later is tried after the special one, whatever the cloud tried before', async () => {
  lead();
  for (const name of ['web', 'cart'])
    if ((await kube.get(services, at(name))) === undefined) await makeWebService(world, name);
  await makeIngress(world, 'order', { 'order.example/cart': 'cart' });
  await untilIngressSays(world, 'order', 'Serving');
  const portOf = async (name: string) => (await kube.get(services, at(name)))?.spec?.ports?.[0]?.nodePort;
  const paths = ['/', '/cart'].map((path) => ({
    path,
    pathType: 'Prefix',
    backend: { service: { name: path === '/' ? 'web' : 'cart', port: { number: 80 } } },
  }));
  await kube.merge(ingresses, at('order'), { spec: { rules: [{ host: 'order.example', http: { paths } }] } });
  const [web, cart] = [await portOf('web'), await portOf('cart')];
  // In the order of their making: the later one counts.
  await until('both rules', () => {
    const rules = rulesOf();
    return rules.length === 2 && rules[0]?.includes(`:${web}`) === true && rules[1]?.includes(`:${cart}`) === true;
  });
  await removeIngress(world, 'order');
});

test('Ingresses of one group share an ALB; who leaves takes only its own along, and the last one the ALB', async () => {
  lead();
  const group = { annotations: { 'isthmus.dev/balancer-group': 'front' } };
  await makeIngress(world, 'one', { 'one.example/': 'web' }, group);
  await untilIngressSays(world, 'one', 'Serving');
  await makeIngress(world, 'two', { 'two.example/': 'cart', 'one.example/': 'cart' }, group);
  const taken = await untilIngressSays(world, 'two', 'PathTaken');
  expect(taken.message).toMatch(/path one\.example\/ is already in the older Ingress default\/one/);
  await until('the host of the second', () => rulesOf().some((rule) => rule.includes('two')));
  expect([albs().length, rulesOf().length]).toEqual([1, 2]);
  const addressOf = async (name: string) => (await ingressOf(world, name))?.status?.loadBalancer?.ingress?.[0]?.ip;
  await until(
    'one address for both',
    async () => (await addressOf('two')) !== undefined && (await addressOf('one')) === (await addressOf('two')),
  );
  // One that cannot be understood keeps what it has, and does not keep the others from anything.
  await kube.merge(ingresses, at('two'), { metadata: { annotations: { 'isthmus.dev/balancer-acess': 'private' } } });
  expect((await untilIngressSays(world, 'two', 'BadAnnotation')).message).toMatch(
    /did you mean isthmus\.dev\/balancer-access/,
  );
  expect(rulesOf()).toHaveLength(2);
  await removeIngress(world, 'one');
  expect(albs()).toHaveLength(1);
  await kube.merge(ingresses, at('two'), { metadata: { annotations: { 'isthmus.dev/balancer-acess': null } } });
  await untilIngressSays(world, 'two', 'Serving');
  await until('its own rules alone', () => rulesOf().length === 2 && rulesOf().every((rule) => !rule.includes('404')));
  await removeIngress(world, 'two');
  expect([albs(), world.testCloud.cloud.objects().eips]).toEqual([[], []]);
});

test('the ALB goes with the last Ingress that had it, although one of its group waits that never had anything', async () => {
  lead();
  const group = { 'isthmus.dev/balancer-group': 'left' };
  await makeIngress(world, 'had', { 'had.example/': 'web' }, { annotations: group });
  await untilIngressSays(world, 'had', 'Serving');
  // Whoever joins one that is served takes its ALB over; whoever joins one that is not understood has nothing.
  await kube.merge(ingresses, at('had'), { metadata: { annotations: { 'isthmus.dev/balancer-acess': 'private' } } });
  await untilIngressSays(world, 'had', 'BadAnnotation');
  await makeIngress(
    world,
    'bad',
    { 'bad.example/': 'web' },
    { annotations: { ...group, 'isthmus.dev/balancer-acess': 'private' } },
  );
  await untilIngressSays(world, 'bad', 'BadAnnotation');
  await removeIngress(world, 'had');
  expect([albs(), world.testCloud.cloud.objects().eips]).toEqual([[], []]);
  expect((await ingressOf(world, 'bad'))?.metadata.finalizers).toBeUndefined();
  await removeIngress(world, 'bad');
});

test('a Secret that is made anew closes no port, and a name of an ALB that does not exist ends nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-ingress-'));
  const authority = await authorityIn(folder);
  const { certificate, key } = await authority.sign('anew', '/CN=anew', 'DNS:anew.example');
  const data = {
    'tls.crt': Buffer.from(certificate).toString('base64'),
    'tls.key': Buffer.from(key).toString('base64'),
  };
  const make = (): Promise<unknown> =>
    kube.create(secrets, { metadata: at('anew'), type: 'kubernetes.io/tls', data } as SecretObject);
  lead();
  await make();
  const spec = { tls: [{ hosts: ['anew.example'], secretName: 'anew' }] };
  await makeIngress(world, 'anew', { 'anew.example/': 'web' }, { spec });
  await untilIngressSays(world, 'anew', 'Serving');
  const shown = () =>
    albs().map(({ id, listeners }) => [id, listeners.map((one) => [one.port, one.certificates, one.rules.length])]);
  const before = shown();
  await kube.delete(secrets, at('anew'));
  await until('the missing Secret to be told', async () =>
    (await ingressOf(world, 'anew'))?.metadata.annotations?.[conditionAnnotation]?.includes('SecretUnusable'),
  );
  expect(shown()).toEqual(before);
  await make();
  await untilIngressSays(world, 'anew', 'Serving');
  await kube.merge(ingresses, at('anew'), { metadata: { annotations: { 'isthmus.dev/balancer-id': 'alb-typo' } } });
  expect((await untilIngressSays(world, 'anew', 'BalancerUnknown')).message).toMatch(/serves as before$/);
  expect(shown()).toEqual(before);
  await removeIngress(world, 'anew');
  await kube.delete(secrets, at('anew'));
  await rm(folder, { recursive: true });
});

test('a Secret of several that goes takes no certificate from the port', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-ingress-'));
  const authority = await authorityIn(folder);
  const make = async (name: string): Promise<void> => {
    const { certificate, key } = await authority.sign(name, `/CN=${name}`, `DNS:${name}.example`);
    const data = {
      'tls.crt': Buffer.from(certificate).toString('base64'),
      'tls.key': Buffer.from(key).toString('base64'),
    };
    await kube.create(secrets, { metadata: at(name), type: 'kubernetes.io/tls', data } as SecretObject);
  };
  lead();
  await make('stays');
  await make('goes');
  const tls = ['stays', 'goes'].map((secretName) => ({ hosts: [`${secretName}.example`], secretName }));
  await makeIngress(world, 'several', { 'stays.example/': 'web', 'goes.example/': 'web' }, { spec: { tls } });
  await untilIngressSays(world, 'several', 'Serving');
  const bound = () => albs()[0]?.listeners.find(({ port }) => port === 443)?.certificates;
  const before = bound();
  expect(before).toHaveLength(2);
  await kube.delete(secrets, at('goes'));
  expect((await untilIngressSays(world, 'several', 'SecretUnusable')).message).toMatch(
    /^Secret goes cannot be used for TLS: it does not exist; port 443 keeps the certificates/,
  );
  expect(bound()).toEqual(before);
  // Named no more, it goes.
  await kube.merge(ingresses, at('several'), { spec: { tls: tls.slice(0, 1) } });
  await untilIngressSays(world, 'several', 'Serving');
  expect(bound()).toEqual(before?.slice(0, 1));
  await removeIngress(world, 'several');
  expect([albs(), world.testCloud.cloud.objects().certificates]).toEqual([[], []]);
  await kube.delete(secrets, at('stays'));
  await rm(folder, { recursive: true });
});

test('somebody garbles what is noted of an ALB: it goes all the same with the Service or the Ingress that had it', async () => {
  const garbled = { metadata: { annotations: { [recordAnnotation]: 'nonsense' } } };
  lead();
  await makeService(world, 'garbled', { annotations: { 'isthmus.dev/balancer-kind': 'application' } });
  await makeIngress(
    world,
    'garbled',
    { 'garbled.example/': 'web' },
    { annotations: { 'isthmus.dev/balancer-group': 'some' } },
  );
  await untilSaid(world, 'garbled', 'Serving');
  await untilIngressSays(world, 'garbled', 'Serving');
  expect(albs()).toHaveLength(2);
  // Nobody who could put it right runs.
  await stopAll();
  await kube.merge(services, at('garbled'), garbled);
  await kube.merge(ingresses, at('garbled'), garbled);
  await kube.delete(services, at('garbled'));
  await kube.delete(ingresses, at('garbled'));
  lead();
  await until('both to be gone', async () => {
    const left = [await kube.get(services, at('garbled')), await kube.get(ingresses, at('garbled'))];
    return left.every((one) => one === undefined);
  });
  expect([albs(), world.testCloud.cloud.objects().eips]).toEqual([[], []]);
});

test('a node that is labelled leaves the ALB and is told to be out, and a class that is deleted takes nothing along', async () => {
  lead();
  await makeIngress(world, 'moves', { 'moves.example/': 'web' });
  await untilIngressSays(world, 'moves', 'Serving');
  const targets = () => albs()[0]?.listeners[0]?.targets.length;
  expect(targets()).toBe(2);
  const label = (value: string | null): Promise<unknown> =>
    kube.merge(
      nodes,
      { name: 'web-2' },
      { metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': value } } },
    );
  await label('');
  await until('one back end', () => targets() === 1);
  await until('the node to be out', async () =>
    (await kube.get(nodes, { name: 'web-2' }))?.status?.conditions?.some(
      ({ type, status }) => type === outOfBalancers && status === 'True',
    ),
  );
  await label(null);
  await until('two back ends', () => targets() === 2);
  // As isthmus up takes a machine out, with no Service of type LoadBalancer in the cluster.
  const session = { signal: new AbortController().signal };
  const up = { session, connections: { kube: async () => kube }, say: () => undefined };
  await leaveBalancers(up as unknown as Parameters<typeof leaveBalancers>[0], 'web-2');
  expect(targets()).toBe(1);
  await kube.merge(nodes, { name: 'web-2' }, { spec: { taints: null, unschedulable: null } });
  await until('two back ends again', () => targets() === 2);
  await kube.delete(ingressClasses, { name: 'alb' });
  expect((await untilIngressSays(world, 'moves', 'ClassGone')).message).toMatch(
    /^IngressClass alb does not exist any more/,
  );
  expect(albs()).toHaveLength(1);
  await makeAlbClass(world);
  await untilIngressSays(world, 'moves', 'Serving');
  await kube.merge(ingresses, at('moves'), { spec: { ingressClassName: 'other' } });
  await kube.create(ingressClasses, { metadata: { name: 'other' }, spec: { controller: 'example.com/other' } });
  await until('nothing to be left', () => albs().length === 0);
  await until('it to be let go', async () => (await ingressOf(world, 'moves'))?.metadata.finalizers === undefined);
  await kube.delete(ingresses, at('moves'));
});

test('pods of the VPC are the back ends themselves, and while one is on the site cloud nodes are', async () => {
  lead();
  await makeWebService(world, 'direct');
  const slice = (...pods: readonly (readonly [string, string])[]) =>
    sliceOf('direct', {
      endpoints: pods.map(([address, nodeName]) => ({ addresses: [address], nodeName, conditions: { ready: true } })),
    });
  const write = async (...pods: readonly (readonly [string, string])[]): Promise<unknown> =>
    kube.merge(endpointSlices, at('direct-1'), { endpoints: slice(...pods).endpoints });
  await write(['10.9.0.200', 'web-1'], ['10.9.0.201', 'web-2']);
  await makeIngress(world, 'direct', { 'direct.example/': 'direct' });
  await untilIngressSays(world, 'direct', 'Serving');
  const to = () =>
    albs()[0]
      ?.listeners[0]?.targets.map(({ ip, resource }) => resource || ip)
      .toSorted();
  expect(to()).toEqual(['10.9.0.200', '10.9.0.201']);
  await write(['10.9.0.200', 'web-1'], ['172.16.0.9', 'base-1']);
  await until('cloud nodes', () => to()?.every((one) => one.startsWith('uhost-')));
  await write(['10.9.0.201', 'web-2']);
  await until('the pod again', () => JSON.stringify(to()) === '["10.9.0.201"]');
  await removeIngress(world, 'direct');
});

test('TLS comes from Secrets: a renewed certificate is bound before the old one goes, and a bad one is told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-ingress-'));
  const authority = await authorityIn(folder);
  const sign = (name: string): Promise<Certified> => authority.sign(name, `/CN=${name}`, 'DNS:tls.example');
  const [old, renewed] = [await sign('old'), await sign('renewed')];
  const dataOf = ({ certificate, key }: Certified) => ({
    'tls.crt': Buffer.from(certificate).toString('base64'),
    'tls.key': Buffer.from(key).toString('base64'),
  });
  const kept = () => world.testCloud.cloud.objects().certificates;
  lead();
  const tls = [
    { hosts: ['tls.example'], secretName: 'tls' },
    { hosts: ['other.example'], secretName: 'other' },
  ];
  await makeIngress(world, 'tls', { 'tls.example/': 'web' }, { spec: { tls } });
  const missing = await untilIngressSays(world, 'tls', 'SecretUnusable');
  expect(missing.message).toMatch(/^Secret tls cannot be used for TLS: it does not exist; Secret other cannot/);
  // HTTP is served meanwhile.
  await until(
    'HTTP',
    () =>
      albs()[0]
        ?.listeners.map(({ port }) => port)
        .join() === '80',
  );
  const secret = (name: string, data: object): Promise<unknown> =>
    kube.create(secrets, { metadata: at(name), type: 'kubernetes.io/tls', data } as SecretObject);
  await secret('tls', dataOf(old));
  await secret('other', { ...dataOf(old), 'tls.key': dataOf(renewed)['tls.key'] });
  await until(
    'HTTPS',
    () =>
      albs()[0]
        ?.listeners.map(({ port }) => port)
        .join() === '80,443',
  );
  await until('the bad one to be told', async () =>
    /^Secret other .* its tls\.key does not belong to its tls\.crt/.test(
      (await untilIngressSays(world, 'tls', 'SecretUnusable')).message,
    ),
  );
  const [first] = kept();
  expect(kept().map(({ name }) => name.startsWith(`isthmus-${mark}`))).toEqual([true]);
  const seen = new Set<string>();
  const watching = setInterval(
    () =>
      seen.add(
        albs()[0]
          ?.listeners.find(({ port }) => port === 443)
          ?.certificates.join() ?? 'closed',
      ),
    5,
  );
  await kube.merge(secrets, at('tls'), { data: dataOf(renewed) });
  await until('the renewed certificate', () => kept().length === 1 && kept()[0]?.id !== first?.id);
  clearInterval(watching);
  expect([...seen].every((one) => one !== '' && one !== 'closed')).toBe(true);
  expect(albs()[0]?.listeners.find(({ port }) => port === 443)?.certificates).toEqual([kept()[0]?.id]);
  await removeIngress(world, 'tls');
  expect([albs(), kept()]).toEqual([[], []]);
  await rm(folder, { recursive: true });
});

test('a Service for HTTP is served by an ALB, moves to an NLB and back, and its deletion leaves nothing', async () => {
  const uk8s = 'service.beta.kubernetes.io/ucloud-load-balancer-';
  lead();
  await makeService(world, 'seven', {
    annotations: { [`${uk8s}listentype`]: 'application', [`${uk8s}vserver-protocol`]: 'http' },
  });
  const said = await untilSaid(world, 'seven', 'Serving');
  expect(said.message).toMatch(/answers HTTP 80 and sends to 2 back ends/);
  const nlbs = () => world.testCloud.cloud.objects().balancers;
  expect([albs().length, nlbs().length]).toEqual([1, 0]);
  const service = await kube.get(services, at('seven'));
  const ip = world.testCloud.cloud.objects().eips[0]?.ip;
  expect(service?.status?.loadBalancer?.ingress).toEqual([{ ip, ipMode: 'Proxy' }]);
  const write = (annotations: object): Promise<unknown> =>
    kube.merge(services, at('seven'), { metadata: { annotations } });
  await write({ [`${uk8s}vserver-protocol`]: 'udp' });
  expect((await untilSaid(world, 'seven', 'BadAnnotation')).message).toMatch(
    /write http or https.*; load balancer alb-\S+ serves as before$/,
  );
  expect(albs()).toHaveLength(1);
  await write({ [`${uk8s}vserver-protocol`]: 'tcp', [`${uk8s}listentype`]: 'network' });
  await until('an NLB alone', () => albs().length === 0 && nlbs().length === 1);
  await untilSaid(world, 'seven', 'Serving');
  await write({ [`${uk8s}vserver-protocol`]: 'http', [`${uk8s}listentype`]: null });
  await until('an ALB alone', () => albs().length === 1 && nlbs().length === 0);
  await untilSaid(world, 'seven', 'Serving');
  await removeService(world, 'seven');
  expect([albs(), nlbs(), world.testCloud.cloud.objects().eips]).toEqual([[], [], []]);
});
