import { afterAll, beforeAll, expect, test } from 'vitest';
import { exampleFacts } from '#capability/facts.example.ts';
import type { CloudMachine, Compute } from '#cloud/compute.ts';
import { connect } from '#kube/client.ts';
import { events, recordEvents } from '#kube/events.ts';
import type { Kube, KubeObject } from '#kube/kube.ts';
import {
  admissionPolicies,
  clusterRoleBindings,
  clusterRoles,
  type NodeObject,
  namespaces,
  nodes,
} from '#kube/resources.ts';
import { runAttributeController } from '#node/attributes/attribute-controller.ts';
import { runLifeController } from '#node/life/life-controller.ts';
import { usualPolicy } from '#node/life/plan-node-life.ts';
import { nodeObjects } from '#node/objects.ts';
import { explainNode, nodeStatus, pathOfNode } from '#node/status.ts';
import { gibi } from '#unit/bytes.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import { sharedCaches } from '../../../src/program/shared-caches.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { untilPoliciesAreInForce } from '../../support/policies-in-force.ts';

/** What Nodes are called by and how long they stay: a real API server with the policies that `isthmus up` makes, and a cloud in one table. */
const api = apiServerForTests();
const cluster = {
  ...exampleFacts.cluster,
  cloudMachines: [{ name: 'cp-1' }, { name: 'web-1' }],
  machines: ['base-1', 'base-2', 'base-3'].map((name, i) => ({ name, address: `192.168.50.1${i + 1}` })),
};
const end = new AbortController();
const works: Promise<unknown>[] = [];

/** Machines that the cloud knows; leaves out all that is not asked here. */
const machines = new Map(
  ['uhost-1', 'uhost-2', 'uhost-3'].map((id) => [
    id,
    { id, zone: 'cn-bj2-04', mark: 'shop', state: 'running', cpu: 2, memory: gibi(4) } as CloudMachine,
  ]),
);
const compute = {
  list: async () => ok([...machines.values()]),
  find: async (id: string) => {
    const found = machines.get(id);
    return found === undefined
      ? fail({ kind: 'gone', raw: { action: 'Describe', code: 'absent', message: id } } as const)
      : ok(found);
  },
} as unknown as Compute;

const cloud = { 'isthmus.dev/ground': 'cloud' };
const site = { 'isthmus.dev/ground': 'site' };
const uhost = { ...cloud, nodetype: 'uhost', 'topology.udisk.csi.ucloud.cn/zone': 'cn-bj2-04' };
const taint = (key: string) => ({ key: `node.cloudprovider.kubernetes.io/${key}`, effect: 'NoSchedule' });

function makeNode(name: string, providerID: string, labels: object, taints: readonly object[] = []): Promise<unknown> {
  return api.kube.create(nodes, { metadata: { name, labels }, spec: { providerID, taints } } as KubeObject);
}

const seenOf = (name: string): Promise<NodeObject | undefined> => api.kube.get(nodes, { name });

/** As its kubelet; or, for Unknown, as Kubernetes of a kubelet that is silent. */
function says(name: string, status: 'True' | 'Unknown'): Promise<unknown> {
  const conditions = [{ type: 'Ready', status }];
  return api.kube.apply(
    nodes,
    { metadata: { name }, status: { conditions } },
    { manager: 'kubelet', force: true, subresource: 'status' },
  );
}

beforeAll(async () => {
  const { kube } = api;
  await kube.create(namespaces, { metadata: { name: 'isthmus-system' } });
  await makeNode('base-1', 'isthmus-site://base-1', { ...site, nodetype: 'uhost' }, [taint('uninitialized')]);
  for (const name of ['base-2', 'base-3']) await makeNode(name, `isthmus-site://${name}`, site);
  for (const i of [1, 2, 3])
    await makeNode(`web-${i}`, `ucloud://cn-bj2-04/uhost-${i}`, cloud, [taint('uninitialized')]);
  for (const name of ['base-1', 'base-2', 'base-3', 'web-1', 'web-2', 'web-3']) await says(name, 'True');
  for (const { resource, object } of nodeObjects({ cluster })) await kube.create(resource, object);
  await untilPoliciesAreInForce(kube);
  const caches = sharedCaches(kube, end.signal);
  const note = (): void => undefined;
  const told = recordEvents(kube, {
    controller: 'isthmus.dev/controller',
    instance: 'test',
    stop: end.signal,
    onLost: note,
  });
  const policy = { ...usualPolicy, apart: ms(300), young: ms(0), unclearFor: ms(100) };
  works.push(
    runAttributeController({ kube, compute, caches, mark: 'shop', region: 'cn-bj2', note }, end.signal),
    runLifeController(
      { kube, provider: 'ucloud', compute, caches, events: told, mark: 'shop', policy, note },
      end.signal,
    ),
  );
  for (const work of works) work.catch(() => undefined);
});

