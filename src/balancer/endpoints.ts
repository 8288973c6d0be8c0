import type { EndpointSliceObject } from '#kube/resources.ts';

/** Where the pods of one Service are. */
export interface EndpointsSeen {
  /** How many are ready. */
  readonly ready: number;
  /** Names of the nodes with at least one that is ready. */
  readonly nodes: ReadonlySet<string>;
}

/** What is kept of one EndpointSlice: whose it is, and the node of each ready endpoint. */
export interface SliceSeen {
  readonly service: string;
  readonly readyOn: readonly string[];
}

export function sliceSeen({ metadata, endpoints }: EndpointSliceObject): SliceSeen {
  const service = `${metadata.namespace ?? ''}/${metadata.labels?.['kubernetes.io/service-name'] ?? ''}`;
  // A condition that is absent means ready. @source k8s.io/api discovery/v1 EndpointConditions
  const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
  return { service, readyOn: ready.map(({ nodeName }) => nodeName ?? '') };
}

/** The endpoints of every Service, put together from its slices. */
export class EndpointsByService {
  readonly #slices = new Map<string, SliceSeen>();
  readonly #byService = new Map<string, Set<string>>();

  /** @unit key: of the slice; seen: `undefined` when it is gone. @shape the Services that it changes */
  set(key: string, seen: SliceSeen | undefined): readonly string[] {
    const last = this.#slices.get(key);
    if (last !== undefined) this.#byService.get(last.service)?.delete(key);
    if (seen === undefined) this.#slices.delete(key);
    else {
      this.#slices.set(key, seen);
      const slices = this.#byService.get(seen.service) ?? new Set();
      this.#byService.set(seen.service, slices.add(key));
    }
    return [...new Set([last, seen].flatMap((one) => one?.service ?? []))];
  }

  of(service: string): EndpointsSeen {
    const readyOn = [...(this.#byService.get(service) ?? [])].flatMap((key) => this.#slices.get(key)?.readyOn ?? []);
    return { ready: readyOn.length, nodes: new Set(readyOn.filter((node) => node !== '')) };
  }
}
