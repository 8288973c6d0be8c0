import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Bundle } from '#cluster/bundle.ts';
import { parseClusterConfig } from '#cluster/config.ts';
import { makeJoinToken, observeJoinTokens, removeJoinTokens } from '#cluster/join-token.ts';
import {
  applySystemObjects,
  nameOf,
  observeSystemObjects,
  type SystemObject,
  systemObjects,
} from '#cluster/system-objects/system-objects.ts';
import { podRanges } from '#kube/api/pod-range.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { connect } from '#kube/client.ts';
import { type Kube, KubeError, type KubeObject, type Resource } from '#kube/kube.ts';
import { configMaps, deployments, pods } from '#kube/resources.ts';
import { ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { now, seconds, waitFor } from '#unit/clock.ts';
import { type ApiServer, startApiServer } from '../../support/api-server.ts';

let server: ApiServer;
let kube: Kube;

beforeAll(async () => {
  server = await startApiServer({ ...(await ensureBinaries()), flags: ['--allow-privileged=true'] });
  kube = connect(server.access);
});

afterAll(async () => {
  await kube?.close();
  await server?.stop();
});

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
  bin: [],
  cni: [],
  images: [image('isthmus.dev/isthmus:0.1.0'), image('registry.k8s.io/coredns/coredns:v1.14.2')],
};

function objectsFor({ warmLow = 4 }: { warmLow?: number } = {}): readonly SystemObject[] {
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
cloudMachines: [{ name: cp-1, shape: { cpu: 2, memory: 4Gi }, image: i }]
machines: [{ name: base-1, address: 192.168.50.13 }]
`,
    '/cluster.yaml',
    { env: { A: 'public', B: 'private' } },
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.failure));
  return systemObjects({
    config: parsed.value,
    bundle,
    keys: { publicKey: 'public', privateKey: 'private' },
    vpcRanges: ['10.9.0.0/16'],
    api: { address: '10.9.0.10', port: 6443 },
    mtu: 1452,
  });
}

test('an API server takes all objects; afterwards none is missing, and a second time changes nothing', async () => {
  const wanted = objectsFor();
  expect(await observeSystemObjects(kube, wanted)).toHaveLength(wanted.length);
  await applySystemObjects(kube, wanted);
  expect((await observeSystemObjects(kube, wanted)).map(nameOf)).toEqual([]);
  const at = { name: 'isthmus-controller', namespace: systemNamespace };
  const before = await kube.get(deployments, at);
  await applySystemObjects(kube, wanted);
  expect((await kube.get(deployments, at))?.metadata.generation).toBe(before?.metadata.generation);
});

test('a changed setting makes only its own object outdated, and so does a deleted object', async () => {
  await applySystemObjects(kube, objectsFor());
  expect((await observeSystemObjects(kube, objectsFor({ warmLow: 5 }))).map(nameOf)).toEqual([
    'ConfigMap isthmus-system/isthmus',
  ]);
  await kube.delete(configMaps, { name: 'coredns', namespace: 'kube-system' });
  expect((await observeSystemObjects(kube, objectsFor())).map(nameOf)).toEqual(['ConfigMap kube-system/coredns']);
  await applySystemObjects(kube, objectsFor());
});

test('a field that somebody else has changed is told with its holder and left alone, the rest is applied', async () => {
  await applySystemObjects(kube, objectsFor());
  const at = { name: 'isthmus', namespace: systemNamespace };
  const before = await kube.get(configMaps, at);
  const field = Object.keys(before?.data ?? {})[0] ?? '';
  const edited = { metadata: at, data: { [field]: '{"edited":"by hand"}' } };
  await kube.apply(configMaps, edited, { manager: 'somebody', force: true });
  await kube.delete(configMaps, { name: 'coredns', namespace: 'kube-system' });

  const told = await applySystemObjects(kube, objectsFor({ warmLow: 5 })).catch((e: Error) => e.message);
  expect(told).toContain(`ConfigMap isthmus-system/isthmus: .data.${field}: conflict with "somebody"`);
  expect(told).toContain('run isthmus up again');
  expect((await kube.get(configMaps, at))?.data).toEqual(edited.data);
  expect((await observeSystemObjects(kube, objectsFor({ warmLow: 5 }))).map(nameOf)).toEqual([
    'ConfigMap isthmus-system/isthmus',
  ]);

  // The cure that the message names.
  await kube.delete(configMaps, at);
  await applySystemObjects(kube, objectsFor());
  expect((await kube.get(configMaps, at))?.data).toEqual(before?.data);
});

test("an agent may write the status of its own node's PodRange and nothing else of any", async () => {
  await applySystemObjects(kube, objectsFor());
  for (const name of ['web-1', 'web-2'])
    await waitFor(
      `PodRange ${name} to be taken`,
      () => kube.create(podRanges, { metadata: { name }, spec: { ground: 'cloud' } }),
      {
        within: seconds(20),
      },
    );
  const agent = connect({
    server: server.access.server,
    ...(server.access.ca && { ca: server.access.ca }),
    token: await agentToken('web-1'),
  });
  try {
    const write = (name: string) =>
      agent.merge(podRanges, { name }, { status: { inUse: 1 } }, { subresource: 'status' });
    // The policy begins to hold a moment after it was written; until then RBAC alone lets the foreign write through.
    await waitFor('the policy to hold', async () => (await refusal(write('web-2'))) === 403, { within: seconds(20) });
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

test('a join token is told by its machine, can be used for 15 minutes, and is taken back', async () => {
  const at = now();
  expect(await makeJoinToken(kube, 'base-1', at)).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
  const [token] = await observeJoinTokens(kube);
  expect(token?.machine).toBe('base-1');
  expect(Math.abs((token?.expires ?? 0) - at - 900_000)).toBeLessThan(1_001);
  await removeJoinTokens(kube, 'web-1');
  expect(await observeJoinTokens(kube)).toHaveLength(1);
  await removeJoinTokens(kube, 'base-1');
  expect(await observeJoinTokens(kube)).toEqual([]);
});

async function refusal(call: Promise<unknown>): Promise<number | 'allowed'> {
  try {
    await call;
    return 'allowed';
  } catch (e) {
    if (e instanceof KubeError) return e.status;
    throw e;
  }
}

/** The token that kubelet would give to the agent's pod on this node. */
async function agentToken(node: string): Promise<() => string> {
  const name = `agent-on-${node}`;
  const pod = await kube.create(pods, {
    metadata: { name, namespace: systemNamespace },
    spec: { nodeName: node, serviceAccountName: 'isthmus-agent', containers: [{ name: 'agent', image: 'none' }] },
  } as Parameters<typeof kube.create<KubeObject>>[1]);
  const requests: Resource<KubeObject & { spec: object; status?: { token: string } }> = {
    group: '',
    version: 'v1',
    plural: 'serviceaccounts/isthmus-agent/token',
    kind: 'TokenRequest',
    namespaced: true,
  };
  const made = await kube.create(requests, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { name: 'isthmus-agent', namespace: systemNamespace },
    spec: {
      audiences: ['https://kubernetes.default.svc'],
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid: pod.metadata.uid },
    },
  });
  const token = made.status?.token;
  if (token === undefined) throw new Error('the API server gave no token');
  return () => token;
}