afterAll(async () => {
  end.abort(new Error('the tests have ended'));
  await Promise.allSettled(works);
});

test('cloud nodes get what users select them by, and machines of the site lose it', async () => {
  await waitFor('the labels', async () => (await seenOf('web-1'))?.metadata.labels?.['nodetype'] === 'uhost', {
    within: seconds(20),
  });
  expect((await seenOf('web-1'))?.metadata.labels).toEqual({
    ...cloud,
    nodetype: 'uhost',
    'node.uk8s.ucloud.cn/instance_type': 'uhost',
    'topology.kubernetes.io/zone': 'cn-bj2-04',
    'topology.kubernetes.io/region': 'cn-bj2',
    'node.kubernetes.io/instance-type': '2c-4Gi',
  });
  await waitFor('the label to go', async () => (await seenOf('base-1'))?.metadata.labels?.['nodetype'] === undefined, {
    within: seconds(20),
  });
  expect(await pathOfNode(api.kube, { name: 'web-1', namespace: '' })).toEqual([
    'machine uhost-1 of ucloud, zone cn-bj2-04, 2c-4Gi',
  ]);
});

test('a node does not wait for a cloud controller that will never come', async () => {
  const isFree = async (name: string) =>
    ((await seenOf(name))?.spec?.taints ?? []).every(({ key }) => !key.endsWith('/uninitialized'));
  for (const name of ['base-1', 'web-1', 'web-2', 'web-3'])
    await waitFor(`the taint of ${name} to go`, () => isFree(name), { within: seconds(20) });
});

test('a machine of the site cannot call itself a machine of the cloud', async () => {
  const { kube } = api;
  await expect(makeNode('base-9', 'isthmus-site://base-9', uhost)).rejects.toThrow(
    'base-9 is a machine of the site, which cannot have the labels of machines of the cloud: nodetype, topology.udisk.csi.ucloud.cn/zone, isthmus.dev/ground',
  );
  await expect(makeNode('base-1', 'ucloud://cn-bj2-04/uhost-9', site)).rejects.toThrow(
    'base-1 is a machine of the site, and its spec.providerID is "ucloud://cn-bj2-04/uhost-9": reset the machine and join it again',
  );
  // As a kubelet may, along with its status.
  await expect(
    kube.merge(nodes, { name: 'base-1' }, { metadata: { labels: { nodetype: 'uhost' } } }, { subresource: 'status' }),
  ).rejects.toThrow('cannot have the labels of machines of the cloud: nodetype');
  await kube.merge(nodes, { name: 'base-1' }, { metadata: { labels: { disktype: 'ssd' } } });
});

test('no cloud controller taints a machine of the site', async () => {
  const spec = { taints: [taint('shutdown')] };
  await expect(api.kube.merge(nodes, { name: 'base-1' }, { spec })).rejects.toThrow(
    'base-1 is a machine of the site, of which no cloud can say anything: it cannot have the taint node.cloudprovider.kubernetes.io/shutdown',
  );
  await api.kube.merge(nodes, { name: 'base-1' }, { spec: { taints: [{ key: 'maintenance', effect: 'NoSchedule' }] } });
});

/** A client of that name, with a certificate of those groups. */
async function as(name: string, ...groups: readonly string[]): Promise<Kube> {
  const subject = `${groups.map((group) => `/O=${group}`).join('')}/CN=${name}`;
  const clientCertificate = await api.server.sign(`as-${name.replaceAll(/[^a-z-]/g, '-')}`, subject);
  return connect({ ...api.server.access, clientCertificate });
}

async function bind(role: string, kind: 'User' | 'Group', ...names: readonly string[]): Promise<void> {
  const apiGroup = 'rbac.authorization.k8s.io';
  await api.kube.create(clusterRoleBindings, {
    metadata: { name: `test-${role}-${kind.toLowerCase()}` },
    roleRef: { apiGroup, kind: 'ClusterRole', name: role },
    subjects: names.map((name) => ({ apiGroup, kind, name })),
  } as KubeObject);
}

