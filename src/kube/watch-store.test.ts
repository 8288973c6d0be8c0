import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KubeObject } from './kube.ts';
import { watchStore, withoutManagedFields } from './watch-store.ts';

const object = (name: string, uid: string, version = '1'): KubeObject => ({
  metadata: { name, uid, resourceVersion: version },
});

/** A store and what its listener heard: each key with the version it found. */
function heard() {
  const changes: string[] = [];
  const store = watchStore<KubeObject, KubeObject>(
    (key) => changes.push(`${key}:${store.get({ name: key })?.metadata.uid ?? 'gone'}`),
    withoutManagedFields,
  );
  return { store, changes };
}

test('what is told twice in the same version is heard once', () => {
  const { store, changes } = heard();
  store.put(object('a', 'u1'));
  store.put(object('a', 'u1'));
  store.put(object('a', 'u1', '2'));
  expect(changes).toEqual(['a:u1', 'a:u1']);
  expect(store.list()).toEqual([object('a', 'u1', '2')]);
});

test('another object under the same name is heard as gone and as come', () => {
  const { store, changes } = heard();
  store.put(object('a', 'u1'));
  store.put(object('a', 'u2'));
  expect(changes).toEqual(['a:u1', 'a:gone', 'a:u2']);
});

test('what is not told again has gone, but only when all has been told', () => {
  const { store, changes } = heard();
  for (const name of ['a', 'b']) store.put(object(name, name));
  store.begin();
  store.put(object('b', 'b'));
  expect(store.list()).toHaveLength(2);
  store.complete();
  expect(changes).toEqual(['a:a', 'b:b', 'a:gone']);
});

test('a telling that broke off removes nothing', () => {
  const { store } = heard();
  for (const name of ['a', 'b']) store.put(object(name, name));
  store.begin();
  store.put(object('a', 'a'));
  store.begin();
  for (const name of ['b', 'a']) store.put(object(name, name));
  store.complete();
  expect(store.list()).toHaveLength(2);
});

test('the record of who wrote which field is left out', () => {
  const { store } = heard();
  store.put({ metadata: { name: 'a', managedFields: [{ manager: 'm' }] } } as KubeObject);
  expect(store.list()).toEqual([{ metadata: { name: 'a' } }]);
});

test('a store that keeps only a part still tells versions and objects of one name apart', () => {
  const changes: string[] = [];
  const store = watchStore<KubeObject, { readonly length: number }>(
    (key) => changes.push(`${key}:${store.get({ name: key })?.length ?? 'gone'}`),
    ({ metadata }) => ({ length: metadata.labels?.['text']?.length ?? 0 }),
  );
  const labelled = (uid: string, resourceVersion: string, text: string): KubeObject => ({
    metadata: { name: 'a', uid, resourceVersion, labels: { text } },
  });
  for (const told of [labelled('u1', '1', 'x'), labelled('u1', '1', 'x'), labelled('u1', '2', 'xyz')]) store.put(told);
  store.put(labelled('u2', '3', ''));
  expect(changes).toEqual(['a:1', 'a:3', 'a:gone', 'a:0']);
  expect(store.list()).toEqual([{ length: 0 }]);
});

test('objects of one name in two namespaces are two', () => {
  const { store } = heard();
  for (const namespace of ['x', 'y']) store.put({ metadata: { name: 'a', namespace, uid: namespace } });
  expect(store.get({ name: 'a', namespace: 'y' })?.metadata.uid).toBe('y');
  expect(store.list()).toHaveLength(2);
});

test('whatever was held before, after a full telling the store holds what was told', () => {
  const some = fc.array(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      uid: fc.constantFrom('1', '2'),
      version: fc.constantFrom('1', '2'),
    }),
  );
  fc.assert(
    fc.property(some, some, (before, told) => {
      const { store, changes } = heard();
      for (const { name, uid, version } of before) store.put(object(name, uid, version));
      store.begin();
      for (const { name, uid, version } of told) store.put(object(name, uid, version));
      store.complete();
      const expected = new Map<string, string>(told.map(({ name, uid }) => [name, uid]));
      expect(new Map(store.list().map(({ metadata }) => [metadata.name, metadata.uid]))).toEqual(expected);
      // The listener's last word on each key is what the store holds.
      const last = new Map(changes.map((change) => change.split(':') as [string, string]));
      for (const [name, uid] of last) expect(uid).toBe(expected.get(name) ?? 'gone');
    }),
  );
});
