import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { events, recordEvents } from '#kube/events.ts';
import type { Kube, KubeObject, Resource, Selection } from '#kube/kube.ts';
import { type NodeObject, namespaces, nodes, pods } from '#kube/resources.ts';
import { Neighbours } from '#network/neighbours.ts';
import { podRangeCrd } from '#network/objects.ts';
import { runEvictionController } from '#node/cut/eviction-controller.ts';
import { runNeighbourAgent } from '#node/cut/neighbour-agent.ts';
import { explainNode, explainPod, nodeStatus } from '#node/status.ts';
import { seconds, sleep, waitFor } from '#unit/clock.ts';
import { agentCaches, sharedCaches } from '../../../src/program/shared-caches.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { establishCrds } from '../../support/establish-crds.ts';

/**
 * Machines of the site that fall silent, on a real API server. Their kubelets, and kube-controller-manager that taints them, are played here; agents of
 * neighbours are real where a test says so.
 */
const api = apiServerForTests();
const end = new AbortController();
const works: Promise<unknown>[] = [];
const site = ['base-1', 'base-2', 'base-3'];

/** What answers at addresses of machines; nothing at the others. */
const answers = new Map<string, 'taken' | 'refused'>();
const knock = async ({ address }: { readonly address: string }) => answers.get(address) ?? 'nothing';
const addressOf = (i: number): string => `192.0.2.${i}`;

beforeAll(async () => {
  const { kube } = api;
  for (const name of ['shop', 'moving'])
    await kube.create(namespaces, {
      metadata: { name, ...(name === 'moving' && { annotations: { 'isthmus.dev/when-cut': 'move' } }) },
    });
  for (const [i, name] of [...site, 'web-1'].entries()) {
    const ground = name === 'web-1' ? 'cloud' : 'site';
    const providerID = ground === 'cloud' ? 'ucloud://cn-bj2-04/uhost-1' : `isthmus-site://${name}`;
    await kube.create(nodes, {
      metadata: { name, labels: { 'isthmus.dev/ground': ground } },
      spec: { providerID },
    } as NodeObject);
    await setStatus(name, { addresses: [{ type: 'InternalIP', address: addressOf(i + 1) }] });
    await heard(name);
  }
  const told = recordEvents(kube, {
    controller: 'isthmus.dev/controller',
    instance: 'test',
    stop: end.signal,
    onLost: () => undefined,
  });
  const caches = sharedCaches(kube, end.signal);
  works.push(runEvictionController({ kube, caches, events: told, note: () => undefined, knock }, end.signal));
  for (const work of works) work.catch(() => undefined);
});

afterAll(async () => {
  end.abort(new Error('the tests have ended'));
  await Promise.allSettled(works);
});

function setStatus(name: string, status: object, manager = 'kubelet'): Promise<unknown> {
  return api.kube.apply(nodes, { metadata: { name }, status }, { manager, force: true, subresource: 'status' });
}

async function heard(name: string): Promise<void> {
  await setStatus(name, { conditions: [{ type: 'Ready', status: 'True' }] }, 'ready');
  await api.kube.merge(nodes, { name }, { spec: { taints: null } });
}

/** As kube-controller-manager after 50 s of silence. */
async function silent(name: string): Promise<void> {
  await setStatus(name, { conditions: [{ type: 'Ready', status: 'Unknown' }] }, 'ready');
  await api.kube.merge(
    nodes,
    { name },
    { spec: { taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }] } },
  );
}

let looks = 0;
/** As the agent of a neighbour. Times only grow. */
function tells(by: string, of: string, sees: boolean | undefined): Promise<unknown> {
  const lastHeartbeatTime = new Date(Date.parse('2026-11-30T10:00:00Z') + 1000 * looks++).toISOString();
  const conditions =
    sees === undefined ? [] : [{ type: `isthmus.dev/sees-${of}`, status: sees ? 'True' : 'False', lastHeartbeatTime }];
  return setStatus(by, { conditions }, 'isthmus-neighbours');
}

/** A pod of a Deployment; with the tolerations that every pod gets. */
async function makePod(
  name: string,
  nodeName: string,
  more: { readonly namespace?: string; readonly whenCut?: string; readonly seconds?: number } = {},
): Promise<void> {
  const { namespace = 'shop', whenCut, seconds: tolerationSeconds = 300 } = more;
  const toleration = {
    key: 'node.kubernetes.io/unreachable',
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds,
  };
  await api.kube.create(pods, {
    metadata: {
      name,
      namespace,
      ...(whenCut !== undefined && { annotations: { 'isthmus.dev/when-cut': whenCut } }),
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'shop', uid: '1', controller: true }],
    },
    spec: {
      nodeName,
      tolerations: [toleration],
      containers: [{ name: 'main', image: 'none' }],
      automountServiceAccountToken: false,
    },
  } as KubeObject);
}

