import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { conditionOf } from '#balancer/application/condition-of.ts';
import { endpointSlices, ingresses, nodes, type SecretObject, secrets, services } from '#kube/resources.ts';
import { minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { ingressOf, makeAlbClass, makeIngress, makeWebService } from '../../lab/balancer/ingress-world.ts';
import { leadBalancers, makeService, startBalancerWorld } from '../../lab/balancer/services-world.ts';
import type { RangesWorld } from '../../lab/network/ranges-world.ts';
import { authorityIn, type Certified } from '../../support/certificates.ts';
import { mortal } from '../../support/mortal.ts';

/**
 * The life of a load balancer of each kind, with a controller that is killed after each write that it makes to the API server or to
 * the cloud. At each stage the cloud has what it should have, once.
 */
let world: RangesWorld;
let certificates: { readonly old: Certified; readonly renewed: Certified };
const folder = await mkdtemp(join(tmpdir(), 'isthmus-killed-'));

beforeAll(async () => {
  world = await startBalancerWorld();
  await makeAlbClass(world);
  const authority = await authorityIn(folder);
  const sign = (name: string): Promise<Certified> => authority.sign(name, `/CN=${name}`, 'DNS:shop.example');
  certificates = { old: await sign('old'), renewed: await sign('renewed') };
});
afterEach(() => exclude(null)());
afterAll(async () => {
  await world?.close();
  await rm(folder, { recursive: true });
});

/** What somebody does, and what the cloud has when it is through. */
type Stage = readonly [title: string, act: () => Promise<unknown>, inCloud: readonly string[]];

/** What the test at hand is about. */
let at = { name: 'shop', namespace: 'default' };
let count = 0;
beforeEach(() => {
  at = { ...at, name: `shop-${++count}` };
});
const annotate = (annotations: object) => () => world.kube.merge(services, at, { metadata: { annotations } });
const ports = (...all: readonly number[]) => all.map((port) => ({ name: `p${port}`, port, protocol: 'TCP' }));
const listen =
  (...all: readonly number[]) =>
  () =>
    world.kube.merge(services, at, { spec: { ports: ports(...all) } });
const exclude = (value: string | null) => () =>
  world.kube.merge(
    nodes,
    { name: 'web-2' },
    { metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': value } } },
  );
const make = (annotations: object) => async () => {
  await makeService(world, at.name, { annotations, spec: { ports: ports(80, 443) } });
  const answered = ports(80, 443, 8080).map(({ name, protocol }) => ({ name, protocol, port: 8080 }));
  await world.kube.merge(endpointSlices, { ...at, name: `${at.name}-1` }, { ports: answered });
};
const remove = async () => {
  await world.kube.delete(services, at);
  await world.kube.delete(endpointSlices, { ...at, name: `${at.name}-1` });
};

/** A Service of one kind, from its first write to its last. */
function lifeOf(kind: 'network' | 'direct' | 'application'): readonly Stage[] {
  const both = (first: number, second: number, targets: number): readonly string[] => [
    `${kind}: ${first} to ${targets}, ${second} to ${targets}`,
  ];
  const address = (bandwidth: number): string => `address of ${kind}, ${bandwidth} Mb/s`;
  return [
    ['is made', make({ 'isthmus.dev/balancer-kind': kind }), [...both(80, 443, 2), address(2)]],
    ['has a node less', exclude(''), [...both(80, 443, 1), address(2)]],
    ['has it again', exclude(null), [...both(80, 443, 2), address(2)]],
    ['has another port', listen(80, 8080), [...both(80, 8080, 2), address(2)]],
    ['is broader', annotate({ 'isthmus.dev/balancer-bandwidth': '7' }), [...both(80, 8080, 2), address(7)]],
    ['holds clients', annotate({ 'isthmus.dev/balancer-sticky': '600' }), [...both(80, 8080, 2), address(7)]],
    ['is deleted', remove, []],
  ];
}

const secretAt = () => ({ ...at, name: `${at.name}-tls` });
const dataOf = ({ certificate, key }: Certified) => ({
  'tls.crt': Buffer.from(certificate).toString('base64'),
  'tls.key': Buffer.from(key).toString('base64'),
});
const webAt = () => ({ ...at, name: `${at.name}-web` });
const paths = (...all: readonly string[]) => [
  {
    host: 'shop.example',
    http: {
      paths: all.map((path) => ({
        path,
        pathType: 'Prefix',
        backend: { service: { name: webAt().name, port: { number: 80 } } },
      })),
    },
  },
];

const lives: Readonly<Record<string, () => readonly Stage[]>> = {
  'an NLB': () => lifeOf('network'),
  'a CLB4': () => lifeOf('direct'),
  'an ALB of a Service': () => lifeOf('application'),
  'a Service that moves between kinds and goes private': () => [
    ['is made', make({}), ['network: 80 to 2, 443 to 2', 'address of network, 2 Mb/s']],
    ['is private', annotate({ 'isthmus.dev/balancer-access': 'private' }), ['network: 80 to 2, 443 to 2']],
    [
      'becomes an ALB',
      annotate({ 'isthmus.dev/balancer-access': null, 'isthmus.dev/balancer-kind': 'application' }),
      ['application: 80 to 2, 443 to 2', 'address of application, 2 Mb/s'],
    ],
    [
      'becomes an NLB',
      annotate({ 'isthmus.dev/balancer-kind': null }),
      ['network: 80 to 2, 443 to 2', 'address of network, 2 Mb/s'],
    ],
    ['is no load balancer', () => world.kube.merge(services, at, { spec: { type: 'ClusterIP' } }), []],
    ['is deleted', remove, []],
  ],
  'an Ingress on an ALB': () => [
    [
      'is made',
      async () => {
        const data = dataOf(certificates.old);
        await world.kube.create(secrets, { metadata: secretAt(), type: 'kubernetes.io/tls', data } as SecretObject);
        await makeWebService(world, webAt().name);
        const tls = [{ hosts: ['shop.example'], secretName: secretAt().name }];
        await makeIngress(world, at.name, { 'shop.example/': webAt().name }, { spec: { tls } });
      },
      ['application: 80 to 2 by 1 rules, 443 to 2 by 1 rules', 'address of application, 2 Mb/s', 'certificate old'],
    ],
    [
      'has another path',
      () => world.kube.merge(ingresses, at, { spec: { rules: paths('/', '/cart') } } as object),
      ['application: 80 to 2 by 2 rules, 443 to 2 by 2 rules', 'address of application, 2 Mb/s', 'certificate old'],
    ],
    [
      'has a renewed certificate',
      () => world.kube.merge(secrets, secretAt(), { data: dataOf(certificates.renewed) }),
      ['application: 80 to 2 by 2 rules, 443 to 2 by 2 rules', 'address of application, 2 Mb/s', 'certificate renewed'],
    ],
    [
      // A host that has not all paths needs a rule for the others.
      'loses a path, and a node',
      async () => {
        await exclude('')();
        await world.kube.merge(ingresses, at, { spec: { rules: paths('/cart') } } as object);
      },
      ['application: 80 to 1 by 2 rules, 443 to 1 by 2 rules', 'address of application, 2 Mb/s', 'certificate renewed'],
    ],
    [
      'is deleted',
      async () => {
        await exclude(null)();
        await world.kube.delete(ingresses, at);
      },
      [],
    ],
    [
      'its Service and Secret are deleted',
      async () => {
        await world.kube.delete(services, webAt());
        await world.kube.delete(secrets, secretAt());
      },
      [],
    ],
  ],
};

/** What costs money, without ids. */
function inCloud(): readonly string[] {
  const {
    balancers,
    classicBalancers,
    applicationBalancers,
    eips,
    certificates: kept,
  } = world.testCloud.cloud.objects();
  const kinds = { network: balancers, direct: classicBalancers, application: applicationBalancers };
  const lines = Object.entries(kinds).flatMap(([kind, all]) =>
    all.map(({ listeners }) => `${kind}: ${listeners.map(toText).toSorted(byPort).join(', ')}`),
  );
  const kindOf = (resource: string | undefined): string =>
    Object.entries(kinds).find(([, all]) => all.some(({ id }) => id === resource))?.[0] ?? 'nothing';
  return [
    ...lines,
    ...eips.map(({ resource, bandwidth }) => `address of ${kindOf(resource)}, ${bandwidth} Mb/s`),
    ...kept.map(({ chain }) => `certificate ${chain === certificates.old.certificate ? 'old' : 'renewed'}`),
  ];
}

const byPort = (a: string, b: string): number => Number.parseInt(a, 10) - Number.parseInt(b, 10);

interface AnyListener {
  readonly startPort?: number;
  readonly port?: number;
  readonly targets: readonly object[];
  readonly rules?: readonly { readonly isDefault: boolean }[];
}

function toText({ startPort, port = startPort, targets, rules }: AnyListener): string {
  const own = rules?.filter(({ isDefault }) => !isDefault) ?? [];
  return `${port} to ${targets.length}${own.length === 0 ? '' : ` by ${own.length} rules`}`;
}

/** What keeps Service and Ingress from being as they should: gone, served, or without a wish. */
async function unsaid(): Promise<string | undefined> {
  const service = await world.kube.get(services, at);
  const ingress = await ingressOf(world, at.name);
  if ([service, ingress].some((one) => one?.metadata.deletionTimestamp !== undefined)) return 'it is being deleted';
  const wants = service?.spec?.type === 'LoadBalancer';
  if (!wants && (service?.metadata.finalizers ?? []).length > 0) return 'the Service still has a finalizer';
  const ofService = service?.status?.conditions?.find(({ type }) => type === 'isthmus.dev/Balancer');
  const said = [wants ? ofService : undefined, ingress === undefined ? undefined : conditionOf(ingress)];
  const missing = [wants, ingress !== undefined].some((isWanted, n) => isWanted && said[n]?.reason !== 'Serving');
  return missing ? said.map((one) => `${one?.reason}: ${one?.message}`).join('; ') : undefined;
}

/** The cloud has this, the objects say so, and nothing is done about them for a while. */
async function untilQuiet(title: string, wanted: readonly string[], isOver: () => boolean): Promise<undefined> {
  let since = Number.POSITIVE_INFINITY;
  await waitFor(
    `${title}: ${wanted.join('; ') || 'nothing'}`,
    async () => {
      if (isOver()) return true;
      const isThere = inCloud().join('; ') === wanted.join('; ');
      const said = await unsaid();
      const why = isThere ? said : `${inCloud().join('; ') || 'nothing'} (${said ?? 'all say that they are served'})`;
      since = why === undefined ? Math.min(since, performance.now()) : Number.POSITIVE_INFINITY;
      if (why !== undefined) throw new Error(why);
      return performance.now() - since > seconds(1);
    },
    { within: minutes(3), every: ms(25) },
  );
}

const mostLives = 60;

/**
 * Whether it may live on after this write. A new controller says of a node that leaves that it does not know yet, and says more when it does;
 * and when a Service is given up its status is emptied just before its finalizer goes. Who is killed after these each time never gets further.
 */
function isSpared(write: string, deaths: readonly string[]): boolean {
  const last = deaths.slice(-4);
  return write === 'apply nodes' ? deaths.includes(write) : last.length === 4 && last.every((one) => one === write);
}

/** Each life of the controller ends with its first write, but for the last one, which finds nothing to do. @shape the writes */
async function liveAndDie(title: string, wanted: readonly string[]): Promise<readonly string[]> {
  const deaths: string[] = [];
  while (deaths.length < mostLives) {
    const end = new AbortController();
    const { kube, cloud, died } = mortal(world.kube, world.testCloud.url, end, (write) => isSpared(write, deaths));
    const leader = leadBalancers({ ...world, kube, cloud }, {}, end);
    const death = await Promise.race([died, untilQuiet(title, wanted, () => end.signal.aborted)]);
    await leader.stop();
    if (death === undefined) return deaths;
    deaths.push(death);
  }
  return expect.fail(`${title}: no end after ${deaths.join(', ')}`);
}

test.each(Object.entries(lives))(
  'the controller is killed after each of its writes, and nothing is made twice or left behind: %s',
  async (name, stagesOf) => {
    const told: string[] = [];
    for (const [title, act, wanted] of stagesOf()) {
      await act();
      const deaths = await liveAndDie(title, wanted);
      told.push(`${title}: ${deaths.join(', ')}`);
    }
    console.log(`${name}\n  ${told.join('\n  ')}`);
  },
  minutes(10),
);
