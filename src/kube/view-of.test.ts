import { expect, test } from 'vitest';
import type { KubeObject, WatchCache } from './kube.ts';
import { viewOf } from './view-of.ts';
import { keyOf, watchStore } from './watch-store.ts';

function shared() {
  const listeners = new Set<(key: string) => void>();
  const store = watchStore<KubeObject, KubeObject>(
    (key) => {
      for (const listen of listeners) listen(key);
    },
    (object) => object,
  );
  const cache: WatchCache<KubeObject> = {
    synced: Promise.resolve(),
    get: (at) => store.get(at),
    list: () => store.list(),
    onChange: (listen) => {
      listeners.add(listen);
      return () => listeners.delete(listen);
    },
    staleSince: undefined,
  };
  return { cache, store, listeners };
}
const pod = (name: string, resourceVersion: string) => ({
  metadata: { name, namespace: 'shop', uid: name, resourceVersion },
});

test('a controller that is started again hears of what was there before it listened, and of what comes', () => {
  const { cache, store, listeners } = shared();
  store.put(pod('old', '1'));
  const end = new AbortController();
  const heard: string[] = [];
  viewOf(cache, keyOfKept, end.signal).onChange((key) => heard.push(key));
  store.put(pod('new', '2'));
  expect(heard).toEqual(['shop/old', 'shop/new']);
  end.abort();
  store.put(pod('late', '3'));
  expect(heard).toHaveLength(2);
  expect(listeners.size).toBe(0);
});

test('two readers share one copy, each sees its own part of an object, made once for each version', () => {
  const { cache, store } = shared();
  store.put(pod('a', '1'));
  let made = 0;
  const end = new AbortController().signal;
  const versions = viewOf(
    cache,
    ({ metadata }) => {
      made++;
      return metadata.resourceVersion;
    },
    end,
  );
  const keys = viewOf(cache, keyOfKept, end);
  const at = { name: 'a', namespace: 'shop' };
  expect([versions.get(at), versions.get(at), versions.list(), keys.get(at)]).toEqual(['1', '1', ['1'], 'shop/a']);
  expect(made).toBe(1);
  store.put(pod('a', '2'));
  expect([versions.get(at), made, versions.get({ name: 'b', namespace: 'shop' })]).toEqual(['2', 2, undefined]);
});

function keyOfKept({ metadata }: KubeObject): string {
  return keyOf(metadata);
}
