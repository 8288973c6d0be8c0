import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import { unreachedBy } from '#cluster/plan-unreached.ts';
import { certificateRequests, signers } from '#kube/api/certificate-request.ts';
import { admissionName } from '#kube/api/join-admission.ts';
import { machines } from '#kube/api/machine.ts';
import { podRanges } from '#kube/api/pod-range.ts';
import { cloudKeysName, systemNamespace } from '#kube/api/settings.ts';
import type { Kube, KubeObject, Resource } from '#kube/kube.ts';
import { clusterRoleBindings, configMaps, leases, nodes, secrets } from '#kube/resources.ts';
import { joinRecordName } from '#machine/join-report.ts';
import { giveJoinToken, prolongJoinToken, removeJoinTokens, renewJoinToken } from '#machine/join-token.ts';
import { type Instant, minutes, now, seconds, sleep, waitFor } from '#unit/clock.ts';
import { authorityIn, type Certified } from '../../support/certificates.ts';
import { type Asked, type Decided, identityWorld, status } from '../../support/identity-world.ts';

/** Who becomes a node, against a real API server: what machines do, and what somebody does who has stolen a token or owns a node. */
const world = identityWorld();

const subjectOf = (node: string): string => `/O=system:nodes/CN=system:node:${node}`;
const serving = { signer: signers.kubeletServing, usages: ['digital signature', 'server auth'] };
/** Those of web-1 and web-2. */
let token = '';
let other = '';

beforeAll(async () => {
  token = await giveJoinToken(world.kube, 'web-1', now());
  other = await giveJoinToken(world.kube, 'web-2', now());
  await waitFor('tokens to be good', () => world.withToken(token).list(certificateRequests), { within: seconds(20) });
}, minutes(2));

/** As a kubelet makes its Node. */
function nodeNamed(name: string, labels: Readonly<Record<string, string>>, providerID: string): KubeObject {
  return { metadata: { name, labels }, spec: { providerID } } as KubeObject;
}

test('without Isthmus, the token of one machine makes its holder any node, the control plane too', async () => {
  const stolen = await world.decide(world.withToken(token), { subject: subjectOf('cp-1') });
  expect(stolen).toMatchObject({ verdict: 'Approved', reason: 'AutoApproved' });
  await world.takeUpstreamAway();
  await world.startApprover();
});

