import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SystemObject } from '#capability/capability.ts';
import type { Bundle } from '#cluster/bundle/bundle.ts';
import { csiImages } from '#cluster/bundle/plan-release.ts';
import { parseClusterConfig } from '#cluster/config/config.ts';
import { observeUnready } from '#cluster/observe-cluster.ts';
import {
  applySystemObjects,
  nameOf,
  observeSystemObjects,
  systemObjects,
} from '#cluster/system-objects/system-objects.ts';
import { must } from '#host/host.ts';
import { localHost } from '#host/local.ts';
import { podRanges } from '#kube/api/pod-range.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { type CrdObject, customResourceDefinitions } from '#kube/crd.ts';
import { configMaps, deployments, nodes } from '#kube/resources.ts';
import { ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { giveJoinToken, observeJoinTokens, removeJoinTokens } from '#machine/join-token.ts';
import { explainNode, pathOfNode } from '#storage/explain/explain.ts';
import { sayOnNode } from '#storage/local/say-on-node.ts';
import { storageStatus } from '#storage/status.ts';
import { type Instant, now, seconds, waitFor } from '#unit/clock.ts';
import { capabilities } from '../../../src/program/capabilities.ts';
import { providers } from '../../../src/program/providers.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { asProgramOn, refusal } from '../../support/pod-token.ts';
import { untilPoliciesAreInForce } from '../../support/policies-in-force.ts';

const api = apiServerForTests({ flags: ['--allow-privileged=true'] });

const sha = `sha256:${'a'.repeat(64)}`;
const image = (name: string) => ({
  path: `images/${name.replaceAll(/[/:]/g, '-')}`,
  digest: sha,
  size: 1,
  names: [name],
  roles: ['node' as const],
});
const bundle: Bundle = {
  format: 'isthmus-bundle/v1',
  versions: { kubernetes: '1.36.3', etcd: '3.6.8', coredns: '1.14.2', cniPlugins: '1.9.1', isthmus: '0.1.0' },
  bin: [{ name: 'isthmus', path: 'bin/isthmus', digest: sha, size: 1, roles: ['node'] }],
  cni: [],
  images: [
    image('isthmus.dev/isthmus:0.1.0'),
    image('registry.k8s.io/coredns/coredns:v1.14.2'),
    ...csiImages.map(image),
    image('ghcr.io/projectcontour/contour:v1.33.8'),
    image('docker.io/envoyproxy/envoy:distroless-v1.38.9'),
  ],
};

function objectsFor({
  warmLow = 4,
  privateKey = 'private',
}: {
  warmLow?: number;
  privateKey?: string;
} = {}): readonly SystemObject[] {
  const parsed = parseClusterConfig(
    `name: shop
kubernetes: 1.36.3
bundle: { url: "http://store/bundle", digest: "${sha}" }
cloud: { provider: ucloud, region: r, zone: z, project: p, vpc: v, subnet: s, credentials: { publicKey: { env: A }, privateKey: { env: B } } }
network:
  services: 10.96.0.0/16
  site: { mode: routed, pods: 172.16.0.0/16, machines: 192.168.50.0/24 }
  cloud: { warm: { low: ${warmLow}, high: 12 } }
ssh: { key: /key }
controlPlane: [cp-1]
cloudMachines:
  - { name: cp-1, shape: { cpu: 2, memory: 4Gi }, image: i }
  - { name: web-1, shape: { cpu: 2, memory: 4Gi }, image: i }
machines: [{ name: base-1, address: 192.168.50.13, storage: { directories: [/srv/volumes] } }]
storage: { cloudDisks: true, fileShares: true }
addons: { ingress: {} }
`,
    '/cluster.yaml',
    { env: { A: 'public', B: 'private' }, providers },
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.failure));
  return systemObjects({
    config: parsed.value,
    capabilities,
    bundle,
    keys: { publicKey: 'public', privateKey },
    vpcRanges: ['10.9.0.0/16'],
    api: { address: '10.9.0.10', port: 6443 },
    mtu: 1452,
    mostPorts: 5,
    mostDisks: 20,
    metadata: ['100.80.80.80'],
  });
}

test('an API server takes all objects; afterwards none is missing, and a second time changes nothing', async () => {
  const wanted = objectsFor();
  expect(await observeSystemObjects(api.kube, wanted)).toHaveLength(wanted.length);
  await applySystemObjects(api.kube, wanted);
  expect((await observeSystemObjects(api.kube, wanted)).map(nameOf)).toEqual([]);
  const at = { name: 'isthmus-controller', namespace: systemNamespace };
  const before = await api.kube.get(deployments, at);
  await applySystemObjects(api.kube, wanted);
  expect((await api.kube.get(deployments, at))?.metadata.generation).toBe(before?.metadata.generation);
});

