import { Bug } from '#unit/bug.ts';
import { type Ms, ms, seconds } from '#unit/clock.ts';
import type { KubeAccess } from './access.ts';
import { type Kube, KubeError, type KubeObject, type Name, type Resource, type Selection } from './kube.ts';
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
 * @example const kube = connect(parseKubeconfig(text)); await kube.get(nodes, { name: 'web-1' })
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
  const { transport, closed, silence, onTrouble } = link;
  const ask = jsonAsker(transport, within);

  return {
    async get(resource, at) {
      try {
        return await ask(`getting ${label(resource, at)}`, 'GET', pathOf(resource, at.namespace, at.name));
      } catch (e) {
        if (e instanceof KubeError && e.status === 404) return undefined;
        throw e;
      }
    },

    list: (resource, selection = {}) => listAll(transport, resource, selection, within),

    create: (resource, object) =>
      ask(`creating ${label(resource, object.metadata)}`, 'POST', pathOf(resource, object.metadata.namespace ?? ''), {
        body: typed(resource, object),
      }),

    replace: (resource, object, { subresource } = {}) =>
      ask(`replacing ${label(resource, object.metadata)}`, 'PUT', objectPath(resource, object.metadata, subresource), {
        body: typed(resource, object),
      }),

    apply: (resource, object, { manager, force = false, subresource }) =>
      ask(`applying ${label(resource, object.metadata)}`, 'PATCH', objectPath(resource, object.metadata, subresource), {
        body: typed(resource, object),
        query: { fieldManager: manager, force: String(force) },
        contentType: 'application/apply-patch+yaml',
      }),

    merge: (resource, at, patch, { subresource } = {}) =>
      ask(`patching ${label(resource, at)}`, 'PATCH', objectPath(resource, at, subresource), {
        body: patch,
        contentType: 'application/merge-patch+json',
      }),

    async delete(resource, at, { uid, graceSeconds } = {}) {
      const body = {
        ...(uid !== undefined && { preconditions: { uid } }),
        ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }),
      };
      try {
        await ask(`deleting ${label(resource, at)}`, 'DELETE', objectPath(resource, at), { body });
      } catch (e) {
        if (!(e instanceof KubeError && e.status === 404)) throw e;
      }
    },

    read: (path, own = {}) =>
      transport.ask({ doing: `reading ${path}`, method: 'GET', path, within: own.within ?? within }),

    cache: <T extends KubeObject, K>(
      resource: Resource<T>,
      selection: Selection,
      stop: AbortSignal,
      keep: (object: T) => K | T = withoutManagedFields,
    ) =>
      watchCache(
        (query, signal) =>
          transport.open({
            doing: `watching ${resource.plural}`,
            path: pathOf(resource, selection.namespace),
            query: { ...selectors(selection), ...query },
            silence,
            signal,
          }),
        keep,
        { what: resource.plural, stop: AbortSignal.any([stop, closed.signal]), onTrouble },
      ),

    within: (limit) => kubeOver(link, limit),

    async close() {
      closed.abort(new Error('the client was closed'));
      await transport.close();
    },
  };
}

interface More {
  readonly body?: object;
  readonly query?: Readonly<Record<string, string>>;
  readonly contentType?: string;
}

function jsonAsker(transport: Transport, within: Ms) {
  return async <T>(
    doing: string,
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    more: More = {},
  ): Promise<T> => JSON.parse(await transport.ask({ doing, method, path, within, ...more })) as T;
}

interface Page<T> {
  readonly metadata: { readonly continue?: string };
  readonly items: readonly T[];
}

async function listAll<T extends KubeObject>(
  transport: Transport,
  resource: Resource<T>,
  selection: Selection,
  within: Ms,
): Promise<readonly T[]> {
  const end = performance.now() + within;
  let items: T[] = [];
  let next = '';
  for (;;) {
    const left = ms(Math.max(end - performance.now(), 1));
    const page = await pageOf(transport, resource, selection, next, left);
    // The snapshot that the pages are cut from was compacted away: only a new one is consistent.
    if (page === 'expired') items = [];
    else for (const item of page.items) items.push(typed(resource, item));
    next = page === 'expired' ? '' : (page.metadata.continue ?? '');
    if (page !== 'expired' && next === '') return items;
  }
}

async function pageOf<T extends KubeObject>(
  transport: Transport,
  resource: Resource<T>,
  selection: Selection,
  next: string,
  within: Ms,
): Promise<Page<T> | 'expired'> {
  // 500 as kubectl and client-go page: bounds the memory of both sides.
  const query = { ...selectors(selection), limit: '500', ...(next !== '' && { continue: next }) };
  const path = pathOf(resource, selection.namespace);
  try {
    return JSON.parse(await transport.ask({ doing: `listing ${resource.plural}`, method: 'GET', path, query, within }));
  } catch (e) {
    if (e instanceof KubeError && e.status === 410 && next !== '') return 'expired';
    throw e;
  }
}

/** Items of a list come without apiVersion and kind; with them an object reads the same wherever it came from. */
function typed<T extends object>(resource: Resource<KubeObject>, object: T): T {
  const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  return { apiVersion, kind: resource.kind, ...object };
}

function selectors({ labelSelector, fieldSelector }: Selection): Record<string, string> {
  return {
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
  };
}

function objectPath(resource: Resource<KubeObject>, at: Name, subresource?: string): string {
  const path = pathOf(resource, at.namespace ?? '', at.name);
  return subresource === undefined ? path : `${path}/${subresource}`;
}

function pathOf(resource: Resource<KubeObject>, namespace?: string, name?: string): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  if (resource.namespaced && !namespace && (name !== undefined || namespace === ''))
    throw new Bug('a namespaced object was named without its namespace', { kind: resource.kind, name });
  const place = resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${place}/${resource.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}

function label(resource: Resource<KubeObject>, at: Name): string {
  return `${resource.plural} ${at.namespace ? `${at.namespace}/` : ''}${at.name}`;
}
