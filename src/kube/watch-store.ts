import type { KubeObject, Name } from './kube.ts';

/** The objects of one selection as its watch tells them, and who wants to know of changes. */
export interface WatchStore<T extends KubeObject> {
  /** All objects are about to be told again. */
  begin(): void;
  /** They have all been told: what was not among them went while nobody watched. */
  complete(): void;
  put(object: T): void;
  remove(object: T): void;
  get(at: Name): T | undefined;
  list(): readonly T[];
}

/** @unit changed: hears the key after each change; an object made anew under an old name is told twice, gone and come */
export function watchStore<T extends KubeObject>(changed: (key: string) => void): WatchStore<T> {
  const objects = new Map<string, T>();
  let told: Set<string> | undefined;

  const drop = (key: string): void => {
    if (objects.delete(key)) changed(key);
  };

  return {
    begin() {
      told = new Set();
    },
    complete() {
      for (const key of objects.keys()) if (told?.has(key) === false) drop(key);
      told = undefined;
    },
    put(object) {
      const key = keyOf(object.metadata);
      told?.add(key);
      const before = objects.get(key)?.metadata;
      if (before?.uid !== object.metadata.uid) drop(key);
      else if (before?.resourceVersion === object.metadata.resourceVersion && before !== undefined) return;
      objects.set(key, withoutManagedFields(object));
      changed(key);
    },
    remove: (object) => drop(keyOf(object.metadata)),
    get: (at) => objects.get(keyOf(at)),
    list: () => [...objects.values()],
  };
}

/** `namespace/name`, or `name` for what lives in no namespace. */
export function keyOf({ namespace, name }: Name): string {
  return namespace ? `${namespace}/${name}` : name;
}

/** They are more than a quarter of an object's text, and no reader of a cache asks who wrote which field. */
function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata as T['metadata'] & { readonly managedFields?: unknown };
  return { ...object, metadata };
}
