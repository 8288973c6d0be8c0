import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exampleFacts } from '#capability/facts.example.ts';
import { healthPorts } from '#capability/health-ports.ts';
import * as rights from '#cluster/system-objects/rights.ts';
import { podRanges } from '#kube/api/pod-range.ts';
import { controllerAccount, type Settings, systemNamespace } from '#kube/api/settings.ts';
import type { KubeObject, Resource } from '#kube/kube.ts';
import {
  clusterRoleBindings,
  clusterRoles,
  leases,
  namespaces,
  roleBindings,
  roles,
  serviceAccounts,
} from '#kube/resources.ts';
import { account } from '#lab/ucloud/test-cloud.ts';
import type { NetworkSettings } from '#network/settings.ts';
import { seconds, waitFor } from '#unit/clock.ts';
import { capabilities } from '../../../src/program/capabilities.ts';
import { startBridge } from './bridge.ts';
import { layOutApp, startContainer } from './image.ts';
import { addressIn, TestNode } from './node.ts';
import { addCloudNode, addNode, type RangesWorld, startRangesWorld } from './ranges-world.ts';

// Both programs as the image runs them: bundled, in a file system of their own, with the mounts of their manifests.
let world: RangesWorld;
let node: TestNode;
let bridge: Server;
let inner: ChildProcess;
let app: string;
const running: ChildProcess[] = [];
/** All that the controller has said. */
let output: () => string = () => '';

beforeAll(async () => {
  world = await startRangesWorld();
  await world.kube.create(namespaces, { metadata: { name: systemNamespace } });
  node = await TestNode.create();
  app = join(node.folder, 'app');
  await layOutApp(app, join(node.folder, 'isthmus-cni'));
  bridge = await startBridge({ path: join(node.folder, 'api.sock') }, { port: world.server.port });
  inner = spawn('nsenter', [
    `--net=/run/netns/${node.node}`,
    'node_modules/.bin/node',
    'test/lab/network/bridge.ts',
    String(world.server.port),
    join(node.folder, 'api.sock'),
  ]);
  await giveRights();
  await writeConfiguration();
});
afterAll(async () => {
  for (const child of [...running, inner]) child?.kill('SIGKILL');
  bridge?.close();
  await node?.close();
  await world?.close();
});

test('the controller takes the lease and gives a site machine its subnet', async () => {
  const controller = await startContainer({
    folder: join(node.folder, 'controller'),
    app,
    program: 'controller',
    env: { ...apiServer(), POD_NAME: 'controller-0' },
    mounts: { '/etc/isthmus': join(node.folder, 'etc'), [accounts]: join(node.folder, 'controller-account') },
  });
  running.push(controller.child);
  output = controller.output;
  await addNode(world.kube, 'base-1', 'isthmus-site://base-1', 'site', '192.168.50.13');
  const range = await waitFor(
    'the range of base-1',
    async () => {
      if (controller.child.exitCode !== null) throw new Error(controller.output());
      return world.kube.get(podRanges, { name: 'base-1' });
    },
    { within: seconds(20) },
  );
  expect(range.spec).toEqual({ ground: 'site', subnet: '172.16.0.0/24' });
  const lease = await world.kube.get(leases, { namespace: systemNamespace, name: 'isthmus-controller' });
  expect(lease?.spec?.holderIdentity).toMatch(/^controller-0-/);
  expect(controller.output()).not.toContain(account.privateKey);
});