test('nobody but the operator deletes the Node of a machine of the site', async () => {
  await api.kube.create(clusterRoles, {
    metadata: { name: 'node-deleter' },
    rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get', 'delete'] }],
  } as KubeObject);
  const account = 'system:serviceaccount:kube-system:cloud-controller-manager';
  await bind('cluster-admin', 'User', account, 'system:kube-controller-manager');
  await bind('node-deleter', 'User', 'foreign-controller');
  await bind('cluster-admin', 'Group', 'kubeadm:cluster-admins');
  const refused = [account, 'system:kube-controller-manager', 'foreign-controller'] as const;
  for (const name of refused) {
    const kube = await as(name);
    // Rights are known to the API server a moment after they are given.
    await waitFor(`${name} to have its rights`, async () => (await kube.get(nodes, { name: 'base-1' })) !== undefined, {
      within: seconds(10),
    });
    await expect(kube.delete(nodes, { name: 'base-1' })).rejects.toThrow(
      `base-1 is a machine of the site, and ${name} is not its operator: take it out of cluster.yaml and run isthmus up, or delete the Node with the kubeconfig of the cluster`,
    );
    await kube.close();
  }
  const admin = await as('kubernetes-admin', 'kubeadm:cluster-admins');
  await admin.delete(nodes, { name: 'base-3' });
  await admin.close();
  expect(await seenOf('base-3')).toBeUndefined();
  // And a policy that would be in the way can be taken away.
  await api.kube.delete(nodes, { name: 'base-2' });
  expect(await seenOf('base-2')).toBeUndefined();
});

test('a Node whose machine is gone is deleted, with an Event that says why; a machine of the site stays whatever the cloud says', async () => {
  const { kube } = api;
  await says('base-1', 'Unknown');
  await says('web-2', 'Unknown');
  machines.delete('uhost-2');
  const uid = (await seenOf('web-2'))?.metadata.uid;
  await waitFor('the Node to be deleted', async () => (await seenOf('web-2')) === undefined, {
    within: seconds(20),
    every: ms(50),
  });
  const told = await waitFor(
    'the Events',
    async () => {
      const all = await kube.list(events, { namespace: 'default' });
      const ours = all.filter(({ regarding }) => regarding?.name === 'web-2');
      return ours.some(({ reason }) => reason === 'DeletingNode') ? ours : undefined;
    },
    { within: seconds(20) },
  );
  expect(new Set(told.map(({ reason, note, regarding }) => `${regarding?.uid === uid} ${reason}: ${note}`))).toEqual(
    new Set([
      'true ConfirmingMissing: the cloud does not know the machine, and is asked again: 1 of 3 times so far',
      'true DeletingNode: the cloud has said 3 times that it does not know the machine, so the Node is deleted',
    ]),
  );
  expect(await seenOf('base-1')).toBeDefined();
});

test('a machine that is back in the lists keeps its Node, and nothing more is said of it', async () => {
  await makeNode('web-4', 'ucloud://cn-bj2-04/uhost-4', cloud);
  await says('web-4', 'Unknown');
  const saysOf = async () => explainNode(api.kube, { name: 'web-4', namespace: '' });
  await waitFor('it to be missed', async () => (await saysOf()).length > 0, { within: seconds(20), every: ms(20) });
  machines.set('uhost-4', { ...machines.get('uhost-1'), id: 'uhost-4' } as CloudMachine);
  await waitFor('the condition to go', async () => (await saysOf()).length === 0, { within: seconds(20) });
  await says('web-4', 'True');
});

test('when more than a few are missing no Node is deleted, and status says so', async () => {
  const { kube } = api;
  for (const i of [3, 4]) {
    machines.delete(`uhost-${i}`);
    await says(`web-${i}`, 'Unknown');
  }
  const problems = async () => (await nodeStatus({ kube, nodes: [], outside: undefined, signal: end.signal })).problems;
  const all = await waitFor(
    'both to be held',
    async () => {
      const seen = await problems();
      return seen.length === 2 && seen.every((one) => one.includes('no more than')) ? seen : undefined;
    },
    { within: seconds(20), every: ms(50) },
  );
  expect(all[0]).toMatch(
    /^node web-3: the cloud does not know the machine, nor those of 1 other nodes.*: no more than 1 at once are deleted, so check the keys, region and project of the controller; kubectl delete node removes a Node whose machine is gone for good$/,
  );
  expect([await seenOf('web-3'), await seenOf('web-4')].every((node) => node !== undefined)).toBe(true);
});

test('the policies are free of expressions that cannot work', async () => {
  const seen = await api.kube.list(admissionPolicies);
  const told = seen.map((policy) => (policy as { status?: { typeChecking?: object } }).status?.typeChecking ?? {});
  expect(told).toEqual(seen.map(() => ({})));
});
