import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { observeUnreached } from '#cluster/kubelet-reach.ts';
import type { Session } from '#cluster/session.ts';
import type { At } from '#cluster/up/at.ts';
import { waitForNode, waitForWorkloads } from '#cluster/up/wait.ts';
import { podRanges } from '#kube/api/pod-range.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { type DeploymentObject, daemonSets, deployments, type NodeObject, namespaces, nodes } from '#kube/resources.ts';
import { network } from '#network/capability.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { establishCrds } from '../../support/establish-crds.ts';

/** What `up` waits for, against a real API server and a kubelet that is nothing but its health. */
const api = apiServerForTests();
/** The API server does not reach for a kubelet on loopback. */
const own = Object.values(networkInterfaces())
  .flatMap((seen) => seen ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
let kubelet: Server;

beforeAll(async () => {
  await establishCrds(api.kube);
  await waitFor('the namespace', () => api.kube.create(namespaces, { metadata: { name: systemNamespace } }), {
    within: seconds(20),
  });
  const { certificate, key } = await api.server.sign('kubelet', '/CN=kubelet');
  kubelet = createServer({ cert: certificate, key }, (_request, response) => response.end('ok'));
  kubelet.listen(0, '0.0.0.0');
  await once(kubelet, 'listening');
}, minutes(2));

afterAll(() => kubelet?.close());

/** A joined node whose kubelet listens on this port. */
async function addNode(name: string, port: number, ready: boolean, message: string): Promise<void> {
  await api.kube.create(nodes, { metadata: { name } } satisfies NodeObject);
  const condition = { type: 'Ready', status: ready ? 'True' : 'False', reason: 'Test', message };
  const status = {
    addresses: [{ type: 'InternalIP', address: own }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
    conditions: [condition],
  };
  await api.kube.merge(nodes, { name }, { status }, { subresource: 'status' });
}

async function becomeReady(name: string): Promise<void> {
  const conditions = [{ type: 'Ready', status: 'True', reason: 'Test', message: 'now' }];
  await api.kube.merge(nodes, { name }, { status: { conditions } }, { subresource: 'status' });
}

/** `up` at work here. @shape said: what the operator reads meanwhile */
function operator(): { readonly at: At; readonly said: readonly string[] } {
  const said: string[] = [];
  const session = { signal: new AbortController().signal, capabilities: [network] } as unknown as Session;
  const connections = { kube: async () => api.kube } as unknown as At['connections'];
  const say = (line: string): void => void said.push(line);
  return { at: { session, connections, say, leave: say, only: undefined }, said };
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

test('a node that is not ready is told with the words of its kubelet and what its pod network lacks, each once', async () => {
  await addNode('web-1', portOf(kubelet), false, 'cni plugin not initialized');
  await api.kube.create(podRanges, { metadata: { name: 'web-1' }, spec: { ground: 'cloud', addresses: [] } });
  const { at, said } = operator();
  const waiting = waitForNode(at, 'web-1');
  await waitFor('the first line', async () => said.length > 0, { within: seconds(20) });
  expect(said[0]).toBe('it has joined and is not ready: cni plugin not initialized');
  const lastTransitionTime = new Date().toISOString();
  const fault = {
    type: 'Addresses',
    status: 'False',
    reason: 'CloudRefuses',
    message: 'quota 4207',
    lastTransitionTime,
  };
  await api.kube.merge(podRanges, { name: 'web-1' }, { status: { conditions: [fault] } }, { subresource: 'status' });
  await waitFor('the fault', async () => said.length > 1, { within: seconds(20) });
  await becomeReady('web-1');
  await waiting;
  expect(said).toHaveLength(2);
  expect(said[1]).toMatch(/^it has joined and is not ready: cni plugin not initialized; .*web-1.*quota 4207/);
});

test('parts of the cluster that do not run are told with what their nodes complain of', async () => {
  const template = { metadata: { labels: { app: 'controller' } }, spec: { containers: [{ name: 'a', image: 'a' }] } };
  const wanted = {
    metadata: { name: 'isthmus-controller', namespace: systemNamespace },
    spec: { replicas: 1, selector: { matchLabels: { app: 'controller' } }, template },
  };
  await api.kube.create(deployments, wanted as DeploymentObject);
  const { at, said } = operator();
  const waiting = waitForWorkloads(at);
  await waitFor('the first line', async () => said.length > 0, { within: seconds(20) });
  expect(said[0]).toMatch(/^Deployment isthmus-system\/isthmus-controller 0\/1 ready.*; .*web-1.*quota 4207/);
  const runs = { replicas: 1, readyReplicas: 1, availableReplicas: 1, updatedReplicas: 1, observedGeneration: 1 };
  const named = { name: 'isthmus-controller', namespace: systemNamespace };
  await api.kube.merge(deployments, named, { status: runs }, { subresource: 'status' });
  await waiting;
  expect(await api.kube.list(daemonSets)).toEqual([]);
});

test('a ready node whose kubelet the API server does not reach is found, and no other', async () => {
  const closed = createServer();
  closed.listen(0, '0.0.0.0');
  await once(closed, 'listening');
  const port = portOf(closed);
  closed.close();
  await once(closed, 'close');
  await addNode('shut-1', port, true, 'kubelet is posting ready status');
  const { signal } = new AbortController();
  // A node that has gone meanwhile is not one that can not be reached.
  expect(await observeUnreached(api.kube, ['web-1', 'shut-1', 'gone-1'], signal)).toEqual(
    new Map([['shut-1', 'no-answer']]),
  );
});
