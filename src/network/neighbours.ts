import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import type { SharedCaches } from '#capability/controller-part.ts';
import { readIfThere, writeWhole } from '#host/files.ts';
import { type PodRangeObject, podRanges } from '#kube/api/pod-range.ts';
import { cidrText, ipText } from '#kube/api/text.ts';
import type { Kube, WatchCache } from '#kube/kube.ts';
import type { NodeObject } from '#kube/resources.ts';
import { viewOf } from '#kube/view-of.ts';
import { cidr, formatCidr, type Ip, ip } from '#unit/ip.ts';
import type { Note } from './note.ts';
import { type SiteRoute, wantedRoutes } from './routes/plan-routes.ts';

export interface NeighboursOptions {
  readonly kube: Kube;
  /** The copy of all Nodes that the parts of an agent share. */
  readonly nodes: SharedCaches['nodes'];
  /** What was known last is kept here, for a start without the API server. */
  readonly file: string;
  readonly note: Note;
  readonly onChange: () => void;
}

/** The other machines of the site and the ranges of their pods, followed from the first time that they are asked for. */
export class Neighbours {
  readonly #options: NeighboursOptions;
  readonly #stop: AbortSignal;
  #known: readonly SiteRoute[] = [];
  #caches: { readonly nodes: WatchCache<NodeObject>; readonly ranges: WatchCache<PodRangeObject> } | undefined;
  #synced = false;
  /** Whether anything came, changed or went since the last look: most turns of the node find nothing new here. */
  #changed = true;

  private constructor(options: NeighboursOptions, stop: AbortSignal, known: readonly SiteRoute[]) {
    this.#options = options;
    this.#stop = stop;
    this.#known = known;
  }

  static async open(options: NeighboursOptions, stop: AbortSignal): Promise<Neighbours> {
    const text = await readIfThere(options.file);
    const parsed = fileShape.safeParse(text === undefined ? undefined : parseJson(text));
    // It only bridges a time without the API server: what can't be read is read from there again.
    if (!parsed.success && text !== undefined)
      options.note({ file: options.file }, 'leaving out a file that this version cannot read');
    const known = parsed.success
      ? parsed.data.routes.map(({ destination, via }) => ({ destination: cidr(destination), via: ip(via) }))
      : [];
    return new Neighbours(options, stop, known);
  }

  /** One way to the pods of each site machine, as it was seen last. */
  get routes(): readonly SiteRoute[] {
    return this.#known;
  }

  /** Addresses of all nodes that are known. */
  get nodes(): readonly Ip[] {
    return (this.#caches?.nodes.list() ?? []).flatMap(({ status }) =>
      (status?.addresses ?? []).map(({ address }) => address as Ip),
    );
  }

  /** Begins to follow, and takes what has changed. */
  async tend(): Promise<void> {
    this.#caches ??= this.#follow();
    if (!this.#synced || !this.#changed) return;
    // Before the look: what changes meanwhile is taken the next time.
    this.#changed = false;
    const seen = wantedRoutes(this.#caches.ranges.list(), this.#caches.nodes.list());
    if (isDeepStrictEqual(seen, this.#known)) return;
    const routes = seen.map(({ destination, via }) => ({ destination: formatCidr(destination), via }));
    try {
      await writeWhole(this.#options.file, JSON.stringify({ format, routes }), 0o600);
    } catch (e) {
      this.#changed = true;
      throw e;
    }
    this.#known = seen;
  }

  #follow(): { readonly nodes: WatchCache<NodeObject>; readonly ranges: WatchCache<PodRangeObject> } {
    const { kube, onChange } = this.#options;
    const caches = {
      nodes: viewOf(this.#options.nodes(), addressesAlone, this.#stop),
      ranges: kube.cache(podRanges, {}, this.#stop, subnetAlone),
    };
    for (const cache of [caches.nodes, caches.ranges])
      cache.onChange(() => {
        this.#changed = true;
      });
    Promise.all([caches.nodes.synced, caches.ranges.synced]).then(
      () => {
        this.#synced = true;
        onChange();
      },
      // Only when the agent is stopping.
      () => undefined,
    );
    return caches;
  }
}

const format = 'isthmus-neighbours/v1';
const fileShape = z.object({
  format: z.literal(format),
  routes: z.array(z.object({ destination: cidrText, via: ipText })),
});

function addressesAlone({ metadata: { name }, status }: NodeObject): NodeObject {
  const addresses = (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
  return { metadata: { name }, status: { addresses } };
}

function subnetAlone({ metadata: { name }, spec: { ground, subnet } }: PodRangeObject): PodRangeObject {
  return { metadata: { name }, spec: { ground, ...(subnet !== undefined && { subnet }) } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
