import { expect, test } from 'vitest';
import { endpointSlices, ingresses, type SecretObject, secrets, services } from '#kube/resources.ts';
import { makeIngress, makeWebService } from '../../lab/balancer/ingress-world.ts';
import { makeService } from '../../lab/balancer/services-world.ts';
import { saidBy, signForLives } from '../../support/balancer-lives.ts';
import { TurnsWorld } from '../../support/lives-of-turns.ts';

const certificates = await signForLives();

const port = (number: number, change: object = {}) => ({
  port: number,
  protocol: 'TCP',
  nodePort: 30_000 + number,
  ...change,
});

/** What is wrong, what is said of it, and what puts it right. */
interface BadInput {
  readonly title: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: object;
  readonly before?: (world: TurnsWorld) => Promise<unknown>;
  readonly reason: string;
  readonly says: RegExp;
  readonly cure: Readonly<Record<string, string | null>> | ((world: TurnsWorld) => Promise<unknown>);
}

const mine = (name: string): string => `isthmus.dev/balancer-${name}`;
const uk8s = (name: string): string => `service.beta.kubernetes.io/ucloud-load-balancer-${name}`;
const byHand = (world: TurnsWorld) =>
  world.testCloud.call('CreateNetworkLoadBalancer', {
    Name: 'by-hand',
    VPCId: 'uvnet-lab',
    SubnetId: 'subnet-lab',
    ChargeType: 'Dynamic',
  });
const handMade = (world: TurnsWorld): string => world.testCloud.cloud.objects().balancers[0]?.id ?? '';

const ofServices: readonly BadInput[] = [
  {
    title: 'an unknown annotation',
    annotations: { [mine('acess')]: 'private' },
    reason: 'BadAnnotation',
    says: /^unknown annotation isthmus.dev\/balancer-acess: did you mean isthmus.dev\/balancer-access\?/,
    cure: { [mine('acess')]: null },
  },
  {
    title: 'annotations that contradict each other',
    annotations: { [mine('charge')]: 'month', [uk8s('paymode')]: 'dynamic' },
    reason: 'BadAnnotation',
    says: /balancer-charge is "month" but service.beta.kubernetes.io\/ucloud-load-balancer-paymode is "dynamic": leave one of them out$/,
    cure: { [mine('charge')]: null },
  },
  {
    title: 'the id of a balancer that is not in this project',
    annotations: { [mine('id')]: 'nlb-other' },
    reason: 'BalancerUnknown',
    says: /^there is no load balancer nlb-other in this region and project: name another one$/,
    cure: { [mine('id')]: null },
  },
  {
    title: 'a port that somebody else has on a shared balancer',
    before: async (world) => {
      await byHand(world);
      const listener = {
        Protocol: 'TCP',
        StartPort: 80,
        EndPort: 80,
        Remark: 'by hand',
        'HealthCheckConfig.Port': 30_090,
      };
      await world.testCloud.call('CreateNLBListener', { NLBId: handMade(world), ...listener });
      await annotateService(world, { [mine('id')]: handMade(world) });
    },
    reason: 'PortInUse',
    says: /^TCP port 80 of load balancer nlb-\S+ is already in use by somebody else \(listener \S+\): use another port$/,
    cure: (world) => world.kube.merge(services, at, { spec: { ports: [port(81)] } }),
  },
  {
    title: 'UDP for HTTP',
    annotations: { [mine('kind')]: 'application' },
    spec: { ports: [port(80, { name: 'web' }), port(53, { name: 'dns', protocol: 'UDP' })] },
    reason: 'BadAnnotation',
    says: /^port 53 is UDP: an application load balancer takes HTTP over TCP; put UDP ports into a Service of their own$/,
    cure: (world) => world.kube.merge(services, at, { spec: { ports: [port(80)] } }),
  },
  {
    title: 'a certificate that the cloud does not have',
    annotations: { [mine('kind')]: 'application', [mine('tls-ports')]: '80', [mine('certificates')]: 'ssl-none' },
    reason: 'CloudRefuses',
    says: /CreateListener: invalid: certificate ssl-none does not exist \[4210, .*\]; look whether the project has the certificates that isthmus.dev\/balancer-certificates names; it is tried again by itself$/,
    cure: { [mine('tls-ports')]: null, [mine('certificates')]: null },
  },
];

const at = { name: 'shop', namespace: 'default' };
const annotateService = (world: TurnsWorld, annotations: object) =>
  world.kube.merge(services, at, { metadata: { annotations } });
const annotateIngress = (world: TurnsWorld, annotations: object) =>
  world.kube.merge(ingresses, at, { metadata: { annotations } });
const tls = [{ hosts: ['shop.example'], secretName: 'tls' }];
const makeSecret = (world: TurnsWorld, certificate: string, key: string) =>
  world.kube.create(secrets, {
    metadata: { ...at, name: 'tls' },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': Buffer.from(certificate).toString('base64'), 'tls.key': Buffer.from(key).toString('base64') },
  } as SecretObject);
