import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conditionOf } from '#balancer/application/condition-of.ts';
import type { Condition } from '#kube/api/condition.ts';
import type { Kube } from '#kube/kube.ts';
import {
  endpointSlices,
  ingresses,
  nodes,
  type SecretObject,
  type ServiceObject,
  secrets,
  services,
} from '#kube/resources.ts';
import type { Ucloud } from '#lab/ucloud/ucloud.ts';
import { makeIngress, makeWebService } from '../lab/balancer/ingress-world.ts';
import { makeService } from '../lab/balancer/services-world.ts';
import { authorityIn, type Certified } from './certificates.ts';

/** Certificates of `shop.example`, and one of `second.example`. */
export interface LifeCertificates {
  readonly old: Certified;
  readonly renewed: Certified;
  readonly second: Certified;
}

export async function signForLives(): Promise<LifeCertificates> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-lives-'));
  try {
    const authority = await authorityIn(folder);
    const sign = (name: string, host: string) => authority.sign(name, `/CN=${name}`, `DNS:${host}`);
    return {
      old: await sign('old', 'shop.example'),
      renewed: await sign('renewed', 'shop.example'),
      second: await sign('second', 'second.example'),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What a life is lived in: the nodes `web-1` and `web-2` of the cloud, and the IngressClass `alb`. */
export interface LifeWorld {
  readonly kube: Kube;
  readonly certificates: LifeCertificates;
}

/** What somebody does, and what the cloud has when it is through. */
export type Stage = readonly [title: string, act: () => Promise<unknown>, inCloud: readonly string[]];

/** Whole lives of what has a load balancer, from its first write to its last; each needs a name that none had before. */
export const lives: Readonly<Record<string, (world: LifeWorld, name: string) => readonly Stage[]>> = {
  'an NLB': (world, name) => lifeOfService(world, name, 'network'),
  'a CLB4': (world, name) => lifeOfService(world, name, 'direct'),
  'an ALB of a Service': (world, name) => lifeOfService(world, name, 'application'),
  'a Service that moves between kinds and goes private': lifeOfMover,
  'an Ingress on an ALB': lifeOfIngress,
};

/** Real clusters choose node ports by themselves. */
const nodePorts: Readonly<Record<number, number>> = { 80: 30_080, 443: 30_443, 8080: 30_880 };
const ports = (...all: readonly number[]) =>
  all.map((port) => ({ name: `p${port}`, port, protocol: 'TCP', nodePort: nodePorts[port] }));

function actsOf({ kube }: LifeWorld, name: string) {
  const at = { name, namespace: 'default' };
  const slice = { name: `${name}-1`, namespace: 'default' };
  return {
    at,
    annotate: (annotations: object) => () => kube.merge(services, at, { metadata: { annotations } }),
    listen:
      (...all: readonly number[]) =>
      () =>
        kube.merge(services, at, { spec: { ports: ports(...all) } }),
    make: (annotations: object) => async () => {
      await makeService({ kube }, name, { annotations, spec: { ports: ports(80, 443) } });
      const answered = ports(80, 443, 8080).map((one) => ({ name: one.name, protocol: one.protocol, port: 8080 }));
      await kube.merge(endpointSlices, slice, { ports: answered });
    },
    retype: (type: string) => () => kube.merge(services, at, { spec: { type } }),
    remove: async () => {
      await kube.delete(services, at);
      await kube.delete(endpointSlices, slice);
    },
  };
}

/** Keeps `web-2` out of load balancers, or no longer. */
export const exclude =
  ({ kube }: Pick<LifeWorld, 'kube'>, value: string | null) =>
  () =>
    kube.merge(
      nodes,
      { name: 'web-2' },
      { metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': value } } },
    );

type Kind = 'network' | 'direct' | 'application';

function lifeOfService(world: LifeWorld, name: string, kind: Kind): readonly Stage[] {
  const { make, listen, annotate, remove } = actsOf(world, name);
  const both = (first: number, second: number, targets: number): readonly string[] => [
    `${kind}: ${first} to ${targets}, ${second} to ${targets}`,
  ];
  const address = (bandwidth: number): string => `address of ${kind}, ${bandwidth} Mb/s`;
  return [
    ['is made', make({ 'isthmus.dev/balancer-kind': kind }), [...both(80, 443, 2), address(2)]],
    ['has a node less', exclude(world, ''), [...both(80, 443, 1), address(2)]],
    ['has it again', exclude(world, null), [...both(80, 443, 2), address(2)]],
    ['has another port', listen(80, 8080), [...both(80, 8080, 2), address(2)]],
    ['is broader', annotate({ 'isthmus.dev/balancer-bandwidth': '7' }), [...both(80, 8080, 2), address(7)]],
    ['holds clients', annotate({ 'isthmus.dev/balancer-sticky': '600' }), [...both(80, 8080, 2), address(7)]],
    ['is deleted', remove, []],
  ];
}

function lifeOfMover(world: LifeWorld, name: string): readonly Stage[] {
  const { make, annotate, retype, remove } = actsOf(world, name);
  return [
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
    ['is no load balancer', retype('ClusterIP'), []],
    ['is deleted', remove, []],
  ];
}

function lifeOfIngress(world: LifeWorld, name: string): readonly Stage[] {
  const { kube, certificates } = world;
  const at = { name, namespace: 'default' };
  const web = { ...at, name: `${name}-web` };
  const secret = { ...at, name: `${name}-tls` };
  const second = { ...at, name: `${name}-second` };
  const makeSecret = (of: typeof at, certified: Certified) =>
    kube.create(secrets, { metadata: of, type: 'kubernetes.io/tls', data: dataOf(certified) } as SecretObject);
  const tls = [{ hosts: ['shop.example'], secretName: secret.name }];
  const both = [...tls, { hosts: ['second.example'], secretName: second.name }];
  const change = (spec: object) => kube.merge(ingresses, at, { spec });
  const rules = (...paths: readonly string[]) => [
    {
      host: 'shop.example',
      http: {
        paths: paths.map((path) => ({
          path,
          pathType: 'Prefix',
          backend: { service: { name: web.name, port: { number: 80 } } },
        })),
      },
    },
  ];
  const serves = (targets: number, count: number): string =>
    `application: 80 to ${targets} by ${count} rules, 443 to ${targets} by ${count} rules`;
  const address = 'address of application, 2 Mb/s';
  return [
    [
      'is made',
      async () => {
        await makeSecret(secret, certificates.old);
        const port = { port: 80, protocol: 'TCP', nodePort: nodePorts[80] };
        await makeWebService({ kube }, web.name, { ports: [port] });
        await makeIngress({ kube }, name, { 'shop.example/': web.name }, { spec: { tls } });
      },
      [serves(2, 1), address, 'certificate old'],
    ],
    ['has another path', () => change({ rules: rules('/', '/cart') }), [serves(2, 2), address, 'certificate old']],
    [
      'has a renewed certificate',
      () => kube.merge(secrets, secret, { data: dataOf(certificates.renewed) }),
      [serves(2, 2), address, 'certificate renewed'],
    ],
    [
      'has a second certificate',
      async () => {
        await makeSecret(second, certificates.second);
        await change({ tls: both });
      },
      [serves(2, 2), address, 'certificate renewed', 'certificate second'],
    ],
    ['has one certificate again', () => change({ tls }), [serves(2, 2), address, 'certificate renewed']],
    ['has one path again', () => change({ rules: rules('/') }), [serves(2, 1), address, 'certificate renewed']],
    [
      // A host that has not all paths needs a rule for the others.
      'has another path in its place, and loses a node',
      async () => {
        await exclude(world, '')();
        await change({ rules: rules('/cart') });
      },
      [serves(1, 2), address, 'certificate renewed'],
    ],
    [
      'is deleted',
      async () => {
        await exclude(world, null)();
        await kube.delete(ingresses, at);
      },
      [],
    ],
    [
      'its Service and Secrets are deleted',
      async () => {
        await kube.delete(services, web);
        for (const one of [secret, second]) await kube.delete(secrets, one);
      },
      [],
    ],
  ];
}

const dataOf = ({ certificate, key }: Certified) => ({
  'tls.crt': Buffer.from(certificate).toString('base64'),
  'tls.key': Buffer.from(key).toString('base64'),
});

/** What costs money, without ids. */
export function inCloud(objects: ReturnType<Ucloud['objects']>, certificates: LifeCertificates): readonly string[] {
  const { balancers, classicBalancers, applicationBalancers, eips, certificates: kept } = objects;
  const kinds = { network: balancers, direct: classicBalancers, application: applicationBalancers };
  const lines = Object.entries(kinds).flatMap(([kind, all]) =>
    all.map(({ listeners }) => `${kind}: ${listeners.map(toText).toSorted(byPort).join(', ')}`),
  );
  const kindOf = (resource: string | undefined): string =>
    Object.entries(kinds).find(([, all]) => all.some(({ id }) => id === resource))?.[0] ?? 'nothing';
  const named = Object.entries(certificates) as readonly [string, Certified][];
  const nameOf = (chain: string): string => named.find(([, one]) => one.certificate === chain)?.[0] ?? 'unknown';
  return [
    ...lines,
    ...eips.map(({ resource, bandwidth }) => `address of ${kindOf(resource)}, ${bandwidth} Mb/s`),
    ...kept.map(({ chain }) => `certificate ${nameOf(chain)}`).toSorted(),
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

/** What Service and Ingress of a name say of themselves. */
export async function saidBy(kube: Kube, name: string) {
  const at = { name, namespace: 'default' };
  const [service, ingress] = [await kube.get(services, at), await kube.get(ingresses, at)];
  return {
    service,
    ingress,
    ofService: service && conditionOfService(service),
    ofIngress: ingress && conditionOf(ingress),
  };
}

function conditionOfService({ status }: ServiceObject): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === 'isthmus.dev/Balancer') as Condition | undefined;
}

/** What keeps Service and Ingress from being as they should: gone, served, or without a wish. */
export async function unsaid(kube: Kube, name: string): Promise<string | undefined> {
  const { service, ingress, ofService, ofIngress } = await saidBy(kube, name);
  if ([service, ingress].some((one) => one?.metadata.deletionTimestamp !== undefined)) return 'it is being deleted';
  const wants = service?.spec?.type === 'LoadBalancer';
  if (!wants && (service?.metadata.finalizers ?? []).length > 0) return 'the Service still has a finalizer';
  const missing = [
    ...(wants && ofService?.reason !== 'Serving' ? [ofService] : []),
    ...(ingress !== undefined && ofIngress?.reason !== 'Serving' ? [ofIngress] : []),
  ];
  return missing.length === 0 ? undefined : missing.map((one) => `${one?.reason}: ${one?.message}`).join('; ');
}