const attacks: readonly [title: string, by: 'token' | 'node' | 'account', asked: Asked, reason: string][] = [
  ['a stolen token for another machine', 'token', { subject: subjectOf('web-2') }, 'OtherMachine'],
  ['a stolen token for the control plane', 'token', { subject: subjectOf('cp-1') }, 'OtherMachine'],
  ['a stolen token for a machine of the site', 'token', { subject: subjectOf('base-1') }, 'OtherMachine'],
  ['a stolen token for a name that nobody has', 'token', { subject: subjectOf('web-99') }, 'OtherMachine'],
  ['the group of masters', 'token', { subject: '/O=system:masters/CN=system:node:web-1' }, 'WrongSubject'],
  ['a further group', 'token', { subject: '/O=system:nodes/O=system:masters/CN=system:node:web-1' }, 'WrongSubject'],
  [
    'the group of kubeadm’s administrators',
    'token',
    { subject: '/O=kubeadm:cluster-admins/CN=kubernetes-admin' },
    'WrongSubject',
  ],
  ['two names', 'token', { subject: `${subjectOf('web-1')}/CN=system:node:cp-1` }, 'WrongSubject'],
  ['a further attribute', 'token', { subject: `${subjectOf('web-1')}/OU=x` }, 'WrongSubject'],
  ['no group', 'token', { subject: '/CN=system:node:web-1' }, 'WrongSubject'],
  [
    'a name in a client certificate',
    'token',
    { subject: subjectOf('web-1'), names: 'DNS:kubernetes.default.svc' },
    'WrongNames',
  ],
  ['an address in a client certificate', 'token', { subject: subjectOf('web-1'), names: 'IP:10.9.0.12' }, 'WrongNames'],
  ['an e-mail address', 'token', { subject: subjectOf('web-1'), names: 'email:root@example.com' }, 'BadRequest'],
  [
    'the use of a server',
    'token',
    { subject: subjectOf('web-1'), usages: ['digital signature', 'client auth', 'server auth'] },
    'WrongUsages',
  ],
  [
    'the use of an authority',
    'token',
    { subject: subjectOf('web-1'), usages: ['digital signature', 'client auth', 'cert sign'] },
    'WrongUsages',
  ],
  ['a certificate for ten years', 'token', { subject: subjectOf('web-1'), lifetime: 315_360_000 }, 'TooLong'],
  [
    'a node with a further group',
    'node',
    { subject: '/O=system:nodes/O=system:masters/CN=system:node:web-2' },
    'WrongSubject',
  ],
  [
    'a node that serves for the address of another',
    'node',
    { ...serving, subject: subjectOf('web-2'), names: 'DNS:web-2,IP:10.9.0.13,IP:10.9.0.10' },
    'ForeignAddress',
  ],
  [
    'a node that serves for the address of the site’s machine',
    'node',
    { ...serving, subject: subjectOf('web-2'), names: 'DNS:web-2,IP:192.168.50.13' },
    'ForeignAddress',
  ],
  [
    'a node that serves for its loopback',
    'node',
    { ...serving, subject: subjectOf('web-2'), names: 'DNS:web-2,IP:10.9.0.13,IP:127.0.0.1' },
    'ForeignAddress',
  ],
  [
    'a node that serves for the name of another',
    'node',
    { ...serving, subject: subjectOf('web-2'), names: 'DNS:web-1,IP:10.9.0.13' },
    'WrongNames',
  ],
  [
    'a node that serves for a wildcard',
    'node',
    { ...serving, subject: subjectOf('web-2'), names: 'DNS:*,IP:10.9.0.13' },
    'WrongNames',
  ],
  [
    'a node that serves for a public name',
    'node',
    { ...serving, subject: subjectOf('web-2'), names: 'DNS:web-2,DNS:www.example.com,IP:10.9.0.13' },
    'WrongNames',
  ],
  [
    'a node that serves for the API server',
    'node',
    { ...serving, subject: subjectOf('web-2'), names: 'DNS:kubernetes.default.svc,IP:10.96.0.1' },
    'WrongNames',
  ],
  [
    'a node that serves with a further use',
    'node',
    {
      ...serving,
      subject: subjectOf('web-2'),
      names: 'DNS:web-2,IP:10.9.0.13',
      usages: ['digital signature', 'client auth', 'server auth'],
    },
    'WrongUsages',
  ],
  ['a pod’s service account as a joining machine', 'account', { subject: subjectOf('web-1') }, 'NotAllowed'],
  [
    'a pod’s service account as a serving node',
    'account',
    { ...serving, subject: subjectOf('web-1'), names: 'IP:10.9.0.12' },
    'NotAllowed',
  ],
];

test.each(attacks)('refused: %s', async (_title, by, asked, reason) => {
  await makeNode('web-2', 'uhost-2');
  const as = await attackers[by]();
  expect(await world.decide(as, asked)).toMatchObject({ verdict: 'Denied', reason, certificate: undefined });
});

const attackers: Readonly<Record<'token' | 'node' | 'account', () => Promise<Kube>>> = {
  token: async () => world.withToken(token),
  node: () => world.asNode('web-2'),
  // One to which somebody has given the right to ask.
  account: async () => {
    await allow('system:serviceaccount:default:curious');
    return world.asAccount('default', 'curious');
  },
};

