import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exampleFacts } from '#capability/facts.example.ts';
import type { CloudMachine, Compute } from '#cloud/compute.ts';
import type { KubeObject } from '#kube/kube.ts';
import { clusterRoleBindings, type NodeObject, namespaces, nodes } from '#kube/resources.ts';
import { runLifeController } from '#node/life/life-controller.ts';
import { usualPolicy } from '#node/life/plan-node-life.ts';
import { nodeObjects } from '#node/objects.ts';
import { ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { ok } from '#unit/result.ts';
import { sharedCaches } from '../../../src/program/shared-caches.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { buildGoProgram } from '../../support/go-program.ts';
import { untilPoliciesAreInForce } from '../../support/policies-in-force.ts';
import { start } from '../../support/process.ts';

/** Upstream's cloud-node-lifecycle controller, with all rights and over a cloud that knows no machine, beside our own: a real API server. */
const api = apiServerForTests();
const foreign = 'system:serviceaccount:kube-system:cloud-controller-manager';
const site = ['base-1', 'base-2', 'base-3'];
const cluster = { ...exampleFacts.cluster, machines: site.map((name) => ({ name, address: '192.168.50.11' })) };
let folder: string;
let program: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-foreign-controller-'));
  program = await buildGoProgram(join(import.meta.dirname, 'lifecycle-controller'), () => undefined);
}, 600_000);
afterAll(() => rm(folder, { recursive: true }));

/** Every controller looks at what its kubelet does not report. */
async function makeSilentNodes(): Promise<void> {
  const { kube } = api;
  for (const name of [...site, 'web-1']) {
    const ground = name === 'web-1' ? 'cloud' : 'site';
    const providerID = ground === 'cloud' ? 'ucloud://cn-bj2-04/uhost-1' : `isthmus-site://${name}`;
    const metadata = { name, labels: { 'isthmus.dev/ground': ground } };
    if ((await kube.get(nodes, { name })) === undefined)
      await kube.create(nodes, { metadata, spec: { providerID } } as NodeObject);
    const conditions = [{ type: 'Ready', status: 'Unknown' }];
    await kube.merge(nodes, { name }, { status: { conditions } }, { subresource: 'status' });
  }
}

async function namesLeft(): Promise<readonly string[]> {
  return (await api.kube.list(nodes)).map(({ metadata }) => metadata.name).toSorted();
}

/** As a ServiceAccount that somebody bound to cluster-admin, as manifests of cloud controllers do. */
async function startForeign(): Promise<{ readonly log: string; stop(): Promise<void> }> {
  const { certificate, key } = await api.server.sign('foreign', `/O=system:serviceaccounts/CN=${foreign}`);
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const kubeconfig = join(folder, 'kubeconfig');
  const log = join(folder, 'log');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'test',
        cluster: {
          server: api.server.access.server,
          'certificate-authority-data': base64(api.server.access.ca ?? ''),
        },
      },
    ],
    users: [{ name: 'test', user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  };
  await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
  const running = start(program, [`--kubeconfig=${kubeconfig}`], { cwd: folder, log });
  return { log, stop: () => running.end('SIGTERM') };
}

function startOurs(): { stop(): Promise<void> } {
  const end = new AbortController();
  const { kube } = api;
  const machine = { id: 'uhost-1', zone: 'cn-bj2-04', mark: 'shop', state: 'running' } as CloudMachine;
  const compute = { find: async () => ok(machine), list: async () => ok([machine]) } as unknown as Compute;
  const caches = sharedCaches(kube, end.signal);
  const events = { tell: () => undefined };
  const policy = { ...usualPolicy, apart: ms(500), young: ms(0) };
  const options = { kube, provider: 'ucloud', compute, caches, events, mark: 'shop', policy, note: () => undefined };
  const done = runLifeController(options, end.signal).catch((e: unknown) => {
    if (!end.signal.aborted) throw e;
  });
  return {
    stop: () => {
      end.abort(new Error('the test has ended'));
      return done;
    },
  };
}

test('a cloud controller that knows no machine deletes the Nodes of the site, and none once our policies are there', async () => {
  const { kube } = api;
  await kube.create(namespaces, { metadata: { name: 'isthmus-system' } });
  await kube.create(clusterRoleBindings, {
    metadata: { name: 'foreign' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: foreign }],
  } as KubeObject);
  const ours = startOurs();
  const theirs = await startForeign();
  try {
    await makeSilentNodes();
    const none = async (): Promise<boolean> => (await namesLeft()).length === 0;
    await waitFor('every Node to be deleted', none, { within: seconds(30), every: ms(200) });
    for (const { resource, object } of nodeObjects({ cluster })) await kube.create(resource, object);
    await untilPoliciesAreInForce(kube);
    await makeSilentNodes();
    // Its own mistake about a machine of a cloud that it does not know goes on; that is not ours to keep from a cloud controller.
    await waitFor('it to have looked at all', async () => !(await namesLeft()).includes('web-1'), {
      within: seconds(30),
    });
    const refused = async (): Promise<boolean> =>
      (await readFile(theirs.log, 'utf8')).split('is not its operator').length > site.length;
    await waitFor('it to have tried', refused, { within: seconds(30), every: ms(200) });
    await sleep(seconds(5));
    expect(await namesLeft()).toEqual(site);
    const taints = (await kube.list(nodes)).flatMap(({ spec }) => spec?.taints ?? []).map(({ key }) => key);
    expect(taints.filter((key) => key.startsWith('node.cloudprovider'))).toEqual([]);
  } finally {
    await theirs.stop();
    await ours.stop();
  }
}, 180_000);
