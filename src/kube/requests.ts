import { Bug } from '#unit/bug.ts';
import type { Ms } from '#unit/clock.ts';
import type { ApplyOptions, DeleteOptions, KubeObject, Name, PartialOf, Resource, Selection } from './kube.ts';

/** One request to the API server, as a value. */
export interface Request {
  /** For the error: `getting nodes web-1`. */
  readonly doing: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** `application/json` when left out. */
  readonly contentType?: string;
}

/** A request for a stream of events. */
export interface WatchRequest {
  readonly doing: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** How long the stream may be silent before it counts as dead. */
  readonly silence: Ms;
  readonly signal: AbortSignal;
}

type AnyResource = Resource<KubeObject>;

export function getting(resource: AnyResource, at: Name): Request {
  return { doing: `getting ${label(resource, at)}`, method: 'GET', path: objectPath(resource, at) };
}

/** One page of a list. @unit next: where the last page said to go on; `''` for the first */
export function listing(resource: AnyResource, selection: Selection, next: string): Request {
  return {
    doing: `listing ${resource.plural}`,
    method: 'GET',
    path: collectionPath(resource, selection.namespace),
    // 500 as kubectl and client-go page: bounds the memory of both sides.
    query: { ...selectors(selection), limit: '500', ...(next !== '' && { continue: next }) },
  };
}

export function creating(resource: AnyResource, object: KubeObject): Request {
  const path = collectionPath(resource, placeOf(resource, object.metadata));
  return { doing: `creating ${label(resource, object.metadata)}`, method: 'POST', path, body: typed(resource, object) };
}

export function replacing(resource: AnyResource, object: KubeObject, subresource: string | undefined): Request {
  const { metadata } = object;
  const path = objectPath(resource, metadata, subresource);
  return { doing: `replacing ${label(resource, metadata)}`, method: 'PUT', path, body: typed(resource, object) };
}

export function applying(
  resource: AnyResource,
  object: PartialOf<KubeObject>,
  { manager, force = false, subresource }: ApplyOptions,
): Request {
  return {
    doing: `applying ${label(resource, object.metadata)}`,
    method: 'PATCH',
    path: objectPath(resource, object.metadata, subresource),
    query: { fieldManager: manager, force: String(force) },
    body: typed(resource, object),
    contentType: 'application/apply-patch+yaml',
  };
}

export function merging(resource: AnyResource, at: Name, patch: object, subresource: string | undefined): Request {
  return {
    doing: `patching ${label(resource, at)}`,
    method: 'PATCH',
    path: objectPath(resource, at, subresource),
    body: patch,
    contentType: 'application/merge-patch+json',
  };
}

export function deleting(
  resource: AnyResource,
  at: Name,
  { uid, resourceVersion, graceSeconds }: DeleteOptions,
): Request {
  const preconditions = {
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
  const body = {
    ...(Object.keys(preconditions).length > 0 && { preconditions }),
    ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }),
  };
  return { doing: `deleting ${label(resource, at)}`, method: 'DELETE', path: objectPath(resource, at), body };
}

export function watching(
  resource: AnyResource,
  selection: Selection,
  query: Readonly<Record<string, string>>,
): Pick<WatchRequest, 'doing' | 'path' | 'query'> {
  return {
    doing: `watching ${resource.plural}`,
    path: collectionPath(resource, selection.namespace),
    query: { ...selectors(selection), ...query },
  };
}

/** Items of a list come without apiVersion and kind; with them an object reads the same wherever it came from. */
export function typed<T extends object>(resource: AnyResource, object: T): T {
  const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  return { apiVersion, kind: resource.kind, ...object };
}

function selectors({ labelSelector, fieldSelector }: Selection): Record<string, string> {
  return {
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
  };
}

function objectPath(resource: AnyResource, at: Name, subresource?: string): string {
  const path = `${collectionPath(resource, placeOf(resource, at))}/${encodeURIComponent(at.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** The namespace of one object; `undefined` for what lives in none. */
function placeOf(resource: AnyResource, { namespace, name }: Name): string | undefined {
  if (!resource.namespaced) return undefined;
  if (namespace) return namespace;
  throw new Bug('a namespaced object was named without its namespace', { kind: resource.kind, name });
}

/** @unit namespace: all of them when left out */
function collectionPath({ group, version, plural, namespaced }: AnyResource, namespace: string | undefined): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}${namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''}/${plural}`;
}

function label(resource: AnyResource, { namespace, name }: Name): string {
  return `${resource.plural} ${namespace ? `${namespace}/` : ''}${name}`;
}