async function isDeleted(name: string, namespace = 'shop'): Promise<boolean> {
  const pod = await api.kube.get(pods, { name, namespace });
  return pod === undefined || pod.metadata.deletionTimestamp !== undefined;
}

const deleted = (name: string, namespace?: string): Promise<boolean> =>
  waitFor(`${name} to be deleted`, () => isDeleted(name, namespace), { within: seconds(20) });

/** The reason of the node's condition, its status before it; `undefined` without one. */
async function cutOf(name: string): Promise<string | undefined> {
  const said = (await api.kube.get(nodes, { name }))?.status?.conditions?.find(
    ({ type }) => type === 'isthmus.dev/Cut',
  );
  return said && `${said.status} ${said.reason}`;
}

const judged = (name: string, is: string | undefined): Promise<boolean> =>
  waitFor(`${name} to be judged ${is}`, async () => (await cutOf(name)) === is, { within: seconds(40) });

async function toldOf(name: string): Promise<readonly string[]> {
  const all = await api.kube.list(events, { namespace: 'default' });
  return all.filter(({ regarding }) => regarding?.name === name).map(({ type, reason }) => `${type} ${reason}`);
}

const explain = (name: string, namespace = 'shop') => explainPod(api.kube, { name, namespace });

test('the line is cut: pods of the site stay, those whose owner asked for that go, and everybody is told why', async () => {
  await makePod('plain', 'base-1', { seconds: 300 });
  await makePod('mover', 'base-1', { whenCut: 'move', seconds: 2 });
  await makePod('moved', 'base-2', { namespace: 'moving', seconds: 2 });
  await makePod('hasty', 'base-2', { whenCut: 'stay', seconds: 0 });
  for (const name of site) await silent(name);
  await judged('base-1', 'True LineCut');
  await deleted('mover');
  await deleted('moved', 'moving');
  await sleep(seconds(4));
  expect([await isDeleted('plain'), await isDeleted('hasty')]).toEqual([false, false]);
  expect(await explain('plain')).toEqual([
    'stays on base-1, which is only cut off: nothing says isthmus.dev/when-cut: move',
  ]);
  expect(await explain('hasty')).toEqual([
    'stays on base-2, which is only cut off: it says isthmus.dev/when-cut: stay',
  ]);
  expect(await explain('moved', 'moving')).toEqual([
    'deleted because base-2 was cut off and its namespace says isthmus.dev/when-cut: move; what may still run of it there ends when base-2 is heard again',
  ]);
  expect(await explainNode(api.kube, { name: 'base-1', namespace: '' })).toEqual([
    'LineCut: none of the 3 machines of the site is heard: the line is cut',
  ]);
  const { problems } = await nodeStatus({ kube: api.kube, nodes: [], outside: undefined, signal: end.signal });
  expect(problems).toContain('node base-3: LineCut: none of the 3 machines of the site is heard: the line is cut');
  // One is heard before its taint has gone: that evicts nobody either.
  await setStatus('base-2', { conditions: [{ type: 'Ready', status: 'True' }] }, 'ready');
  await sleep(seconds(2));
  expect(await isDeleted('hasty')).toBe(false);
  for (const name of site) await heard(name);
  for (const name of site) await judged(name, undefined);
  await waitFor('the Events', async () => (await toldOf('base-3')).includes('Normal LineBack'), {
    within: seconds(10),
  });
  expect(await toldOf('base-3')).toContain('Warning LineCut');
  expect([await isDeleted('plain'), await isDeleted('hasty')]).toEqual([false, false]);
});

test('one machine that no neighbour reaches is dead: its pods go at once, but for a time that their owner chose', async () => {
  await makePod('quick', 'base-3');
  await makePod('stubborn', 'base-3', { whenCut: 'stay' });
  await makePod('own-time', 'base-3', { seconds: 3000 });
  const begun = performance.now();
  await silent('base-3');
  await tells('base-1', 'base-3', false);
  await deleted('quick');
  await deleted('stubborn');
  expect(performance.now() - begun).toBeLessThan(20_000);
  await judged('base-3', 'False MachineDead');
  expect(await isDeleted('own-time')).toBe(false);
  await tells('base-1', 'base-3', undefined);
  await heard('base-3');
  await judged('base-3', undefined);
});

