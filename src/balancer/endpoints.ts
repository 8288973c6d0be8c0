import type { EndpointSliceObject } from '#kube/resources.ts';
import type { Ip } from '#unit/ip.ts';

/** A pod that the balancer sends to without a node in between. */
export interface PodTarget {
  readonly address: Ip;
  /** The cloud's id of the machine that it runs on. */
  readonly machine: string;
  /** Where it answers, by the name of the Service's port. */
  readonly ports: Readonly<Record<string, number>>;
}

/** Where the pods of one Service are. */
export interface EndpointsSeen {
  /** How many are ready. */
  readonly ready: number;
  /** Names of the nodes with at least one that is ready. */
  readonly nodes: ReadonlySet<string>;
  /** Names of the nodes with one that is being deleted and still answers: kube-proxy takes those when none is ready. */
  readonly ending?: ReadonlySet<string>;
  /** Each one, ready or not. */
  readonly all?: readonly EndpointSeen[];
}

export interface EndpointSeen {
  /** The pod's name; `undefined` for an endpoint that somebody wrote by hand. */
  readonly pod: string | undefined;
  readonly node: string | undefined;
  readonly address: string;
  readonly isReady: boolean;
  /** It is being deleted, and still answers. */
  readonly isEnding?: true;
  /** Where it answers, by the name of the Service's port. */
  readonly ports: Readonly<Record<string, number>>;
}

/** What is kept of one EndpointSlice: whose it is, and its endpoints. */
export interface SliceSeen {
  readonly service: string;
  readonly endpoints: readonly EndpointSeen[];
}

export function sliceSeen({ metadata, endpoints, ports }: EndpointSliceObject): SliceSeen {
  const service = `${metadata.namespace ?? ''}/${metadata.labels?.['kubernetes.io/service-name'] ?? ''}`;
  const answersAt = Object.fromEntries(
    (ports ?? []).flatMap(({ name, port }) => (port === undefined ? [] : [[name ?? '', port]])),
  );
  return {
    service,
    endpoints: (endpoints ?? []).map(({ addresses, nodeName, targetRef, conditions }) => ({
      pod: targetRef?.kind === 'Pod' ? targetRef.name : undefined,
      node: nodeName,
      address: addresses?.[0] ?? '',
      // A condition that is absent means ready. @source k8s.io/api discovery/v1 EndpointConditions
      isReady: conditions?.ready !== false,
      ...(conditions?.terminating === true && conditions.serving === true && { isEnding: true }),
      ports: answersAt,
    })),
  };
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

  /** Whether some Service of a namespace has an endpoint there. */
  answers(namespace: string, address: string, port: number): boolean {
    return [...this.#slices.values()].some(
      ({ service, endpoints }) =>
        service.startsWith(`${namespace}/`) &&
        endpoints.some((one) => one.address === address && Object.values(one.ports).includes(port)),
    );
  }

  of(service: string): EndpointsSeen {
    const all = [...(this.#byService.get(service) ?? [])].flatMap((key) => this.#slices.get(key)?.endpoints ?? []);
    const ready = all.filter(({ isReady }) => isReady);
    const ending = all.filter(({ isEnding }) => isEnding === true);
    return { ready: ready.length, nodes: nodesOf(ready), ...(ending.length > 0 && { ending: nodesOf(ending) }), all };
  }
}

function nodesOf(all: readonly EndpointSeen[]): ReadonlySet<string> {
  return new Set(all.flatMap(({ node }) => node ?? []));
}