test('a node cannot even ask for a certificate of another, to be it or to serve as it', async () => {
  const kubelet = await world.asNode('web-2');
  expect(await status(world.ask(kubelet, { subject: subjectOf('cp-1') }))).toBe(403);
  const serves = { ...serving, subject: subjectOf('web-1'), names: 'DNS:web-1,IP:10.9.0.12' };
  expect(await status(world.ask(kubelet, serves))).toBe(403);
});

test.each([
  ['another signer', 'kubernetes.io/kube-apiserver-client'],
  ['the signer of serving certificates', signers.kubeletServing],
  ['a signer of somebody else', 'example.com/anything'],
])('a join token cannot even ask %s', async (_title, signer) => {
  const asked = { signer, subject: '/O=developers/CN=jane', usages: ['client auth'] };
  expect(await status(world.ask(world.withToken(token), asked))).toBe(403);
});

test.each([
  ['a guessed token', async () => 'aaaaaa.0123456789abcdef'],
  ['the right id with a guessed secret', async () => `${token.split('.')[0]}.0123456789abcdef`],
  ['an expired token', () => giveJoinToken(world.kube, 'web-3', (now() - minutes(20)) as Instant)],
  ['a token whose machine was removed', removedToken],
])('%s asks for nothing', async (_title, make) => {
  expect(await status(world.ask(world.withToken(await make()), { subject: subjectOf('web-3') }))).toBe(401);
});

async function removedToken(): Promise<string> {
  const made = await giveJoinToken(world.kube, 'web-4', now());
  await removeJoinTokens(world.kube, 'web-4');
  return made;
}

