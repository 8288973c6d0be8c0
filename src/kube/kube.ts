import type { Ms } from '#unit/clock.ts';

/** The part of `metadata` that we read and write. */
export interface Meta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
    readonly controller?: boolean;
  }[];
}

/** Any Kubernetes object as it is on the wire. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Meta;
}

/** Names a resource of the API and, by its type parameter, the shape of its objects. */
export interface Resource<T extends KubeObject> {
  /** `''` for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Carries the type only; never set. */
  readonly shape?: T;
}

export interface Name {
  readonly name: string;
  readonly namespace?: string;
}

export interface Selection {
  /** All namespaces when left out. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** The Kubernetes API. Every call ends within its deadline (15 s unless told) and throws `KubeError` when the server refuses. */
export interface Kube {
  /** The object, or `undefined` on 404. */
  get<T extends KubeObject>(resource: Resource<T>, at: Name): Promise<T | undefined>;
  /** All objects of the selection, page by page. */
  list<T extends KubeObject>(resource: Resource<T>, selection?: Selection): Promise<readonly T[]>;
  /** Makes the object. @fails KubeError 409 AlreadyExists */
  create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T>;
  /** Writes the whole object at its `metadata.resourceVersion`. @fails KubeError 409 Conflict when it has moved on */
  replace<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    opts?: { readonly subresource?: 'status' | 'approval' },
  ): Promise<T>;
  /**
   * Server-side apply: the fields given become ours, everything else stays.
   * @fails KubeError 409 with `conflicts` when another manager holds a field and `force` is not set
   */
  apply<T extends KubeObject>(resource: Resource<T>, object: PartialOf<T>, opts: ApplyOptions): Promise<T>;
  /** JSON merge patch. */
  merge<T extends KubeObject>(
    resource: Resource<T>,
    at: Name,
    patch: object,
    opts?: { readonly subresource?: 'status' },
  ): Promise<T>;
  /** Deletes; one already gone is success. With `uid` only that very object, with `resourceVersion` only as it was read. @fails KubeError 409 when they differ */
  delete(resource: Resource<KubeObject>, at: Name, opts?: DeleteOptions): Promise<void>;
  /** GET of any path; the body as text. For `/readyz`, `/version`, pod logs. */
  read(path: string, opts?: { readonly within?: Ms }): Promise<string>;
  /** A cache that follows the resource until its signal ends it. Field managers are left out of what it holds. */
  cache<T extends KubeObject>(resource: Resource<T>, selection: Selection, stop: AbortSignal): WatchCache<T>;
  /**
   * As above, holding of each object only what `keep` makes of it: a whole pod takes 7.5 KB, eight fields of it below 1 KB
   * (docs/explanation/kube-client.md). `keep` must not throw.
   */
  cache<T extends KubeObject, K>(
    resource: Resource<T>,
    selection: Selection,
    stop: AbortSignal,
    keep: (object: T) => K,
  ): WatchCache<K>;
  /** The same connections, with another deadline for each call. */
  within(limit: Ms): Kube;
  /** Closes all connections and ends all caches. */
  close(): Promise<void>;
}

export interface ApplyOptions {
  /** Who we are to other appliers. The same name in every version, so that a new one may change what an old one wrote. */
  readonly manager: string;
  /** Takes fields from whoever holds them. */
  readonly force?: boolean;
  readonly subresource?: 'status';
}

export interface DeleteOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly graceSeconds?: number;
}

/** What may be left out in an apply: everything but the name. */
export type PartialOf<T extends KubeObject> = { readonly metadata: Meta } & {
  readonly [K in Exclude<keyof T, 'metadata'>]?: unknown;
};

/** A local copy of a selection, kept up to date through broken connections, restarts of the server and expired versions. */
export interface WatchCache<K> {
  /** Resolves when the copy has been complete for the first time. */
  readonly synced: Promise<void>;
  get(at: Name): K | undefined;
  list(): readonly K[];
  /** Calls `listen` with the key (`namespace/name`, or `name`) of every object that came, changed or went. Returns what ends it. */
  onChange(listen: (key: string) => void): () => void;
  /** Since when the copy has had no living watch; `undefined` while it has one. */
  readonly staleSince: number | undefined;
}

/** The API server refused, or could not be reached (`status` 0). */
export class KubeError extends Error {
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Kubernetes' own reason: `NotFound`, `Conflict`, `Invalid`, … */
  readonly reason: string;
  /** Who holds which field, at a server-side apply conflict. */
  readonly conflicts: readonly { readonly field: string; readonly message: string }[];
  /** How long the server asks to stay away, at 429 and 503. */
  readonly retryAfter: Ms | undefined;

  constructor(
    doing: string,
    facts: {
      readonly status: number;
      readonly reason: string;
      readonly message: string;
      readonly conflicts?: readonly { readonly field: string; readonly message: string }[];
      readonly retryAfter?: Ms;
      readonly cause?: unknown;
    },
  ) {
    super(`${doing}: ${facts.message} (${facts.status} ${facts.reason})`, { cause: facts.cause });
    this.name = 'KubeError';
    this.status = facts.status;
    this.reason = facts.reason;
    this.conflicts = facts.conflicts ?? [];
    this.retryAfter = facts.retryAfter;
  }
}
