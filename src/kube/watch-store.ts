import type { KubeObject, Name } from './kube.ts';

/** The objects of one selection as its watch tells them, each as what is kept of it, and who wants to know of changes. */
export interface WatchStore<T extends KubeObject, K> {
  /** All objects are about to be told again. */
  begin(): void;
  /** They have all been told: what was not among them went while nobody watched. */
  complete(): void;
  put(object: T): void;
  remove(object: T): void;
  get(at: Name): K | undefined;
  list(): readonly K[];
}

/** @unit changed: hears the key after each change; an object made anew under an old name is told twice, gone and come */
export function watchStore<T extends KubeObject, K>(
  changed: (key: string) => void,
  keep: (object: T) => K,
): WatchStore<T, K> {
  const entries = new Map<string, Entry<K>>();
  let told: Set<string> | undefined;

  const drop = (key: string): void => {
    if (entries.delete(key)) changed(key);
  };

  return {
    begin() {
      told = new Set();
    },
    complete() {
      for (const key of entries.keys()) if (told?.has(key) === false) drop(key);
      told = undefined;
    },
    put(object) {
      const key = keyOf(object.metadata);
      told?.add(key);
      const { uid, resourceVersion: version } = object.metadata;
      const before = entries.get(key);
      if (before !== undefined && before.uid !== uid) drop(key);
      else if (before !== undefined && before.version === version) return;
      entries.set(key, { uid, version, kept: keep(object) });
      changed(key);
    },
    remove: (object) => drop(keyOf(object.metadata)),
    get: (at) => entries.get(keyOf(at))?.kept,
    list: () => Array.from(entries.values(), ({ kept }) => kept),
  };
}

/** Identity and version stand beside what is kept, which need not hold them. */
interface Entry<K> {
  readonly uid: string | undefined;
  readonly version: string | undefined;
  readonly kept: K;
}

/** `namespace/name`, or `name` for what lives in no namespace. */
export function keyOf({ namespace, name }: Name): string {
  return namespace ? `${namespace}/${name}` : name;
}

/** They are more than a quarter of an object's text, and no reader of a cache asks who wrote which field. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata as T['metadata'] & { readonly managedFields?: unknown };
  return { ...object, metadata };
}
