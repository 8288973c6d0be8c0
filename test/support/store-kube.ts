import { type Kube, KubeError, type KubeObject, type Name, type Resource, type Selection } from '#kube/kube.ts';

/**
 * An API server as one map, for walks of a thousand lives. It knows versions, conflicts and deletions that finalizers hold back; it leaves out
 * validation, rights, watches and field managers, for which there are tests with a real one.
 */
export class StoreKube {
  readonly objects = new Map<string, KubeObject>();
  #version = 0;

  /** Answers an eviction. @shape why not; `undefined`: the pod goes */
  mayEvict: (pod: string) => string | undefined = () => undefined;

  client(): Kube {
    const kube: Partial<Kube> = {
      get: async <T extends KubeObject>(resource: Resource<T>, at: Name) => this.#at(resource, at) as T | undefined,
      list: async <T extends KubeObject>(resource: Resource<T>, selection?: Selection) =>
        this.list(resource, selection) as readonly T[],
      create: async <T extends KubeObject>(resource: Resource<T>, object: T) => this.#create(resource, object),
      replace: async <T extends KubeObject>(
        resource: Resource<T>,
        object: T,
        opts?: { readonly subresource?: string },
      ) => this.#replace(resource, object, opts?.subresource),
      apply: async <T extends KubeObject>(resource: Resource<T>, object: unknown) =>
        this.#merge(resource, object as KubeObject, object as object, true) as T,
      merge: async <T extends KubeObject>(resource: Resource<T>, at: Name, patch: object) =>
        this.#merge(resource, { metadata: at } as KubeObject, patch, false) as T,
      delete: async (resource, at, opts) => this.#delete(resource, at, opts?.uid),
      within: () => kube as Kube,
    };
    return kube as Kube;
  }

  list(
    resource: Resource<KubeObject>,
    { namespace, fieldSelector, labelSelector }: Selection = {},
  ): readonly KubeObject[] {
    const node = /^spec\.nodeName=(.*)$/.exec(fieldSelector ?? '')?.[1];
    return [...this.objects]
      .filter(([key]) => key.startsWith(`${resource.plural} `))
      .map(([, object]) => object)
      .filter(
        (object) =>
          (namespace === undefined || object.metadata.namespace === namespace) &&
          (node === undefined || (object as { spec?: { nodeName?: string } }).spec?.nodeName === node) &&
          (labelSelector === undefined || labelSelector in (object.metadata.labels ?? {})),
      );
  }

  /** Written from outside, as by a kubelet. */
  put(resource: Resource<KubeObject>, object: KubeObject): void {
    const key = keyOf(resource, object.metadata);
    const before = this.objects.get(key)?.metadata;
    const uid = before?.uid ?? `uid-${this.#version}`;
    this.objects.set(key, {
      ...object,
      metadata: { ...object.metadata, uid, resourceVersion: String(++this.#version) },
    });
  }

  remove(resource: Resource<KubeObject>, at: Name): void {
    this.objects.delete(keyOf(resource, at));
  }

  #at(resource: Resource<KubeObject>, at: Name): KubeObject | undefined {
    return this.objects.get(keyOf(resource, at));
  }

  #create<T extends KubeObject>(resource: Resource<T>, object: T): T {
    const evicted = /^pods\/(.*)\/eviction$/.exec(resource.plural)?.[1];
    if (evicted !== undefined) {
      const { namespace } = object.metadata;
      const why = this.mayEvict(evicted);
      if (why !== undefined) throw refusal(429, 'TooManyRequests', why);
      this.objects.delete(keyOf({ plural: 'pods' }, { name: evicted, ...(namespace !== undefined && { namespace }) }));
      return object;
    }
    if (this.#at(resource, object.metadata) !== undefined) throw refusal(409, 'AlreadyExists', object.metadata.name);
    this.put(resource, object);
    return object;
  }

  #replace<T extends KubeObject>(resource: Resource<T>, object: T, subresource: string | undefined): T {
    const seen = this.#at(resource, object.metadata);
    if (seen === undefined) throw refusal(404, 'NotFound', object.metadata.name);
    if (seen.metadata.resourceVersion !== object.metadata.resourceVersion)
      throw refusal(409, 'Conflict', object.metadata.name);
    const status = (object as { status?: unknown }).status;
    this.put(resource, subresource === 'status' ? ({ ...seen, status } as KubeObject) : object);
    return object;
  }

  #merge(resource: Resource<KubeObject>, at: KubeObject, patch: object, makes: boolean): KubeObject {
    const seen = this.#at(resource, at.metadata);
    if (seen === undefined && !makes) throw refusal(404, 'NotFound', at.metadata.name);
    const version = (patch as Partial<KubeObject>).metadata?.resourceVersion;
    if (version !== undefined && seen?.metadata.resourceVersion !== version)
      throw refusal(409, 'Conflict', at.metadata.name);
    const merged = mergePatch(seen ?? {}, patch) as KubeObject;
    this.put(resource, { ...merged, metadata: { ...merged.metadata, ...at.metadata } });
    this.#endDeleted(resource, at.metadata);
    return merged;
  }

  #delete(resource: Resource<KubeObject>, at: Name, uid: string | undefined): void {
    const seen = this.#at(resource, at);
    if (seen === undefined) return;
    if (uid !== undefined && seen.metadata.uid !== uid) throw refusal(409, 'Conflict', at.name);
    this.put(resource, { ...seen, metadata: { ...seen.metadata, deletionTimestamp: '2026-11-30T00:00:00Z' } });
    this.#endDeleted(resource, at);
  }

  #endDeleted(resource: Resource<KubeObject>, at: Name): void {
    const seen = this.#at(resource, at);
    if (seen?.metadata.deletionTimestamp !== undefined && (seen.metadata.finalizers ?? []).length === 0)
      this.objects.delete(keyOf(resource, at));
  }
}

function keyOf({ plural }: { readonly plural: string }, { name, namespace }: Name): string {
  return `${plural} ${namespace ?? ''}/${name}`;
}

function refusal(status: number, reason: string, message: string): KubeError {
  return new KubeError('asking the store', { status, reason, message });
}

function mergePatch(before: object, patch: object): object {
  const result: Record<string, unknown> = { ...before };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (typeof value === 'object' && !Array.isArray(value))
      result[key] = mergePatch((result[key] as object | undefined) ?? {}, value as object);
    else result[key] = value;
  }
  return result;
}