test('a controller answers the probes and tells its metrics', async () => {
  const ask = async (path: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${healthPorts.controller}${path}`)).text();
  expect(await ask('/healthz')).toBe('ok\n');
  expect(await ask('/readyz')).toBe('ok\n');
  const metrics = await ask('/metrics');
  expect(metrics).toContain('isthmus_leader 1');
  expect(metrics).toContain('isthmus_controller_running{controller="pod-ranges"} 1');
});

test('a key that is rotated in the Secret is used without a restart', async () => {
  const [controller] = running;
  await addCloudNode(world, 'web-7', 'shop');
  const range = () => world.kube.get(podRanges, { name: 'web-7' });
  await waitFor('the cloud to refuse the revoked key', async () => output().includes('denied'), {
    within: seconds(30),
  });
  expect((await range())?.spec.addresses ?? []).toEqual([]);
  await writeFile(join(node.folder, 'etc/cloud/privateKey'), `${account.privateKey}\n`);
  const given = async () => ((await range())?.spec.addresses ?? []).length > 0;
  await waitFor('addresses, with the new key', given, { within: seconds(100) });
  expect(controller?.exitCode).toBeNull();
  expect(output()).not.toContain('forbidden');
  expect(output()).not.toContain(account.privateKey);
}, 180_000);

test('the agent takes that range, makes the node take pods, and connects them', async () => {
  const agent = await startContainer({
    folder: join(node.folder, 'agent'),
    app,
    program: 'agent',
    netns: node.node,
    env: { ...apiServer(), NODE_NAME: 'base-1', NODE_IP: '192.168.50.13', ISTHMUS_MTU: '1400' },
    mounts: {
      '/run/isthmus': node.folder,
      '/run/netns': '/run/netns',
      '/opt/cni/bin': join(node.folder, 'bin'),
      '/var/lib/isthmus': join(node.folder, 'state'),
      [accounts]: join(node.folder, 'account'),
    },
  });
  running.push(agent.child);
  await waitFor(
    'the report of base-1',
    async () => {
      if (agent.child.exitCode !== null) throw new Error(agent.output());
      return (await world.kube.get(podRanges, { name: 'base-1' }))?.status?.network === 'working';
    },
    { within: seconds(20) },
  );
  expect(await readdir(join(node.folder, 'net.d'))).toEqual(['00-isthmus.conflist']);
  // Made after the agent's start: it must see namespaces that come later.
  node.addNamespace('a');
  const address = addressIn(await node.cni('ADD', 'a'));
  expect(address).toBe('172.16.0.1');
});

test('both end by themselves when they are told to', async () => {
  for (const child of running) {
    const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await gone).toBe(0);
  }
});

const accounts = '/run/secrets/kubernetes.io/serviceaccount';

function apiServer(): Readonly<Record<string, string>> {
  return { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(world.server.port) };
}

/** The rights that `isthmus up` gives to the controller, and no more. */
async function giveRights(): Promise<void> {
  const ofCapabilities = capabilities
    .flatMap(({ objects }) => objects(exampleFacts))
    .filter(({ resource }) => resource.group === 'rbac.authorization.k8s.io');
  const own = [
    { resource: serviceAccounts, object: rights.serviceAccount },
    { resource: clusterRoles, object: rights.clusterRole },
    { resource: clusterRoleBindings, object: rights.clusterRoleBinding },
    { resource: roles, object: rights.role },
    { resource: roleBindings, object: rights.roleBinding },
  ];
  for (const { resource, object } of [...own, ...ofCapabilities]) await world.kube.create<KubeObject>(resource, object);
}

/** As kubelet asks for it. */
async function controllerToken(): Promise<string> {
  const requests: Resource<KubeObject & { spec: object; status?: { token: string } }> = {
    group: '',
    version: 'v1',
    plural: `serviceaccounts/${controllerAccount}/token`,
    kind: 'TokenRequest',
    namespaced: true,
  };
  const { status } = await world.kube.create(requests, {
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name: controllerAccount, namespace: systemNamespace },
    spec: { audiences: ['https://kubernetes.default.svc'], expirationSeconds: 3600 },
  });
  return status?.token ?? '';
}

async function writeConfiguration(): Promise<void> {
  const settings: Settings = {
    name: 'shop',
    secretsEncryption: false,
    cloud: {
      provider: 'ucloud',
      region: account.region,
      zone: account.zone,
      project: account.project.id,
      vpc: 'uvnet-lab',
      subnet: 'subnet-lab',
      endpoint: world.testCloud.url,
    },
    ranges: { vpc: ['10.9.0.0/16'], services: '10.96.0.0/16', site: ['192.168.50.0/24'], sitePods: '172.16.0.0/16' },
  };
  const files = {
    'etc/settings.json': JSON.stringify(settings),
    'etc/network.json': JSON.stringify({
      mode: 'routed',
      perMachine: 24,
      warm: { low: 3, high: 6 },
    } satisfies NetworkSettings),
    'etc/storage.json': '{}',
    'etc/cloud/publicKey': `${account.publicKey}\n`,
    'etc/cloud/privateKey': 'a-key-that-was-revoked\n',
    'account/ca.crt': world.server.access.ca ?? '',
    'account/token': world.server.token,
    'controller-account/ca.crt': world.server.access.ca ?? '',
    'controller-account/token': await controllerToken(),
  };
  for (const folder of ['etc/cloud', 'account', 'controller-account'])
    await mkdir(join(node.folder, folder), { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(node.folder, name), content);
}
