import { type Ms, seconds } from '#unit/clock.ts';
import type { KubeAccess } from './access.ts';
import { type Kube, KubeError, type KubeObject, type Resource, type Selection, type WatchCache } from './kube.ts';
import { listAll } from './list-all.ts';
import { applying, creating, deleting, getting, merging, type Request, replacing, watching } from './requests.ts';
import { type Transport, transportTo } from './transport.ts';
import { watchCache } from './watch-cache.ts';
import { withoutManagedFields } from './watch-store.ts';

export interface ConnectOptions {
  /** The deadline of each call; 15 s unless told. */
  readonly within?: Ms;
  /**
   * How long a watch may be silent before its connection counts as dead; 150 s unless told. The server sends a bookmark about
   * once a minute, so anything below 70 s also cuts living watches.
   */
  readonly silence?: Ms;
  /** Hears of each trouble of a cache; the cache goes on by itself. Silent unless told. */
  readonly onTrouble?: (trouble: Error) => void;
}

/**
 * A client of one API server. Opens no connection before the first call.
 * @fails each call: KubeError; one without an answer has status 0 and reason `Unreachable` or `DeadlineExceeded`
 * @example const kube = connect(parseKubeconfig(text, 'shop')); await kube.get(nodes, { name: 'web-1' })
 */
export function connect(access: KubeAccess, opts: ConnectOptions = {}): Kube {
  const { within = seconds(15), silence = seconds(150), onTrouble = () => undefined } = opts;
  return kubeOver({ transport: transportTo(access), closed: new AbortController(), silence, onTrouble }, within);
}

interface Link {
  readonly transport: Transport;
  readonly closed: AbortController;
  readonly silence: Ms;
  readonly onTrouble: (trouble: Error) => void;
}

function kubeOver(link: Link, within: Ms): Kube {
  const { transport, closed } = link;
  const ask = async <T>(request: Request): Promise<T> => JSON.parse(await transport.ask({ ...request, within })) as T;

  return {
    get: async (resource, at) => unlessAbsent(ask(getting(resource, at))),
    list: async (resource, selection = {}) => listAll(transport, resource, selection, within),
    create: async (resource, object) => ask(creating(resource, object)),
    replace: async (resource, object, opts) => ask(replacing(resource, object, opts?.subresource)),
    apply: async (resource, object, opts) => ask(applying(resource, object, opts)),
    merge: async (resource, at, patch, opts) => ask(merging(resource, at, patch, opts?.subresource)),
    async delete(resource, at, opts = {}) {
      await unlessAbsent(ask(deleting(resource, at, opts)));
    },
    read: (path, own = {}) =>
      transport.ask({ doing: `reading ${path}`, method: 'GET', path, within: own.within ?? within }),
    cache: <T extends KubeObject, K>(
      resource: Resource<T>,
      selection: Selection,
      stop: AbortSignal,
      keep: (object: T) => K | T = withoutManagedFields,
    ) => cacheOver(link, resource, selection, stop, keep),
    within: (limit) => kubeOver(link, limit),
    async close() {
      closed.abort(new Error('the client was closed'));
      await transport.close();
    },
  };
}

function cacheOver<T extends KubeObject, K>(
  { transport, closed, silence, onTrouble }: Link,
  resource: Resource<T>,
  selection: Selection,
  stop: AbortSignal,
  keep: (object: T) => K,
): WatchCache<K> {
  return watchCache(
    (query, signal) => transport.open({ ...watching(resource, selection, query), silence, signal }),
    keep,
    { what: resource.plural, stop: AbortSignal.any([stop, closed.signal]), onTrouble },
  );
}

/** `undefined` on 404. */
async function unlessAbsent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (e) {
    if (e instanceof KubeError && e.status === 404) return undefined;
    throw e;
  }
}
