import { afterEach, expect, test, vi } from 'vitest';
import type { KubeAccess } from '#kube/access.ts';
import { type ConnectOptions, connect } from '#kube/client.ts';
import { type Kube, KubeError, type KubeObject, type Resource, type WatchCache } from '#kube/kube.ts';
import { inClusterAccess } from '#kube/kubeconfig.ts';
import { elect } from '#kube/lease.ts';
import { type ConfigMapObject, configMaps, namespaces, pods } from '#kube/resources.ts';
import { seconds, waitFor } from '#unit/clock.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { startMeddler } from '../../support/meddler.ts';

// 0.02 is the most that a server takes: each fiftieth request makes it send GOAWAY on its connection.
const api = apiServerForTests({ flags: ['--goaway-chance=0.02'] });
let ends: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const end of ends.toReversed()) await end();
  ends = [];
});

function client(access: KubeAccess, opts: ConnectOptions = {}): Kube {
  const made = connect(access, opts);
  ends.push(() => made.close());
  return made;
}

async function newNamespace(): Promise<string> {
  const name = `ns-${Math.random().toString(36).slice(2, 8)}`;
  await api.kube.create(namespaces, { metadata: { name } });
  return name;
}

const configMap = (namespace: string, name: string, data: Record<string, string> = {}): ConfigMapObject => ({
  metadata: { namespace, name },
  data,
});

async function follow(by: Kube, namespace: string): Promise<WatchCache<ConfigMapObject>> {
  const stop = new AbortController();
  ends.push(() => stop.abort(new Error('the test has ended')));
  const cache = by.cache(configMaps, { namespace }, stop.signal);
  await cache.synced;
  return cache;
}

function holds(cache: WatchCache<ConfigMapObject>, object: ConfigMapObject): Promise<unknown> {
  const value = JSON.stringify(object.data);
  return waitFor(
    `${object.metadata.name} to arrive`,
    async () => JSON.stringify(cache.get(object.metadata)?.data) === value,
    { within: seconds(60), every: seconds(0.05) },
  );
}

/** Who the server takes us for. */
async function whoAmI(by: Kube): Promise<string | undefined> {
  const reviews: Resource<KubeObject & { status?: { userInfo: { username: string } } }> = {
    group: 'authentication.k8s.io',
    version: 'v1',
    plural: 'selfsubjectreviews',
    kind: 'SelfSubjectReview',
    namespaced: false,
  };
  const review = await by.create(reviews, { metadata: { name: '' } });
  return review.status?.userInfo.username;
}

test('a server that asks for new connections again and again costs no request and no event', async () => {
  const namespace = await newNamespace();
  const by = client(api.server.access, { within: seconds(60) });
  const cache = await follow(by, namespace);
  const names = Array.from({ length: 300 }, (_, n) => `cm-${n}`);
  for (let at = 0; at < names.length; at += 20)
    await Promise.all(
      names.slice(at, at + 20).map(async (name) => {
        await by.create(configMaps, configMap(namespace, name));
        expect((await by.get(configMaps, { namespace, name }))?.metadata.name).toBe(name);
      }),
    );
  await waitFor('all to arrive', async () => cache.list().length === names.length, { within: seconds(60) });
  expect(cache.list().map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(names));
});

test('a line of a watch that nobody can read is told without its words, and what it told comes again', async () => {
  const namespace = await newNamespace();
  const { clientCertificate: _, ca = '', ...rest } = api.server.access;
  const certificate = await api.server.sign('meddler', '/CN=meddler', 'IP:127.0.0.1');
  const meddler = await startMeddler({ to: api.server.port, ca, certificate });
  ends.push(() => meddler.close());
  const troubles: Error[] = [];
  const by = client(
    { ...rest, ca, server: `https://127.0.0.1:${meddler.port}`, token: () => api.server.token },
    { onTrouble: (trouble) => troubles.push(trouble) },
  );
  const cache = await follow(by, namespace);
  let meddled = 0;
  meddler.lines((line) => (line.includes('a-secret-word') && meddled++ === 0 ? line.slice(0, -20) : line));
  const lost = configMap(namespace, 'lost', { word: 'a-secret-word' });
  await api.kube.create(configMaps, lost);
  await holds(cache, lost);
  expect(meddled).toBe(2);
  expect(troubles).toHaveLength(1);
  expect(troubles[0]).toMatchObject({ status: 0, reason: 'Unreadable' });
  expect(String(troubles[0]?.stack)).not.toContain('a-secret-word');
});