test('a changed setting makes the ConfigMap and the controller outdated, and a deleted object only itself', async () => {
  await applySystemObjects(api.kube, objectsFor());
  expect((await observeSystemObjects(api.kube, objectsFor({ warmLow: 5 }))).map(nameOf)).toEqual([
    'ConfigMap isthmus-system/isthmus',
    'Deployment isthmus-system/isthmus-controller',
  ]);
  expect((await observeSystemObjects(api.kube, objectsFor({ privateKey: 'rotated' }))).map(nameOf)).toEqual([
    'Secret isthmus-system/isthmus-cloud',
    'Deployment isthmus-system/isthmus-controller',
  ]);
  await api.kube.delete(configMaps, { name: 'coredns', namespace: 'kube-system' });
  expect((await observeSystemObjects(api.kube, objectsFor())).map(nameOf)).toEqual(['ConfigMap kube-system/coredns']);
  await applySystemObjects(api.kube, objectsFor());
});

test('a field that somebody else has changed is told with its holder and left alone, the rest is applied', async () => {
  await applySystemObjects(api.kube, objectsFor());
  const at = { name: 'isthmus', namespace: systemNamespace };
  const before = await api.kube.get(configMaps, at);
  const field = 'network.json';
  const edited = { metadata: at, data: { [field]: '{"edited":"by hand"}' } };
  await api.kube.apply(configMaps, edited, { manager: 'somebody', force: true });
  await api.kube.delete(configMaps, { name: 'coredns', namespace: 'kube-system' });

  const told = await faultOf(applySystemObjects(api.kube, objectsFor({ warmLow: 5 })));
  expect(told).toContain(`ConfigMap isthmus-system/isthmus: .data.${field}: conflict with "somebody"`);
  expect((await api.kube.get(configMaps, at))?.data).toMatchObject(edited.data);
  // The controller is not started again with settings that are not there.
  expect((await observeSystemObjects(api.kube, objectsFor({ warmLow: 5 }))).map(nameOf)).toEqual([
    'ConfigMap isthmus-system/isthmus',
    'Deployment isthmus-system/isthmus-controller',
  ]);

  await runAsTold(told);
  await applySystemObjects(api.kube, objectsFor());
  expect((await api.kube.get(configMaps, at))?.data).toEqual(before?.data);
});

test('a new version changes its definitions, and one edited by hand is told with its editor and a way on that deletes nothing', async () => {
  await applySystemObjects(api.kube, objectsFor());
  await api.kube.create(podRanges, { metadata: { name: 'kept' }, spec: { ground: 'cloud' } });
  const definition = { name: 'podranges.isthmus.dev' };
  const shortNames = async () => (await api.kube.get(customResourceDefinitions, definition))?.spec.names.shortNames;

  await applySystemObjects(api.kube, withShortNames('pr', 'range'));
  expect(await shortNames()).toEqual(['pr', 'range']);

  const edit = JSON.stringify({ spec: { names: { shortNames: ['mine'] } } });
  await kubectl(`kubectl patch crd ${definition.name} --type=merge --field-manager=kubectl-edit --patch '${edit}'`);
  const told = await faultOf(applySystemObjects(api.kube, withShortNames('pr')));
  expect(told).toMatch(
    /CustomResourceDefinition podranges\.isthmus\.dev: \.spec\.names\.shortNames: conflict with "kubectl-edit"/,
  );
  expect(await shortNames()).toEqual(['mine']);

  await runAsTold(told);
  expect(await shortNames()).toEqual(['mine']);
  await applySystemObjects(api.kube, withShortNames('pr'));
  expect(await shortNames()).toEqual(['pr']);
  expect(await api.kube.get(podRanges, { name: 'kept' })).toBeDefined();
});

/** Our objects as a version would have them that gives PodRange these short names. */
function withShortNames(...shortNames: readonly string[]): readonly SystemObject[] {
  return objectsFor().map(({ resource, object }) => {
    if (object.metadata.name !== 'podranges.isthmus.dev') return { resource, object };
    const { spec } = object as CrdObject;
    return { resource, object: { ...object, spec: { ...spec, names: { ...spec.names, shortNames } } } };
  });
}

async function faultOf(call: Promise<unknown>): Promise<string> {
  const fault = await call.then(
    () => undefined,
    (e: Error) => e,
  );
  if (fault === undefined) throw new Error('the call went well, and should not have');
  return fault.message;
}

/** Runs the commands that a message gives, as a person would who copies them. */
async function runAsTold(message: string): Promise<void> {
  const commands = message.split('\n').filter((line) => line.startsWith('  kubectl '));
  expect(commands).toHaveLength(1);
  for (const command of commands) await kubectl(command);
}

