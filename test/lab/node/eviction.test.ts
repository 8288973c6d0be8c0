import { afterAll, beforeAll, expect, test } from 'vitest';
import { events, recordEvents } from '#kube/events.ts';
import type { KubeObject } from '#kube/kube.ts';
import { namespaces, nodes, type PodObject, pods, type Toleration } from '#kube/resources.ts';
import { runEvictionController } from '#node/cut/eviction-controller.ts';
import { seconds, sleep, waitFor } from '#unit/clock.ts';
import { sharedCaches } from '../../../src/program/shared-caches.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';

/** Pods on nodes with NoExecute taints, on a real API server without kubelets: what is deleted stays there as a pod that is being deleted. */
const api = apiServerForTests();
const end = new AbortController();
let work: Promise<unknown> | undefined;

const taint = { key: 'test', value: 'yes', effect: 'NoExecute' };

beforeAll(async () => {
  await api.kube.create(namespaces, { metadata: { name: 'shop' } });
  const told = recordEvents(api.kube, {
    controller: 'isthmus.dev/controller',
    instance: 'test',
    stop: end.signal,
    onLost: () => undefined,
  });
  const caches = sharedCaches(api.kube, end.signal);
  work = runEvictionController({ kube: api.kube, caches, events: told, note: () => undefined }, end.signal);
  work.catch(() => undefined);
});

afterAll(async () => {
  end.abort(new Error('the tests have ended'));
  await work;
});

async function makeNode(name: string, taints: readonly object[] = []): Promise<void> {
  await api.kube.create(nodes, { metadata: { name }, spec: { taints } } as KubeObject);
}

async function setTaints(name: string, taints: readonly object[]): Promise<void> {
  await api.kube.merge(nodes, { name }, { spec: { taints } });
}

async function makePod(name: string, nodeName: string, tolerations: readonly Toleration[] = []): Promise<void> {
  const containers = [{ name: 'main', image: 'none' }];
  await api.kube.create(pods, {
    metadata: { name, namespace: 'shop' },
    spec: { nodeName, tolerations, containers, automountServiceAccountToken: false },
  } as KubeObject);
}

const tolerating = (tolerationSeconds?: number): Toleration => ({
  key: 'test',
  operator: 'Exists',
  effect: 'NoExecute',
  ...(tolerationSeconds !== undefined && { tolerationSeconds }),
});

const seenOf = (name: string): Promise<PodObject | undefined> => api.kube.get(pods, { name, namespace: 'shop' });
const isDeleted = async (name: string): Promise<boolean> => {
  const pod = await seenOf(name);
  return pod === undefined || pod.metadata.deletionTimestamp !== undefined;
};
const deleted = (name: string): Promise<boolean> =>
  waitFor(`${name} to be deleted`, () => isDeleted(name), { within: seconds(10) });

/** Notes of the Events about a pod. */
async function toldOf(name: string): Promise<readonly string[]> {
  const all = await api.kube.list(events, { namespace: 'shop' });
  return all
    .filter(({ regarding }) => regarding?.name === name)
    .map(({ reason, type, note }) => `${type} ${reason}: ${note}`);
}

test('a pod that does not tolerate a new taint of its node is deleted at once, marked as disrupted, and an Event says so', async () => {
  await makeNode('one');
  await makePod('frail', 'one');
  await makePod('patient', 'one', [tolerating()]);
  await setTaints('one', [taint]);
  await deleted('frail');
  const conditions = (await seenOf('frail'))?.status?.conditions ?? [];
  expect(conditions.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
  });
  await waitFor('the Event', async () => (await toldOf('frail')).length > 0, { within: seconds(10) });
  expect(await toldOf('frail')).toEqual(['Normal TaintManagerEviction: Marking for deletion Pod shop/frail']);
  expect(await isDeleted('patient')).toBe(false);
});

test('a pod that comes to a tainted node is deleted when its toleration ends, and not before', async () => {
  await makeNode('two', [taint]);
  const begun = performance.now();
  await makePod('guest', 'two', [tolerating(3)]);
  await deleted('guest');
  expect(performance.now() - begun).toBeGreaterThan(2900);
});

test('a taint that goes in time takes the eviction back, and an Event says so', async () => {
  await makeNode('three', [taint]);
  await makePod('spared', 'three', [tolerating(4)]);
  await sleep(seconds(1));
  await setTaints('three', []);
  await waitFor('the Event', async () => (await toldOf('spared')).length > 0, { within: seconds(10) });
  expect(await toldOf('spared')).toEqual(['Normal TaintManagerEviction: Cancelling deletion of Pod shop/spared']);
  await sleep(seconds(4));
  expect(await isDeleted('spared')).toBe(false);
});

test('a toleration that a waiting pod gets for ever takes the eviction back', async () => {
  await makeNode('four', [taint]);
  await makePod('pardoned', 'four', [tolerating(4)]);
  await sleep(seconds(1));
  const pod = await seenOf('pardoned');
  const tolerations = (pod?.spec?.tolerations ?? []).map((one) => (one.key === 'test' ? tolerating() : one));
  await api.kube.merge(pods, { name: 'pardoned', namespace: 'shop' }, { spec: { tolerations } });
  await sleep(seconds(5));
  expect(await isDeleted('pardoned')).toBe(false);
});

test('a pod that was made anew under its name waits anew, and a Node that is gone evicts nobody', async () => {
  await makeNode('five', [taint]);
  await makePod('again', 'five', [tolerating(4)]);
  await sleep(seconds(2));
  await api.kube.delete(pods, { name: 'again', namespace: 'shop' }, { graceSeconds: 0 });
  const begun = performance.now();
  await makePod('again', 'five', [tolerating(4)]);
  await deleted('again');
  expect(performance.now() - begun).toBeGreaterThan(3900);

  await makePod('left', 'five', [tolerating(2)]);
  await api.kube.delete(nodes, { name: 'five' });
  await sleep(seconds(3));
  expect(await isDeleted('left')).toBe(false);
});
