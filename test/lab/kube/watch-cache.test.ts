import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect } from '#kube/client.ts';
import { KubeError, type WatchCache } from '#kube/kube.ts';
import { type ConfigMapObject, configMaps, namespaces } from '#kube/resources.ts';
import { keyOf } from '#kube/watch-store.ts';
import { type Ms, ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { type Proxy, startProxy } from '../../support/proxy.ts';

const api = apiServerForTests();
let wire: Proxy;
/** Straight to the server, and over the wire that a test may cut. */
let namespace = '';
let ends: (() => Promise<void>)[] = [];

beforeEach(async () => {
  wire = await startProxy(api.server.port);
  ends = [() => wire.close()];
  namespace = `ns-${Math.random().toString(36).slice(2, 8)}`;
  await api.kube.create(namespaces, { metadata: { name: namespace } });
});

afterEach(async () => {
  for (const end of ends.toReversed()) await end();
});

interface Followed {
  readonly cache: WatchCache<ConfigMapObject>;
  readonly stop: AbortController;
  readonly troubles: Error[];
  /** What listeners heard, each key with what the cache held at that moment. */
  readonly heard: { readonly key: string; readonly uid: string | undefined }[];
}

async function follow(silence: Ms = seconds(150), labelSelector?: string): Promise<Followed> {
  const troubles: Error[] = [];
  const kube = connect(
    { ...api.server.access, server: `https://127.0.0.1:${wire.port}` },
    { silence, onTrouble: (trouble) => troubles.push(trouble) },
  );
  const stop = new AbortController();
  ends.push(() => kube.close());
  const cache = kube.cache(configMaps, { namespace, ...(labelSelector && { labelSelector }) }, stop.signal);
  const heard: Followed['heard'] = [];
  cache.onChange((key) => {
    const name = key.slice(namespace.length + 1);
    heard.push({ key: name, uid: cache.get({ namespace, name })?.metadata.uid });
  });
  await cache.synced;
  return { cache, stop, troubles, heard };
}

const named = (name: string, data: Record<string, string> = {}): ConfigMapObject => ({
  metadata: { name, namespace },
  data,
});

/** Both in the same order and without what a cache leaves out, so that they can be compared as wholes. */
function comparable(objects: readonly ConfigMapObject[]): readonly unknown[] {
  return objects
    .map((object) => ({ ...object, metadata: { ...object.metadata, managedFields: undefined } }))
    .toSorted((a, b) => (keyOf(a.metadata) < keyOf(b.metadata) ? -1 : 1));
}

async function equalsFreshList(cache: WatchCache<ConfigMapObject>): Promise<void> {
  const fresh = comparable(await api.kube.list(configMaps, { namespace }));
  const equal = async (): Promise<boolean> => isDeepStrictEqual(comparable(cache.list()), fresh);
  // A copy that never becomes equal is shown by the comparison, not by the wait.
  await waitFor('the cache to equal a fresh list', equal, { within: seconds(40), every: ms(50) }).catch(
    () => undefined,
  );
  expect(comparable(cache.list())).toEqual(fresh);
}

/** Makes, changes and removes objects at random until told to end; a refusal or a dead server only costs the turn. */
function writeAtRandom(): { readonly written: () => number; end(): Promise<void> } {
  let going = true;
  let written = 0;
  const one = async (): Promise<void> => {
    while (going) {
      const object = named(`cm-${Math.floor(Math.random() * 40)}`, { n: String(Math.random()) });
      const write =
        Math.random() < 0.4
          ? api.kube.delete(configMaps, object.metadata)
          : api.kube.apply(configMaps, object, { manager: 'writer', force: true });
      await write.then(
        () => written++,
        (e: unknown) => {
          if (!(e instanceof KubeError)) throw e;
        },
      );
      await sleep(ms(5));
    }
  };
  const all = Promise.all([one(), one(), one()]);
  return {
    written: () => written,
    async end() {
      going = false;
      await all;
    },
  };
}

test('the copy follows writers through two power cuts of the API server', async () => {
  const { cache, troubles } = await follow();
  const writers = writeAtRandom();
  for (let cut = 0; cut < 2; cut++) {
    const before = writers.written();
    await waitFor('writers to have written', async () => writers.written() > before + 100, { within: seconds(30) });
    await api.server.kill();
    await api.server.restart();
  }
  const before = writers.written();
  await waitFor('writers to write again', async () => writers.written() > before + 100, { within: seconds(30) });
  await writers.end();
  await equalsFreshList(cache);
  expect(troubles.length).toBeGreaterThan(0);
  expect(cache.staleSince).toBeUndefined();
});

test('what came and went while the line was cut and history was compacted away is found at the return', async () => {
  await api.kube.create(configMaps, named('stays'));
  await api.kube.create(configMaps, named('goes'));
  const { cache, troubles, heard } = await follow();
  wire.cut();
  await waitFor('the cache to notice', async () => cache.staleSince !== undefined, { within: seconds(10) });
  heard.length = 0;
  await api.kube.delete(configMaps, named('goes').metadata);
  const come = await api.kube.create(configMaps, named('comes'));
  await api.server.kill();
  await api.server.etcd.compact();
  await api.server.restart();
  await api.kube.create(configMaps, named('later'));
  wire.mend();
  await equalsFreshList(cache);
  expect(troubles.some((trouble) => trouble instanceof KubeError && trouble.status === 410)).toBe(true);
  expect(heard).toContainEqual({ key: 'goes', uid: undefined });
  expect(heard).toContainEqual({ key: 'comes', uid: come.metadata.uid });
  expect(heard.map(({ key }) => key)).not.toContain('stays');
});

test('a server that stands still is noticed within the allowed silence, and its return too', async () => {
  const { cache } = await follow(seconds(3));
  const frozenAt = performance.now();
  api.server.freeze();
  await waitFor('the cache to notice', async () => cache.staleSince !== undefined, {
    within: seconds(8),
    every: ms(50),
  });
  expect(performance.now() - frozenAt).toBeLessThan(5500);
  api.server.thaw();
  await api.kube.create(configMaps, named('after'));
  await waitFor('the cache to live again', async () => cache.staleSince === undefined, { within: seconds(30) });
  await equalsFreshList(cache);
});

test('a connection that swallows everything is replaced within the allowed silence', async () => {
  const { cache } = await follow(seconds(3));
  wire.blackHole();
  await api.kube.create(configMaps, named('unheard'));
  await waitFor('the change to arrive', async () => cache.get(named('unheard').metadata) !== undefined, {
    within: seconds(5),
  });
  await equalsFreshList(cache);
});

test('an object made anew under its old name is heard as gone and as come, watched or not', async () => {
  const first = await api.kube.create(configMaps, named('phoenix'));
  const { cache, heard } = await follow();
  heard.length = 0;
  const anew = async (): Promise<string | undefined> => {
    await api.kube.delete(configMaps, first.metadata);
    return (await api.kube.create(configMaps, named('phoenix'))).metadata.uid;
  };
  const second = await anew();
  await waitFor('the second', async () => cache.get(first.metadata)?.metadata.uid === second, { within: seconds(5) });
  wire.cut();
  await waitFor('the cache to notice', async () => cache.staleSince !== undefined, { within: seconds(10) });
  const third = await anew();
  await api.server.kill();
  await api.server.etcd.compact();
  await api.server.restart();
  wire.mend();
  await waitFor('the third', async () => cache.get(first.metadata)?.metadata.uid === third, { within: seconds(40) });
  const ofPhoenix = heard.filter(({ key }) => key === 'phoenix').map(({ uid }) => uid);
  expect(ofPhoenix).toEqual([undefined, second, undefined, third]);
});

test('an object that leaves the selection leaves the copy', async () => {
  await api.kube.create(configMaps, {
    ...named('labelled'),
    metadata: { ...named('labelled').metadata, labels: { on: 'yes' } },
  });
  const { cache } = await follow(seconds(150), 'on=yes');
  expect(cache.list()).toHaveLength(1);
  await api.kube.merge(configMaps, named('labelled').metadata, { metadata: { labels: { on: 'no' } } });
  await waitFor('it to leave', async () => cache.list().length === 0, { within: seconds(5) });
});

test('an object of the copy can be written back, and nobody loses the fields they hold', async () => {
  await api.kube.apply(configMaps, named('held', { a: '1' }), { manager: 'holder' });
  const { cache } = await follow();
  const copy = cache.get(named('held').metadata) as ConfigMapObject;
  await api.kube.replace(configMaps, { ...copy, data: { ...copy.data, b: '2' } });
  const text = await api.kube.read(`/api/v1/namespaces/${namespace}/configmaps/held`);
  expect(text).toContain('"manager":"holder"');
});

test('the copy stands still once it is told to stop, and says so', async () => {
  const { cache, stop } = await follow();
  stop.abort(new Error('enough'));
  await waitFor('the cache to end', async () => cache.staleSince !== undefined, { within: seconds(5) });
  await api.kube.create(configMaps, named('too-late'));
  await sleep(ms(300));
  expect(cache.get(named('too-late').metadata)).toBeUndefined();
});

test('a cache stopped before it was complete says that it never was', async () => {
  wire.cut();
  const kube = connect({ ...api.server.access, server: `https://127.0.0.1:${wire.port}` });
  ends.push(() => kube.close());
  const stop = new AbortController();
  const cache = kube.cache(configMaps, { namespace }, stop.signal);
  stop.abort(new Error('enough'));
  await expect(cache.synced).rejects.toThrow('enough');
});