async function kubectl(command: string): Promise<void> {
  const { bin } = await ensureBinaries();
  const { access, token } = api.server;
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-kubectl-'));
  try {
    await writeFile(join(folder, 'ca.crt'), access.ca ?? '');
    const flags = `--server=${access.server} --certificate-authority=${join(folder, 'ca.crt')} --token=${token}`;
    const script = `kubectl() { ${bin('kubectl')} ${flags} "$@"; }\n${command}\n`;
    await must(localHost('here'), ['sh', '-e'], { within: seconds(60), stdin: script });
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("an agent may write the status of its own node's PodRange and nothing else of any", async () => {
  await applySystemObjects(api.kube, objectsFor());
  for (const name of ['web-1', 'web-2'])
    await waitFor(
      `PodRange ${name} to be taken`,
      () => api.kube.create(podRanges, { metadata: { name }, spec: { ground: 'cloud' } }),
      {
        within: seconds(20),
      },
    );
  await untilPoliciesAreInForce(api.kube);
  const agent = await asProgramOn(api, 'isthmus-agent', 'web-1');
  try {
    const write = (name: string) =>
      agent.merge(podRanges, { name }, { status: { inUse: 1 } }, { subresource: 'status' });
    expect(await refusal(write('web-2'))).toBe(403);
    expect((await write('web-1')).status?.inUse).toBe(1);
    expect(await refusal(agent.merge(podRanges, { name: 'web-1' }, { spec: { ground: 'site' } }))).toBe(403);
    expect(await refusal(agent.create(podRanges, { metadata: { name: 'web-9' }, spec: { ground: 'cloud' } }))).toBe(
      403,
    );
    expect(await refusal(agent.delete(podRanges, { name: 'web-1' }))).toBe(403);
    expect(await refusal(agent.get(configMaps, { name: 'isthmus', namespace: systemNamespace }))).toBe(403);
  } finally {
    await agent.close();
  }
});

test.each([
  ['an agent', 'isthmus-agent', 'NetworkUnavailable'],
  ['csi-local', 'isthmus-csi-local', 'isthmus.dev/LocalVolumes'],
])('%s may write one condition of its own Node and nothing else of any', async (_, account, type) => {
  await applySystemObjects(api.kube, objectsFor());
  const address = { type: 'InternalIP', address: '10.9.0.7' };
  const [own, other] = [`own-of-${account}`, `other-of-${account}`];
  for (const name of [own, other]) {
    const node = await api.kube.create(nodes, { metadata: { name, labels: { kept: 'yes' } } });
    const conditions = [{ type: 'Ready', status: 'True' }];
    await api.kube.replace(nodes, { ...node, status: { addresses: [address], conditions } }, { subresource: 'status' });
  }
  const program = await asProgramOn(api, account, own);
  const fault = { type, status: 'True', reason: 'NoPodRange', message: 'no range' };
  const say = (name: string, change: object) =>
    program.apply(nodes, { metadata: { name }, ...change }, { manager: account, force: true, subresource: 'status' });
  const conditions = [fault];
  try {
    await waitFor('the policy to hold', async () => (await refusal(say(other, { status: { conditions } }))) === 403, {
      within: seconds(20),
    });
    const written = await say(own, { status: { conditions } });
    expect(written.status?.conditions).toEqual(
      expect.arrayContaining([expect.objectContaining({ type: 'Ready' }), expect.objectContaining(fault)]),
    );
    const ready = { type: 'Ready', status: 'False', reason: 'x', message: 'x' };
    expect(await refusal(say(own, { status: { conditions: [fault, ready] } }))).toBe(403);
    const another = { addresses: [{ type: 'InternalIP', address: '10.9.0.99' }] };
    expect(await refusal(say(own, { status: another }))).toBe(403);
    const relabelled = program.merge(
      nodes,
      { name: own },
      { metadata: { labels: { kept: 'no' } } },
      { subresource: 'status' },
    );
    expect(await refusal(relabelled)).toBe(403);
    expect(await refusal(program.merge(nodes, { name: own }, { spec: { unschedulable: true } }))).toBe(403);
  } finally {
    await program.close();
  }
});

test('a machine says on its Node what is wrong with its folders, when it has changed, and takes it back', async () => {
  await applySystemObjects(api.kube, objectsFor());
  const name = 'pools-1';
  await api.kube.create(nodes, { metadata: { name } });
  const kube = await asProgramOn(api, 'isthmus-csi-local', name);
  const signal = AbortSignal.timeout(60_000);
  const look = async () => {
    const node = await api.kube.get(nodes, { name });
    const at = { name, namespace: 'default' };
    const { problems } = await storageStatus({ kube: api.kube, nodes: [], outside: undefined, signal });
    return {
      said: node?.status?.conditions ?? [],
      version: node?.metadata.resourceVersion,
      problems: problems.filter((one) => one.startsWith(`node ${name}`)),
      explained: await explainNode(api.kube, at),
      path: await pathOfNode(api.kube, at),
    };
  };
  const fault = { status: 'False', reason: 'FolderUnusable', message: '/srv/volumes is no folder' } as const;
  const well = { status: 'True', reason: 'Usable', message: '/srv/volumes has room for 4Gi (…)' } as const;
  const type = 'isthmus.dev/LocalVolumes';
  const at = (second: number): Instant => Date.UTC(2026, 0, 1, 0, 0, second) as Instant;
  const text = (second: number): string => `2026-01-01T00:00:0${second}Z`;
  try {
    await sayOnNode(kube, name, fault, at(1));
    const first = await look();
    expect(first).toEqual({
      said: [expect.objectContaining({ type, ...fault, lastTransitionTime: text(1) })],
      version: first.version,
      problems: [`node ${name}: ${fault.message}`],
      explained: [fault.message],
      path: [],
    });
    // The same is not written again.
    await sayOnNode(kube, name, fault, at(2));
    expect(await look()).toEqual(first);
    const other = { ...fault, message: '/srv/volumes is not there' };
    await sayOnNode(kube, name, other, at(3));
    expect((await look()).said).toMatchObject([{ message: other.message, lastTransitionTime: text(1) }]);
    await sayOnNode(kube, name, well, at(4));
    expect(await look()).toMatchObject({
      said: [{ type, ...well, lastTransitionTime: text(4) }],
      problems: [],
      explained: [],
      path: [`for volumes: ${well.message}`],
    });
    await sayOnNode(kube, name, undefined, at(5));
    expect(await look()).toMatchObject({ said: [], problems: [], explained: [], path: [] });
    // A Node that is not there is not made.
    await sayOnNode(kube, 'pools-2', fault, at(6));
    expect(await api.kube.get(nodes, { name: 'pools-2' })).toBeUndefined();
  } finally {
    await kube.close();
  }
});

test('parts for machines of a side that has none are not waited for, and are told as incomplete all the same', async () => {
  await applySystemObjects(api.kube, objectsFor());
  // One for each machine of the side, two at most.
  const side = (ground: 'cloud' | 'site') =>
    `Deployment kube-system/coredns-${ground} 0/${{ cloud: 2, site: 1 }[ground]}`;
  const join = async (name: string, ground: string): Promise<void> => {
    const node = await api.kube.create(nodes, { metadata: { name, labels: { 'isthmus.dev/ground': ground } } });
    const status = { conditions: [{ type: 'Ready', status: 'True' }] };
    await api.kube.replace(nodes, { ...node, status }, { subresource: 'status' });
  };
  // What a deployment controller says of one whose only pod finds no node.
  for (const name of ['coredns-site', 'coredns-cloud']) {
    const seen = await api.kube.get(deployments, { name, namespace: 'kube-system' });
    if (seen === undefined) throw new Error(`there is no ${name}`);
    const status = { observedGeneration: seen.metadata.generation ?? 0, availableReplicas: 0 };
    await api.kube.replace(deployments, { ...seen, status }, { subresource: 'status' });
  }
  const parts = (seen: Awaited<ReturnType<typeof observeUnready>>) => seen.map(({ part }) => part);
  const waitedFor = async () => parts(await observeUnready(api.kube, { tolerate: 'nodes-that-are-not-ready' }));

  await join('cp-9', 'cloud');
  expect(await waitedFor()).toContain(side('cloud'));
  expect(await waitedFor()).not.toContain(side('site'));
  expect(parts(await observeUnready(api.kube))).toEqual(expect.arrayContaining([side('cloud'), side('site')]));
  await join('base-9', 'site');
  expect(await waitedFor()).toContain(side('site'));
});

test('a join token is told by its machine, can be used for 15 minutes, and is removed', async () => {
  const at = now();
  expect(await giveJoinToken(api.kube, 'base-1', at)).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
  const [token] = await observeJoinTokens(api.kube);
  expect(token?.machine).toBe('base-1');
  expect(Math.abs((token?.expires ?? 0) - at - 900_000)).toBeLessThan(1_001);
  await removeJoinTokens(api.kube, 'web-1');
  expect(await observeJoinTokens(api.kube)).toHaveLength(1);
  await removeJoinTokens(api.kube, 'base-1');
  expect(await observeJoinTokens(api.kube)).toEqual([]);
});
