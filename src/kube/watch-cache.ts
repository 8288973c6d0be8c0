import { type Ms, ms, now, sleep } from '#unit/clock.ts';
import { KubeError, type KubeObject, type WatchCache } from './kube.ts';
import { linesOf } from './lines-of.ts';
import { parseWatchEvent } from './parse-watch-event.ts';
import { firstDelay, planWatch, type WatchEnd } from './plan-watch.ts';
import { type WatchStore, watchStore } from './watch-store.ts';

/** Opens one watch: the query is the watch's own part. Fails with `KubeError`; so does the stream when it breaks. */
export type OpenWatch = (
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<AsyncIterable<Uint8Array>>;

/**
 * Follows a selection from now on until `stop`: through broken and silent connections, restarts of the server and expired
 * versions.
 * @fails `synced` rejects with the reason of `stop` when that comes first; troubles go to `onTrouble` and end nothing
 * @source https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists
 */
export function watchCache<T extends KubeObject, K>(
  open: OpenWatch,
  keep: (object: T) => K,
  on: Following,
): WatchCache<K> {
  const listeners = new Set<(key: string) => void>();
  const store = watchStore<T, K>((key) => {
    for (const listen of listeners) guarded(() => listen(key), on.onTrouble);
  }, keep);
  const synced = Promise.withResolvers<void>();
  // Whoever does not wait for it must not be ended by its rejection.
  synced.promise.catch(() => undefined);
  const health: Health = { staleSince: now(), synced: () => synced.resolve() };
  void follow(open, store, health, on).finally(() => synced.reject(on.stop.reason as Error));

  return {
    synced: synced.promise,
    get: (at) => store.get(at),
    list: () => store.list(),
    onChange(listen) {
      listeners.add(listen);
      return () => listeners.delete(listen);
    },
    get staleSince() {
      return health.staleSince;
    },
  };
}

export interface Following {
  /** The plural of the resource, for errors. */
  readonly what: string;
  readonly stop: AbortSignal;
  /** Must not throw. */
  readonly onTrouble: (trouble: Error) => void;
}

interface Watched<T extends KubeObject, K> {
  readonly open: OpenWatch;
  readonly store: WatchStore<T, K>;
  readonly health: Health;
  readonly what: string;
  readonly stop: AbortSignal;
}

interface Health {
  staleSince: number | undefined;
  synced(): void;
}

async function follow<T extends KubeObject, K>(
  open: OpenWatch,
  store: WatchStore<T, K>,
  health: Health,
  { what, stop, onTrouble }: Following,
): Promise<void> {
  let version: string | undefined;
  let delay: Ms = firstDelay;
  while (!stop.aborted) {
    const { end, trouble } = await watchOnce<T, K>({ open, store, health, what, stop }, version);
    if (stop.aborted) break;
    if (trouble !== undefined) onTrouble(trouble);
    const next = planWatch(end, delay, Math.random());
    ({ version, delay } = next);
    await sleep(next.wait, stop).catch(() => undefined);
  }
  health.staleSince ??= now();
}

/** One watch from its opening to its end, whatever ends it. */
async function watchOnce<T extends KubeObject, K>(
  { open, store, health, what, stop }: Watched<T, K>,
  from: string | undefined,
): Promise<{ readonly end: WatchEnd; readonly trouble: Error | undefined }> {
  const start = performance.now();
  const staleBefore = health.staleSince;
  let version = from;
  let lived = false;
  let how: WatchEnd['how'] = 'ended';
  let trouble: Error | undefined;
  try {
    const body = await open(queryFrom(from), stop);
    if (from === undefined) store.begin();
    else health.staleSince = undefined;
    for await (const line of linesOf(body)) {
      const event = parseWatchEvent<T>(`watching ${what}`, line);
      lived = true;
      if (event.type === 'DELETED') store.remove(event.object);
      else if (event.type !== 'BOOKMARK') store.put(event.object);
      else if (version === undefined && isEndOfInitial(event.object)) {
        store.complete();
        health.staleSince = undefined;
        health.synced();
        version = event.object.metadata.resourceVersion;
      }
      // Never from an initial event: those carry versions in no order, and going on from one would lose the rest.
      if (version !== undefined) version = event.object.metadata.resourceVersion ?? version;
    }
  } catch (e) {
    trouble = e as Error;
    how = e instanceof KubeError && e.status === 410 ? 'expired' : 'broken';
  }
  // A watch that only said "expired" never was alive: the copy is as old as it was before.
  health.staleSince ??= lived ? now() : (staleBefore ?? now());
  const retryAfter = trouble instanceof KubeError ? trouble.retryAfter : undefined;
  return { end: { how, lasted: ms(performance.now() - start), lived, version, retryAfter }, trouble };
}

function queryFrom(version: string | undefined): Record<string, string> {
  return {
    watch: '1',
    allowWatchBookmarks: 'true',
    // By chance, so that the watches of a process do not all end together.
    timeoutSeconds: String(240 + Math.floor(Math.random() * 240)),
    ...(version === undefined
      ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
      : { resourceVersion: version }),
  };
}

function isEndOfInitial(bookmark: KubeObject): boolean {
  return bookmark.metadata.annotations?.['k8s.io/initial-events-end'] === 'true';
}

/** A listener that throws is a fault of its own: it must not break the watch that everybody else reads. */
function guarded(call: () => void, onTrouble: (trouble: Error) => void): void {
  try {
    call();
  } catch (e) {
    onTrouble(e as Error);
  }
}