test('a token that kubeadm made lets nobody in', async () => {
  const text = {
    'token-id': 'kubead',
    'token-secret': '0123456789abcdef',
    'usage-bootstrap-authentication': 'true',
    'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
  };
  const data = Object.fromEntries(
    Object.entries(text).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  const metadata = { name: 'bootstrap-token-kubead', namespace: 'kube-system' };
  await world.kube.create(secrets, { metadata, type: 'bootstrap.kubernetes.io/token', data });
  const as = world.withToken('kubead.0123456789abcdef');
  const decided = await waitFor('the token to be good', () => world.decide(as, { subject: subjectOf('web-1') }), {
    within: seconds(20),
  });
  expect(decided).toMatchObject({ verdict: 'Denied', reason: 'UnknownToken' });
});

test('with its token a machine reports its progress, and cannot let itself in as another or read a secret', async () => {
  const machine = world.withToken(token);
  const at = { name: admissionName('web-1'), namespace: systemNamespace };
  const patch = { data: { machine: 'cp-1', usedBy: '' } };
  expect(await status(machine.merge(configMaps, at, patch))).toBe(403);
  expect(await status(machine.get(configMaps, at))).toBe(403);
  const report = { name: joinRecordName('web-2'), namespace: systemNamespace };
  expect(await status(machine.merge(configMaps, report, { data: { step: 'x' } }))).toBe(403);
  expect(await status(machine.list(secrets, { namespace: 'kube-system' }))).toBe(403);
  expect(await status(machine.get(secrets, { name: cloudKeysName, namespace: systemNamespace }))).toBe(403);
  const [name] = await world.ask(machine, { subject: subjectOf('web-9') });
  expect(await status(approve(machine, name))).toBe(403);
});

let first: Decided;

test('a machine cannot make an admission of the one object that it may write, not even by a token of a version that gave none', async () => {
  const thief = await giveJoinToken(world.kube, 'web-9', now());
  await world.kube.delete(configMaps, { name: admissionName('web-9'), namespace: systemNamespace });
  const machine = world.withToken(thief);
  const record = { name: joinRecordName('web-9'), namespace: systemNamespace };
  const forged = {
    metadata: { labels: { 'isthmus.dev/admission': 'web-2' } },
    data: { machine: 'web-2', token: thief.split('.')[0] },
  };
  await waitFor('the token to be good', () => machine.merge(configMaps, record, forged), { within: seconds(20) });
  expect(await world.decide(machine, { subject: subjectOf('web-2') })).toMatchObject({
    verdict: 'Denied',
    reason: 'UnknownToken',
  });
  await removeJoinTokens(world.kube, 'web-9');
});

test('a machine gets its certificate by its own token, once: a thief who comes second gets none', async () => {
  const machine = world.withToken(token);
  first = await world.decide(machine, { subject: subjectOf('web-1') });
  expect(first).toMatchObject({ verdict: 'Approved', reason: 'Isthmus' });
  const { subject, subjectAltName } = new X509Certificate(first.certificate ?? '');
  expect([subject, subjectAltName]).toEqual(['O=system:nodes\nCN=system:node:web-1', undefined]);
  expect(await world.decide(machine, { subject: subjectOf('web-1') })).toMatchObject({
    verdict: 'Denied',
    reason: 'TokenUsed',
  });
  // That the token is kept from expiring lets in nobody else.
  await prolongJoinToken(world.kube, 'web-1', now());
  expect(await world.decide(machine, { subject: subjectOf('web-1') })).toMatchObject({ reason: 'TokenUsed' });
  // A kubelet that was restarted before it had its certificate asks again with the key that it has.
  expect(await world.decide(machine, { subject: subjectOf('web-1'), key: first.key })).toMatchObject({
    verdict: 'Approved',
  });
});

test('of two who ask at once with one token, one is let in', async () => {
  await giveJoinToken(world.kube, 'web-2', now());
  await world.kube.delete(nodes, { name: 'web-2' });
  const asked = await Promise.all(
    Array.from({ length: 6 }, () => world.decide(world.withToken(other), { subject: subjectOf('web-2') })),
  );
  expect(asked.map(({ verdict, reason }) => `${verdict} ${reason}`).toSorted()).toEqual([
    'Approved Isthmus',
    ...Array.from({ length: 5 }, () => 'Denied TokenUsed'),
  ]);
});

test('once the machine is a node its token is good for nothing, renewed or not; only its own renewal while it is not ready lets it in again', async () => {
  const kubelet = await world.withSigned(first);
  await kubelet.create(nodes, nodeNamed('web-1', { 'isthmus.dev/ground': 'cloud' }, 'ucloud://cn-bj2-04/uhost-1'));
  const machine = world.withToken(token);
  const again = { subject: subjectOf('web-1') };
  await world.kube.merge(nodes, { name: 'web-1' }, ready('True'), { subresource: 'status' });
  await renewJoinToken(world.kube, 'web-1', now());
  expect(await world.decide(machine, again)).toMatchObject({ verdict: 'Denied', reason: 'NameTaken' });
  // Cut off: nobody may take its name for that.
  await world.kube.merge(nodes, { name: 'web-1' }, ready('Unknown'), { subresource: 'status' });
  expect(await world.decide(machine, again)).toMatchObject({ verdict: 'Denied', reason: 'NameTaken' });
  // `up` lets the machine itself in again.
  await renewJoinToken(world.kube, 'web-1', now());
  expect(await world.decide(machine, again)).toMatchObject({ verdict: 'Approved' });
  expect(await world.decide(machine, again)).toMatchObject({ verdict: 'Denied', reason: 'TokenUsed' });
});

test('a node gets a serving certificate for its own name and address, and renews its client certificate as everywhere', async () => {
  const kubelet = await world.withSigned(first);
  const served = await world.decide(kubelet, {
    ...serving,
    subject: subjectOf('web-1'),
    names: 'DNS:web-1,IP:10.9.0.12',
  });
  expect(served).toMatchObject({ verdict: 'Approved', reason: 'Isthmus', message: '10.9.0.12 belongs to web-1' });
  const certificate = new X509Certificate(served.certificate ?? '');
  expect(certificate.subjectAltName).toBe('DNS:web-1, IP Address:10.9.0.12');
  const renewed = await world.decide(kubelet, { subject: subjectOf('web-1') });
  expect(renewed).toMatchObject({ verdict: 'Approved', reason: 'AutoApproved' });
});

test('a machine of the site serves at the address that cluster.yaml has, and at no other', async () => {
  const kubelet = await world.asNode('base-1');
  await kubelet.create(nodes, nodeNamed('base-1', { 'isthmus.dev/ground': 'site' }, 'isthmus-site://base-1'));
  const asked = (address: string) => ({ ...serving, subject: subjectOf('base-1'), names: `DNS:base-1,IP:${address}` });
  expect(await world.decide(kubelet, asked('192.168.50.13'))).toMatchObject({ verdict: 'Approved' });
  // Whatever it says of itself.
  const addresses = [{ type: 'InternalIP', address: '10.9.0.10' }];
  await kubelet.merge(nodes, { name: 'base-1' }, { status: { addresses } }, { subresource: 'status' });
  expect(await world.decide(kubelet, asked('10.9.0.10'))).toMatchObject({
    verdict: 'Denied',
    reason: 'ForeignAddress',
  });
});

test('the API server talks to what answers at the address of a node only if it has a certificate of the cluster for that address', async () => {
  // Not loopback, which the API server never takes for a node.
  const address = Object.values(networkInterfaces())
    .flatMap((some) => some ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  if (address === undefined) expect.fail('this computer has no address beside loopback');
  const [own, others, stranger] = await Promise.all([
    world.sign('kubelet', subjectOf('web-8'), `IP:${address}`),
    world.sign('another-kubelet', subjectOf('web-9'), 'IP:10.9.0.99'),
    strangerAt(address),
  ]);
  expect(await logsBy(address, own)).toBe('ok');
  for (const impostor of [others, stranger])
    expect(unreachedBy(await logsBy(address, impostor))).toBe('no-certificate');
});

/** What one who asks the API server for something of a node is told, when this is who answers there. */
async function logsBy(address: string, { certificate, key }: Certified): Promise<string> {
  const server = createServer({ cert: certificate, key }, (_request, response) => response.end('ok'));
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  try {
    const { port } = server.address() as AddressInfo;
    await makeNode('web-8', 'uhost-8');
    const status = {
      addresses: [{ type: 'InternalIP', address }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    };
    await world.kube.merge(nodes, { name: 'web-8' }, { status }, { subresource: 'status' });
    return await world.kube.read('/api/v1/nodes/web-8/proxy/healthz').catch((e: unknown) => (e as Error).message);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Of an authority of its own. */
async function strangerAt(address: string): Promise<Certified> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-stranger-'));
  try {
    return await (await authorityIn(folder)).sign('kubelet', subjectOf('web-8'), `IP:${address}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a machine that was taken out of the cluster serves for nobody, and is told so when its name is known again', async () => {
  const [name, key] = await world.ask(await world.asNode('web-2'), {
    ...serving,
    subject: subjectOf('web-2'),
    names: 'DNS:web-2,IP:10.9.0.13',
  });
  expect((await world.kube.get(certificateRequests, { name }))?.status?.conditions).toBeUndefined();
  await makeNode('web-2', 'uhost-1');
  const decided = await waitFor(
    'its denial',
    async () => (await world.kube.get(certificateRequests, { name }))?.status?.conditions?.[0]?.reason,
    { within: seconds(20) },
  );
  expect([decided, key !== '']).toEqual(['OtherMachine', true]);
});

test('where the clock is an hour ahead of the API server’s, nobody is refused for what comes a moment later', async () => {
  const clock = Date.now.bind(Date);
  const ahead = vi.spyOn(Date, 'now').mockImplementation(() => clock() + 3_600_000);
  try {
    await world.kube.delete(nodes, { name: 'web-2' });
    const kubelet = await world.asNode('web-2');
    const asked = { ...serving, subject: subjectOf('web-2'), names: 'DNS:web-2,IP:10.9.0.13' };
    const deciding = world.decide(kubelet, asked);
    await sleep(seconds(2));
    await makeNode('web-2', 'uhost-2');
    expect(await deciding).toMatchObject({ verdict: 'Approved' });
  } finally {
    ahead.mockRestore();
  }
});

const merging = (resource: Resource<KubeObject>, name: string, patch: object, of?: 'status') => (node: Kube) =>
  node.merge(resource, { name }, patch, of === undefined ? undefined : { subresource: of });
const csiNodes = { group: 'storage.k8s.io', version: 'v1', plural: 'csinodes', kind: 'CSINode', namespaced: false };
const labelled = (key: string, value: string | null) => ({ metadata: { labels: { [key]: value } } });

const writes: readonly [what: string, write: (node: Kube) => Promise<unknown>][] = [
  ['its own ground label', merging(nodes, 'web-1', labelled('isthmus.dev/ground', 'site'))],
  ['its own ground label away', merging(nodes, 'web-1', labelled('isthmus.dev/ground', null))],
  ['its own ground label with its status', merging(nodes, 'web-1', labelled('isthmus.dev/ground', 'site'), 'status')],
  ['a further label of ours', merging(nodes, 'web-1', labelled('isthmus.dev/trusted', 'yes'))],
  ['a further label of one of our subdomains', merging(nodes, 'web-1', labelled('balancer.isthmus.dev/x', 'yes'))],
  [
    'that volumes of another machine can be used on it',
    merging(nodes, 'web-1', labelled('topology.local.isthmus.dev/node', 'base-1')),
  ],
  ['a role label', merging(nodes, 'web-1', labelled('node-role.kubernetes.io/control-plane', ''))],
  ['a label of trust', merging(nodes, 'web-1', labelled('node-restriction.kubernetes.io/site', 'yes'))],
  ['a label of another node', merging(nodes, 'base-1', labelled('x', 'y'))],
  ['the ground label of another node', merging(nodes, 'base-1', labelled('isthmus.dev/ground', 'cloud'))],
  ['the status of another node', merging(nodes, 'base-1', ready('False'), 'status')],
  ['a taint of its own away', merging(nodes, 'web-1', { spec: { taints: [] } })],
  ['its provider id', merging(nodes, 'web-1', { spec: { providerID: 'isthmus-site://base-1' } })],
  ['its own Node away', (node) => node.delete(nodes, { name: 'web-1' })],
  ['another Node away', (node) => node.delete(nodes, { name: 'base-1' })],
  ['a Node of another name', (node) => node.create(nodes, nodeNamed('web-7', {}, 'ucloud://z/uhost-7'))],
  ['its own PodRange', (node) => node.create(podRanges as Resource<KubeObject>, rangeOf('web-1'))],
  ['the PodRange of another', (node) => node.create(podRanges as Resource<KubeObject>, rangeOf('base-1'))],
  [
    'the status of a PodRange',
    merging(podRanges as Resource<KubeObject>, 'base-1', { status: { inUse: 1 } }, 'status'),
  ],
  ['its own Machine', (node) => node.create(machines, { metadata: { name: 'web-1' }, spec: machineSpec })],
  ['the Machine of another', merging(machines, 'base-1', { spec: { address: '10.9.0.12' } })],
  [
    'its own admission',
    (node) =>
      node.merge(configMaps, { name: admissionName('web-1'), namespace: systemNamespace }, { data: { usedBy: '' } }),
  ],
  ['a join token', (node) => node.list(secrets, { namespace: 'kube-system' })],
  ['the cloud’s keys', (node) => node.get(secrets, { name: cloudKeysName, namespace: systemNamespace })],
  [
    'the heartbeat of another',
    (node) => node.create(leases, { metadata: { name: 'base-1', namespace: 'kube-node-lease' } }),
  ],
  [
    'the CSINode of another',
    (node) => node.create(csiNodes, { metadata: { name: 'base-1' }, spec: { drivers: [] } } as KubeObject),
  ],
];

const machineSpec = { address: '10.9.0.12', hostKey: `SHA256:${'b'.repeat(43)}` } as never;

test.each(writes)('a node does not write or read: %s', async (_what, write) => {
  expect(await status(write(await world.asNode('web-1')))).toBeOneOf([403, 422]);
});

test.each<[title: string, labels: Readonly<Record<string, string>>, id: string]>([
  ['a machine of the site, by its label', { 'isthmus.dev/ground': 'site' }, 'ucloud://cn-bj2-04/uhost-5'],
  ['a machine of the site, by its provider id', {}, 'isthmus-site://web-5'],
  [
    'something more of ours',
    { 'isthmus.dev/ground': 'cloud', 'isthmus.dev/trusted': 'yes' },
    'ucloud://cn-bj2-04/uhost-5',
  ],
  ['a control plane', { 'node-role.kubernetes.io/control-plane': '' }, 'ucloud://cn-bj2-04/uhost-5'],
])('a new node of the cloud cannot call itself %s', async (_title, labels, id) => {
  const kubelet = await world.asNode('web-5');
  expect(await status(kubelet.create(nodes, nodeNamed('web-5', labels, id)))).toBe(403);
});

test('a node cannot approve what it asks for, and what it may write of its own Node it writes', async () => {
  const kubelet = await world.asNode('web-1');
  const [name] = await world.ask(kubelet, { ...serving, subject: subjectOf('web-1'), names: 'IP:10.9.0.10' });
  expect(await status(approve(kubelet, name))).toBe(403);
  // As it does when CSI drivers register: where their volumes can be used.
  const topology = { 'topology.isthmus.dev/zone': 'cn-bj2-04', 'topology.local.isthmus.dev/node': 'web-1' };
  const heartbeat = { metadata: { labels: { 'example.com/rack': '7', ...topology } }, ...ready('True') };
  expect(await status(kubelet.merge(nodes, { name: 'web-1' }, heartbeat, { subresource: 'status' }))).toBe(200);
});

test('the controller itself can approve certificates of kubelets and no others', async () => {
  await allow('system:serviceaccount:default:curious');
  const pod = await world.asAccount('default', 'curious');
  const [name] = await world.ask(pod, {
    signer: 'kubernetes.io/kube-apiserver-client',
    subject: '/O=developers/CN=jane',
  });
  expect(await status(approve(await world.asAccount(systemNamespace, 'isthmus-controller'), name))).toBe(403);
  expect((await world.kube.get(certificateRequests, { name }))?.status?.conditions).toBeUndefined();
});

async function approve(as: Kube, name: string): Promise<unknown> {
  const request = await world.kube.get(certificateRequests, { name });
  if (request === undefined) throw new Error(`${name} is gone`);
  const conditions = [{ type: 'Approved', status: 'True', reason: 'Mine', message: '' }];
  return as.replace(certificateRequests, { ...request, status: { conditions } }, { subresource: 'approval' });
}

async function makeNode(name: string, id: string): Promise<void> {
  const node = nodeNamed(name, { 'isthmus.dev/ground': 'cloud' }, `ucloud://cn-bj2-04/${id}`);
  await world.kube.apply(nodes, node, { manager: 'test' });
}

function ready(value: string): object {
  return { status: { conditions: [{ type: 'Ready', status: value }] } };
}

function rangeOf(name: string): KubeObject {
  return { metadata: { name }, spec: { ground: 'cloud', addresses: [] } } as KubeObject;
}

/** Gives somebody the right to ask for certificates. */
async function allow(user: string): Promise<void> {
  const binding = {
    metadata: { name: 'curious' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:node-bootstrapper' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  } as KubeObject;
  await world.kube.apply(clusterRoleBindings, binding, { manager: 'test' });
}