test('a wall clock that jumps a day back or ahead disturbs neither a copy nor a lease', async () => {
  const namespace = await newNamespace();
  const troubles: Error[] = [];
  const by = client(api.server.access, { onTrouble: (trouble) => troubles.push(trouble) });
  const cache = await follow(by, namespace);
  const stop = new AbortController();
  let terms = 0;
  const standing = elect(
    by,
    { name: 'clock', namespace, identity: 'one', duration: seconds(8), renewWithin: seconds(6), every: seconds(0.2) },
    stop.signal,
    async (end) => {
      terms++;
      await new Promise((resolve) => end.addEventListener('abort', resolve, { once: true }));
    },
  );
  await waitFor('one to lead', async () => terms === 1, { within: seconds(20) });
  ends.push(() => void vi.useRealTimers());
  // The wall clock alone: timers and the monotonic clock go on.
  vi.useFakeTimers({ toFake: ['Date'] });
  const today = Date.now();
  for (const jump of [-86_400_000, 86_400_000]) {
    vi.setSystemTime(today + jump);
    const later = configMap(namespace, jump < 0 ? 'after-back' : 'after-ahead', { is: 'there' });
    await api.kube.create(configMaps, later);
    await holds(cache, later);
    await renewed(namespace);
  }
  expect(terms).toBe(1);
  expect(troubles).toEqual([]);
  stop.abort();
  await standing;
});

async function renewed(namespace: string): Promise<void> {
  const version = async (): Promise<string> => {
    const text = await api.kube.read(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/clock`);
    return (JSON.parse(text) as KubeObject).metadata.resourceVersion ?? '';
  };
  const before = await version();
  await waitFor('a renewal', async () => (await version()) !== before, { within: seconds(20) });
}

test("a pod whose token was replaced and taken away goes on with its folder's new one at once", async () => {
  const namespace = await newNamespace();
  const [first, second] = [await boundToken(namespace, 'first'), await boundToken(namespace, 'second')];
  let token = first;
  const folder: Record<string, () => string | undefined> = { 'ca.crt': () => api.server.access.ca, token: () => token };
  const access = await inClusterAccess(async (path) => folder[path.split('/').at(-1) ?? '']?.() ?? '', {
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: String(api.server.port),
  });
  const by = client(access);
  expect(await whoAmI(by)).toBe(`system:serviceaccount:${namespace}:default`);
  token = second;
  await api.kube.delete(pods, { namespace, name: 'first' }, { graceSeconds: 0 });
  const stale = client({ ...access, token: () => first });
  // The server remembers a good token for ten seconds.
  await waitFor('the first token to be refused', async () => (await statusOf(whoAmI(stale))) === 401, {
    within: seconds(60),
  });
  expect(await whoAmI(by)).toBe(`system:serviceaccount:${namespace}:default`);
});

async function statusOf(call: Promise<unknown>): Promise<number | undefined> {
  return call.then(
    () => undefined,
    (e: unknown) => (e instanceof KubeError ? e.status : undefined),
  );
}

/** A token that is good for as long as its pod is there. */
async function boundToken(namespace: string, name: string): Promise<string> {
  const accounts: Resource<KubeObject> = {
    group: '',
    version: 'v1',
    plural: 'serviceaccounts',
    kind: 'ServiceAccount',
    namespaced: true,
  };
  await api.kube.apply(accounts, { metadata: { namespace, name: 'default' } }, { manager: 'test' });
  const pod = await api.kube.create(pods, {
    metadata: { namespace, name },
    spec: { serviceAccountName: 'default', containers: [{ name: 'one', image: 'none' }] },
  } as Parameters<typeof api.kube.create<KubeObject>>[1]);
  const requests: Resource<KubeObject & { spec: object; status?: { token: string } }> = {
    group: '',
    version: 'v1',
    plural: 'serviceaccounts/default/token',
    kind: 'TokenRequest',
    namespaced: true,
  };
  const made = await api.kube.create(requests, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { name: 'default', namespace },
    spec: {
      audiences: ['https://kubernetes.default.svc'],
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid: pod.metadata.uid },
    },
  });
  if (made.status === undefined) throw new Error('the API server gave no token');
  return made.status.token;
}

test('a client certificate that was replaced is shown from the next request on, and copies go on', async () => {
  const namespace = await newNamespace();
  const old = await api.server.sign('old', '/O=system:masters/CN=old');
  const fresh = await api.server.sign('fresh', '/O=system:masters/CN=fresh');
  let certificate = old;
  const by = client({ ...api.server.access, clientCertificate: () => certificate });
  const cache = await follow(by, namespace);
  expect(await whoAmI(by)).toBe('old');
  certificate = fresh;
  expect(await whoAmI(by)).toBe('fresh');
  const later = configMap(namespace, 'later', { is: 'there' });
  await api.kube.create(configMaps, later);
  await holds(cache, later);
});