test('a machine that one neighbour reaches is cut off alone: its pods stay, also when the one that does not reach it tells first', async () => {
  await makePod('alone', 'base-3');
  await silent('base-3');
  await tells('base-1', 'base-3', false);
  await sleep(seconds(4));
  await tells('base-2', 'base-3', true);
  await judged('base-3', 'True SeenByNeighbours');
  expect(await isDeleted('alone')).toBe(false);
  for (const by of ['base-1', 'base-2']) await tells(by, 'base-3', undefined);
  await heard('base-3');
  await judged('base-3', undefined);
});

test('while nobody has told, a pod that stays is left alone for half a minute, and then goes as Kubernetes has it', async () => {
  await makePod('waiting', 'base-3', { whenCut: 'stay', seconds: 1 });
  const begun = performance.now();
  await silent('base-3');
  await sleep(seconds(20));
  expect(await isDeleted('waiting')).toBe(false);
  await waitFor('waiting to be deleted', () => isDeleted('waiting'), { within: seconds(30) });
  expect(performance.now() - begun).toBeGreaterThan(30_000);
  expect(await cutOf('base-3')).toBe('Unknown NobodyLooked');
  await heard('base-3');
  await judged('base-3', undefined);
});

test('agents of the site look at silent neighbours and tell what they saw; once these are heard they take it back', async () => {
  const stop = new AbortController();
  const note = (): void => undefined;
  const agents = ['base-1', 'web-1'].map((node) =>
    runNeighbourAgent(
      { node, kube: api.kube, nodes: agentCaches(api.kube, stop.signal).nodes, note, knock },
      stop.signal,
    ),
  );
  const saysOf = async (name: string): Promise<readonly string[]> => {
    const conditions = (await api.kube.get(nodes, { name }))?.status?.conditions ?? [];
    return conditions
      .filter(({ type }) => type.startsWith('isthmus.dev/sees-'))
      .map(({ type, status, reason }) => `${type} ${status} ${reason}`);
  };
  // The kubelet of base-3 does not run, but the machine does.
  answers.set(addressOf(3), 'refused');
  await silent('base-3');
  await waitFor('base-1 to tell', async () => (await saysOf('base-1')).length === 1, { within: seconds(20) });
  expect(await saysOf('base-1')).toEqual(['isthmus.dev/sees-base-3 True Answers']);
  await judged('base-3', 'True SeenByNeighbours');
  await heard('base-3');
  await waitFor('base-1 to take it back', async () => (await saysOf('base-1')).length === 0, { within: seconds(20) });
  await silent('base-2');
  await waitFor('base-1 to tell', async () => (await saysOf('base-1')).length === 1, { within: seconds(30) });
  expect(await saysOf('base-1')).toEqual(['isthmus.dev/sees-base-2 False NoAnswer']);
  expect(await saysOf('web-1')).toEqual([]);
  await judged('base-2', 'False MachineDead');
  stop.abort(new Error('the test has ended'));
  await Promise.all(agents);
});

test('the parts of one agent follow all Nodes once: who is silent, and which addresses the nodes have, is told from the same copy', async () => {
  const stop = new AbortController();
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-agent-'));
  const followed: string[] = [];
  const kube: Kube = {
    ...api.kube,
    within: (limit) => api.kube.within(limit),
    cache: ((resource: Resource<KubeObject>, selection: Selection, ...more: [AbortSignal]) => {
      if (selection.fieldSelector === undefined) followed.push(resource.plural);
      return api.kube.cache(resource, selection, ...more);
    }) as Kube['cache'],
  };
  const caches = agentCaches(kube, stop.signal);
  const note = (): void => undefined;
  const agent = runNeighbourAgent({ node: 'base-1', kube, nodes: caches.nodes, note, knock }, stop.signal);
  let changes = 0;
  const file = join(folder, 'neighbours.json');
  const options = { kube, nodes: caches.nodes, file, note, onChange: () => changes++ };
  await establishCrds(api.kube, [podRangeCrd]);
  const neighbours = await Neighbours.open(options, stop.signal);
  await neighbours.tend();
  await waitFor('both copies to be complete', async () => changes > 0, { within: seconds(20) });
  await neighbours.tend();
  expect(neighbours.nodes.toSorted()).toEqual([1, 2, 3, 4].map(addressOf));
  const tells = async (): Promise<boolean> =>
    (await api.kube.get(nodes, { name: 'base-1' }))?.status?.conditions?.some(
      ({ type }) => type === 'isthmus.dev/sees-base-2',
    ) ?? false;
  await waitFor('base-1 to tell of base-2, which is still silent', tells, { within: seconds(30) });
  expect(followed.toSorted()).toEqual(['nodes', 'podranges']);
  stop.abort(new Error('the test has ended'));
  await agent;
  await rm(folder, { recursive: true });
});
