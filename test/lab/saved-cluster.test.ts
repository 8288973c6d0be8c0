import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { leases, namespaces, nodes } from '#kube/resources.ts';
import { type Kubectl, leaveCluster, returnToCluster } from '#lab/saved/leave-cluster.ts';
import { command } from '#lab/toolchain/command.ts';
import { ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { apiServerForTests } from '../support/api-server-for-tests.ts';

/** What saving a lab writes into its cluster, against a real API server. Labs that begin from a cluster are in test/long. */
const api = apiServerForTests();
let folder: string;
let kubectl: Kubectl;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'saved-cluster-'));
  const { access, token } = api.server;
  const authority = join(folder, 'ca.crt');
  await writeFile(authority, access.ca ?? '');
  const server = [`--server=${access.server}`, `--token=${token}`, `--certificate-authority=${authority}`];
  const { bin } = await ensureBinaries();
  kubectl = (args) => command(bin('kubectl'), [...server, ...args]);
});
afterAll(() => rm(folder, { recursive: true }));

async function addNode(name: string, status: string): Promise<void> {
  await api.kube.create(nodes, { metadata: { name } });
  await api.kube.merge(
    nodes,
    { name },
    { status: { conditions: [{ type: 'Ready', status }] } },
    { subresource: 'status' },
  );
}

async function addLease(namespace: string, name: string): Promise<void> {
  if ((await api.kube.get(namespaces, { name: namespace })) === undefined)
    await api.kube.create(namespaces, { metadata: { name: namespace } });
  await api.kube.create(leases, { metadata: { namespace, name }, spec: { holderIdentity: name } });
}

const readiness = async (): Promise<Record<string, string | undefined>> =>
  Object.fromEntries(
    (await api.kube.list(nodes)).map(({ metadata, status }) => [
      metadata.name,
      status?.conditions?.find(({ type }) => type === 'Ready')?.status,
    ]),
  );

test('a saved cluster has no leaders and no Ready nodes, and the one that goes on has its nodes as before', async () => {
  await addNode('base-1', 'True');
  await addNode('base-2', 'False');
  for (const [namespace, name] of [
    ['kube-system', 'kube-scheduler'],
    ['isthmus-system', 'isthmus-controller'],
    ['isthmus-system', 'isthmus-up'],
    ['kube-node-lease', 'base-1'],
  ] as const)
    await addLease(namespace, name);

  await leaveCluster(kubectl);
  expect(await readiness()).toEqual({ 'base-1': 'Unknown', 'base-2': 'False' });
  const left = (await api.kube.list(leases)).map(({ metadata }) => metadata.name);
  expect(left.filter((name) => !name.startsWith('apiserver-')).toSorted()).toEqual(['base-1', 'isthmus-up']);

  await returnToCluster(kubectl);
  expect(await readiness()).toEqual({ 'base-1': 'True', 'base-2': 'False' });
});
