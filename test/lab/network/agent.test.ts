import { readdir, writeFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PodRangeSpec, type PodRangeStatus, podRanges } from '#kube/api/pod-range.ts';
import { namespaces } from '#kube/resources.ts';
import { ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { establishCrds } from '../../support/establish-crds.ts';
import { startBridge } from './bridge.ts';
import { TestNode } from './node.ts';

let node: TestNode;
const api = apiServerForTests();
let bridge: Server;

beforeAll(async () => {
  await establishCrds(api.kube);
  node = await TestNode.create();
  bridge = await startBridge({ path: join(node.folder, 'api.sock') }, { port: api.server.port });
  await writeFile(join(node.folder, 'access.json'), JSON.stringify(api.server.access));
  await node.startAgent(300);
});
afterAll(async () => {
  await node?.close();
  bridge?.close();
});

// Addresses of the uplink's own network, as a VPC gives them: the machine outside asks for them by ARP.
const one = '192.168.50.77';
const two = '192.168.50.78';
const three = '192.168.50.79';
const since = '2026-11-22T12:00:00Z';

test('a node without a range takes no pods and says so', async () => {
  const status = await node.cni('STATUS', 'none', { cniVersion: '1.1.0' });
  expect([status.code, status.json?.['code']]).toEqual([1, 50]);
  const add = await node.cni('ADD', 'early');
  expect([add.code, add.json?.['code']]).toEqual([1, 11]);
  expect(await readdir(join(node.folder, 'net.d'))).toEqual([]);
});

test('addresses that the network does not know yet are given to nobody', async () => {
  await api.kube.create(podRanges, {
    metadata: { name: 'node-1' },
    spec: rangeOf([one, 'settling'], [two, 'settling']),
  });
  expect(await statusAt(1)).toMatchObject({
    inUse: 0,
    free: 0,
    released: [],
    network: 'starting',
    observedGeneration: 1,
    conditions: [{ type: 'PodNetwork', status: 'False', reason: 'NoAddress' }],
  });
  expect(await readdir(join(node.folder, 'net.d'))).toEqual([]);
});

test('the first usable address makes the node take pods', async () => {
  const theirs = {
    type: 'Addresses',
    status: 'True',
    reason: 'Enough',
    message: '',
    lastTransitionTime: since,
  } as const;
  const status = { conditions: [theirs] };
  const own = { manager: 'isthmus-controller', subresource: 'status' } as const;
  await api.kube.apply(podRanges, { metadata: { name: 'node-1' }, status }, own);
  await setRange(rangeOf([one, 'usable'], [two, 'usable'], [three, 'settling']));
  const seen = await statusAt(2);
  expect(seen).toMatchObject({ inUse: 0, free: 2, released: [], network: 'working', observedGeneration: 2 });
  expect(seen.conditions).toEqual([
    expect.objectContaining({ type: 'PodNetwork', status: 'True', reason: 'Working', observedGeneration: 2 }),
    theirs,
  ]);
  expect(await readdir(join(node.folder, 'net.d'))).toEqual(['00-isthmus.conflist']);
  expect(await node.cni('STATUS', 'none', { cniVersion: '1.1.0' })).toMatchObject({ code: 0 });
});

test('a machine that asks for a pod by ARP reaches it, and is seen under its own address', async () => {
  node.addNamespace('a');
  expect(await node.cni('ADD', 'a')).toMatchObject({ code: 0 });
  expect(await node.mesh([node.pod('a'), one], [node.outside, '192.168.50.1'])).toEqual({ good: 4, bad: [] });
  await statusWith({ inUse: 1, free: 1 });
});

test('an address on its way back is said to be free only when its pod is gone and it has rested', async () => {
  await setRange(rangeOf([one, 'releasing'], [two, 'releasing'], [three, 'usable']));
  expect(await statusAt(3)).toMatchObject({ inUse: 1, free: 1, released: [two] });
  expect(await node.mesh([node.pod('a'), one], [node.outside, '192.168.50.1'])).toMatchObject({ bad: [] });
  await node.cni('DEL', 'a');
  expect(await statusWith({ inUse: 0 })).toMatchObject({ released: [one, two], free: 1 });
});

test('pods that find no address wait for one, and a pod that is deleted meanwhile gets none', async () => {
  for (const name of ['w1', 'w2', 'w3']) node.addNamespace(name);
  expect(await node.cni('ADD', 'w1')).toMatchObject({ code: 0 });
  const [second, third] = [node.cni('ADD', 'w2'), node.cni('ADD', 'w3')];
  await sleep(ms(200));
  expect(await node.cni('DEL', 'w2')).toMatchObject({ code: 0 });
  expect((await second).json?.['code']).toBe(11);
  expect(await node.cni('DEL', 'w1')).toMatchObject({ code: 0 });
  // The address of the first, when it has rested.
  expect(await third).toMatchObject({ code: 0, json: { ips: [{ address: `${three}/32` }] } });
  await statusWith({ inUse: 1, free: 0, held: [three], resting: [] });
  expect(await node.cni('DEL', 'w3')).toMatchObject({ code: 0 });
  await statusWith({ inUse: 0, free: 1 });
});

test('an annotation of a namespace opens the metadata server to its pods, and to no later pod with the same address', async () => {
  const guards = (): readonly string[] =>
    [...node.run(node.node, 'nft', 'list', 'table', 'ip', 'isthmus').matchAll(/comment "([\d.]+) may reach/g)].map(
      ([, address = '']) => address,
    );
  const inNamespace = (name: string): Readonly<Record<string, string>> => ({
    CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${name};K8S_POD_NAME=m`,
  });
  for (const name of ['m1', 'm2']) node.addNamespace(name);
  await api.kube.create(namespaces, {
    metadata: { name: 'open', annotations: { 'isthmus.dev/metadata-access': 'allow' } },
  });
  await waitFor(
    'the agent to know of the namespace',
    async () => {
      expect(await node.cni('ADD', 'm1', {}, inNamespace('open'))).toMatchObject({ code: 0 });
      const allowed = guards();
      if (allowed.length > 0) return true;
      await node.cni('DEL', 'm1');
      return false;
    },
    { within: seconds(20) },
  );
  // For both metadata servers.
  expect(guards()).toEqual([three, three]);
  await api.kube.merge(
    namespaces,
    { name: 'open' },
    { metadata: { annotations: { 'isthmus.dev/metadata-access': null } } },
  );
  await waitFor('the annotation to be withdrawn', async () => guards().length === 0, { within: seconds(20) });
  await api.kube.merge(
    namespaces,
    { name: 'open' },
    { metadata: { annotations: { 'isthmus.dev/metadata-access': 'allow' } } },
  );
  await waitFor('it to be open again', async () => guards().length > 0, { within: seconds(20) });
  expect(await node.cni('DEL', 'm1')).toMatchObject({ code: 0 });
  expect(await node.cni('ADD', 'm2', {}, inNamespace('default'))).toMatchObject({
    code: 0,
    json: { ips: [{ address: `${three}/32` }] },
  });
  expect(guards()).toEqual([]);
  expect(await node.cni('DEL', 'm2')).toMatchObject({ code: 0 });
  await statusWith({ inUse: 0, free: 1 });
});

test('pods come and go while the API server is away, and the agent may be killed meanwhile', async () => {
  await api.server.kill();
  node.addNamespace('b');
  expect(await node.cni('ADD', 'b')).toMatchObject({ code: 0, json: { ips: [{ address: `${three}/32` }] } });
  await node.endAgent('SIGKILL');
  await node.startAgent(300);
  expect(await node.cni('CHECK', 'b')).toMatchObject({ code: 0 });
  // What it promised before must hold: these two may be another machine's by now.
  node.addNamespace('c');
  expect((await node.cni('ADD', 'c')).json?.['code']).toBe(11);
  expect(await node.mesh([node.pod('b'), three], [node.outside, '192.168.50.1'])).toMatchObject({ bad: [] });
  await api.server.restart();
  expect(await statusWith({ inUse: 1, free: 0 })).toMatchObject({ released: [one, two], network: 'working' });
});

test('a node whose range was taken away keeps its pods and takes no more', async () => {
  await api.kube.delete(podRanges, { name: 'node-1' });
  await waitFor('the agent to see it', async () => (await node.cni('ADD', 'c')).stdout.includes('no PodRange'), {
    within: seconds(10),
  });
  expect(await node.mesh([node.pod('b'), three], [node.outside, '192.168.50.1'])).toMatchObject({ bad: [] });
  expect(await readdir(join(node.folder, 'net.d'))).toEqual(['00-isthmus.conflist']);
});

test('the agent ends within seconds when it is told to', async () => {
  const started = performance.now();
  await node.endAgent('SIGTERM');
  expect(performance.now() - started).toBeLessThan(3_000);
  expect(node.links()).toHaveLength(1);
});

function rangeOf(...addresses: readonly (readonly [string, 'settling' | 'usable' | 'releasing'])[]): PodRangeSpec {
  return { ground: 'cloud', addresses: addresses.map(([ip, state]) => ({ ip, state, since })) };
}

async function setRange(spec: PodRangeSpec): Promise<void> {
  await api.kube.merge(podRanges, { name: 'node-1' }, { spec });
}

function statusAt(generation: number): Promise<PodRangeStatus> {
  return statusWith({ observedGeneration: generation });
}

async function statusWith(part: PodRangeStatus): Promise<PodRangeStatus> {
  return waitFor(
    `a status with ${JSON.stringify(part)}`,
    async () => {
      const status = (await api.kube.get(podRanges, { name: 'node-1' }))?.status;
      if (status !== undefined && expect.objectContaining(part).asymmetricMatch(status)) return status;
      throw new Error(JSON.stringify(status));
    },
    { within: seconds(20) },
  );
}