const rightSecret = async (world: TurnsWorld) => {
  await world.kube.delete(secrets, { ...at, name: 'tls' });
  await makeSecret(world, certificates.old.certificate, certificates.old.key);
};

const ofIngresses: readonly BadInput[] = [
  {
    title: 'an unknown annotation',
    annotations: { [mine('acess')]: 'private' },
    reason: 'BadAnnotation',
    says: /unknown annotation isthmus.dev\/balancer-acess: did you mean isthmus.dev\/balancer-access\?/,
    cure: { [mine('acess')]: null },
  },
  {
    title: 'HTTP and HTTPS on one port',
    annotations: { [mine('listen')]: '[{"HTTP": 80}, {"HTTPS": 80}]', [mine('certificates')]: 'ssl-theirs' },
    reason: 'BadAnnotation',
    says: /^isthmus.dev\/balancer-listen has the port 80 for HTTP and for HTTPS: leave one of them out/,
    cure: { [mine('listen')]: null, [mine('certificates')]: null },
  },
  {
    title: 'the id of an ALB that is not in this project',
    annotations: { [mine('id')]: 'alb-other' },
    reason: 'BalancerUnknown',
    says: /^there is no load balancer alb-other in this region and project: name another one$/,
    cure: { [mine('id')]: null },
  },
  {
    title: 'a Service that is missing',
    before: async (world) => {
      await world.kube.delete(services, { ...at, name: 'web' });
      await world.kube.delete(endpointSlices, { ...at, name: 'web-1' });
    },
    reason: 'BackendMissing',
    says: /^path shop.example\/: Service web does not exist: create it, or name another one$/,
    cure: (world) => makeWebService(world, 'web', { ports: [port(80)] }),
  },
  {
    title: 'a certificate that does not belong to its key',
    spec: { tls },
    before: (world) => makeSecret(world, certificates.old.certificate, certificates.renewed.key),
    reason: 'SecretUnusable',
    says: /^Secret tls cannot be used for TLS: its tls\.key does not belong to its tls\.crt/,
    cure: rightSecret,
  },
  {
    title: 'a certificate that cannot be read',
    spec: { tls },
    before: (world) => makeSecret(world, 'hello', certificates.old.key),
    reason: 'SecretUnusable',
    says: /^Secret tls cannot be used for TLS: its tls\.crt is not a certificate in PEM form/,
    cure: rightSecret,
  },
  {
    title: 'a certificate of another host',
    spec: { tls },
    before: (world) => makeSecret(world, certificates.second.certificate, certificates.second.key),
    reason: 'CertificateUnfit',
    says: /Secret tls .*shop\.example/,
    cure: rightSecret,
  },
];

async function untilSaid(world: TurnsWorld, name: string, reason: string) {
  for (let turn = 0; ; turn++) {
    await world.turn(name);
    const { ofService, ofIngress } = await saidBy(world.kube, name);
    const said = ofIngress ?? ofService;
    if (said?.reason === reason || turn === mostTurns) return said;
  }
}

/** More than anything here takes: Secrets are read again after 30 s, and back ends are checked for a while. */
const mostTurns = 200;

async function expectTold(world: TurnsWorld, { reason, says }: BadInput): Promise<void> {
  expect(await untilSaid(world, 'shop', reason)).toMatchObject({
    status: 'False',
    reason,
    message: expect.stringMatching(says),
  });
  const told = world.events.filter((event) => event.startsWith(`${reason}: `)).map((event) => event.split(': '));
  expect(told.map(([, ...note]) => note.join(': '))).toContainEqual(expect.stringMatching(says));
  // Who stands beside it is served.
  await makeService(world, 'beside', { annotations: { [mine('access')]: 'private' }, spec: { ports: [port(82)] } });
  expect(await untilSaid(world, 'beside', 'Serving')).toMatchObject({
    reason: 'Serving',
    message: expect.stringContaining('sends to'),
  });
}

test.each(ofServices)(
  'a Service with $title says so, others are served, and so is it when it is right',
  async (bad) => {
    const { annotations = {}, spec = { ports: [port(80)] }, before, cure } = bad;
    const world = await TurnsWorld.open(certificates);
    await makeService(world, 'shop', { annotations, spec });
    await before?.(world);
    await expectTold(world, bad);
    await (typeof cure === 'function' ? cure(world) : annotateService(world, cure));
    expect(await untilSaid(world, 'shop', 'Serving')).toMatchObject({ reason: 'Serving' });
  },
);

test.each(ofIngresses)(
  'an Ingress with $title says so, others are served, and so is it when it is right',
  async (bad) => {
    const { annotations = {}, spec = {}, before, cure } = bad;
    const world = await TurnsWorld.open(certificates);
    await makeWebService(world, 'web', { ports: [port(80)] });
    await makeIngress(world, 'shop', { 'shop.example/': 'web' }, { annotations, spec });
    await before?.(world);
    await expectTold(world, bad);
    await (typeof cure === 'function' ? cure(world) : annotateIngress(world, cure));
    expect(await untilSaid(world, 'shop', 'Serving')).toMatchObject({ reason: 'Serving' });
  },
);
