import type { KubeObject, WatchCache } from './kube.ts';
import { keyOf } from './watch-store.ts';

/**
 * A cache as one reader sees it, over a copy that several share: `keep` is asked once for each version of an object. Whoever
 * begins to listen hears of all objects that are there, also when the copy was complete long before; and no more after `end`.
 * @unit keep: gives the same for the same object, and must not throw
 */
export function viewOf<T extends KubeObject, K>(
  cache: WatchCache<T>,
  keep: (object: T) => K,
  end: AbortSignal,
): WatchCache<K> {
  const kept = new WeakMap<T, { readonly value: K }>();
  const seen = (object: T): K => {
    const known = kept.get(object) ?? { value: keep(object) };
    kept.set(object, known);
    return known.value;
  };
  return {
    synced: cache.synced,
    get: (at) => {
      const object = cache.get(at);
      return object === undefined ? undefined : seen(object);
    },
    list: () => cache.list().map(seen),
    onChange(listen) {
      if (end.aborted) return () => undefined;
      const there = cache.list().map(({ metadata }) => keyOf(metadata));
      const stop = cache.onChange(listen);
      end.addEventListener('abort', stop, { once: true });
      for (const key of there) listen(key);
      return stop;
    },
    get staleSince() {
      return cache.staleSince;
    },
  };
}
