import { afterAll, beforeAll, expect, test } from 'vitest';
import { exampleFacts } from '#capability/facts.example.ts';
import type { KubeObject } from '#kube/kube.ts';
import { admissionPolicies, namespaces, nodes } from '#kube/resources.ts';
import { runLabelController } from '#node/labels/label-controller.ts';
import { nodeObjects } from '#node/objects.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { sharedCaches } from '../../../src/program/shared-caches.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';

/** What Nodes are called by, and what admission policies say of them: a real API server with the policies that `isthmus up` makes. */
const api = apiServerForTests();
const cluster = {
  ...exampleFacts.cluster,
  cloudMachines: [{ name: 'cp-1' }, { name: 'web-1' }],
  machines: [
    { name: 'base-1', address: '192.168.50.11' },
    { name: 'base-2', address: '192.168.50.12' },
  ],
};
const end = new AbortController();
let done: Promise<unknown>;

const site = { 'isthmus.dev/ground': 'site' };
const uhost = { 'isthmus.dev/ground': 'cloud', nodetype: 'uhost', 'topology.udisk.csi.ucloud.cn/zone': 'cn-bj2-04' };

function makeNode(name: string, providerID: string, labels: object): Promise<unknown> {
  return api.kube.create(nodes, { metadata: { name, labels }, spec: { providerID } } as KubeObject);
}

const labelsOf = async (name: string) => (await api.kube.get(nodes, { name }))?.metadata.labels;

beforeAll(async () => {
  const { kube } = api;
  await kube.create(namespaces, { metadata: { name: 'isthmus-system' } });
  await makeNode('base-1', 'isthmus-site://base-1', { ...site, nodetype: 'uhost' });
  await makeNode('web-1', 'ucloud://cn-bj2-04/uhost-1', { 'isthmus.dev/ground': 'cloud' });
  for (const { resource, object } of nodeObjects({ cluster })) await kube.create(resource, object);
  await waitFor('the policies to be in force', () => isRefused(), { within: seconds(30), every: ms(200) });
  done = runLabelController({ kube, caches: sharedCaches(kube, end.signal), note: () => undefined }, end.signal);
  done.catch(() => undefined);
});

async function isRefused(): Promise<boolean> {
  const name = 'base-2';
  const tried = await makeNode(name, 'isthmus-site://base-2', uhost).catch(() => 'refused');
  if (tried !== 'refused') await api.kube.delete(nodes, { name });
  return tried === 'refused';
}

afterAll(async () => {
  end.abort(new Error('the tests have ended'));
  await done.catch(() => undefined);
});

test('cloud nodes get what users of UCloud select them by, and machines of the site lose it', async () => {
  await waitFor('the labels', async () => (await labelsOf('web-1'))?.['nodetype'] === 'uhost', { within: seconds(20) });
  await waitFor('the label to go', async () => (await labelsOf('base-1'))?.['nodetype'] === undefined, {
    within: seconds(20),
  });
});

test('a machine of the site cannot call itself a machine of the cloud', async () => {
  const { kube } = api;
  await expect(makeNode('base-2', 'isthmus-site://base-2', uhost)).rejects.toThrow(
    'base-2 is a machine of the site, which cannot have the labels of machines of the cloud: nodetype, topology.udisk.csi.ucloud.cn/zone, isthmus.dev/ground',
  );
  await expect(makeNode('base-2', 'ucloud://cn-bj2-04/uhost-9', site)).rejects.toThrow(
    'base-2 is a machine of the site, and its spec.providerID is "ucloud://cn-bj2-04/uhost-9": reset the machine and join it again',
  );
  // As a kubelet may, along with its status.
  await expect(
    kube.merge(nodes, { name: 'base-1' }, { metadata: { labels: { nodetype: 'uhost' } } }, { subresource: 'status' }),
  ).rejects.toThrow('cannot have the labels of machines of the cloud: nodetype');
  await kube.merge(nodes, { name: 'base-1' }, { metadata: { labels: { disktype: 'ssd' } } });
});

test('the policies are free of expressions that cannot work', async () => {
  const seen = await api.kube.list(admissionPolicies);
  const told = seen.map((policy) => (policy as { status?: { typeChecking?: object } }).status?.typeChecking ?? {});
  expect(told).toEqual(seen.map(() => ({})));
});
