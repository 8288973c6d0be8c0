import { byNumber, type Ip, ipOf, numberOf, type Span } from '#unit/ip.ts';
import type { SliceNeighbours } from './plan-range-steps.ts';

/** What one machine has of the range, as its PodRange says. */
export interface SliceSeen {
  /** Those that its pods may have now. */
  readonly usable: readonly Ip[];
  /** Those that it does not have yet, or is asked to do without: nobody else gets them meanwhile. */
  readonly unsettled: readonly Ip[];
  /** How many its pods have, or had a moment ago. */
  readonly inUse: number;
}

/**
 * Who has which address of the site's network that is set aside for pods, kept in step by one owner at a time. Whatever a range lists is
 * taken, in whatever state: what a machine is asked to do without is nobody else's before the machine has answered. So is what a pod has,
 * whatever its machine's range lists.
 */
export class SiteSlices {
  readonly #range: Span;
  readonly #slices = new Map<string, SliceSeen>();
  readonly #byOwner = new Map<string, readonly Ip[]>();
  readonly #owners = new Map<Ip, Set<string>>();

  constructor(range: Span) {
    this.#range = range;
  }

  /** From now on the node has this; `undefined`: it is no bridged machine. */
  setSlice(node: string, slice: SliceSeen | undefined): void {
    if (slice === undefined) this.#slices.delete(node);
    else this.#slices.set(node, slice);
    this.#set(sliceOf(node), slice === undefined ? [] : [...slice.usable, ...slice.unsettled]);
  }

  /** Pods of the node have these. */
  setPods(node: string, addresses: Iterable<Ip>): void {
    this.#set(podsOf(node), [...addresses]);
  }

  /** The node itself has these, and no pod gets them. */
  setHost(node: string, addresses: readonly Ip[]): void {
    this.#set(hostOf(node), addresses);
  }

  /** @unit complete: whether this index has seen the node's own range as it is now */
  around(node: string, complete: boolean): SliceNeighbours {
    const own = this.#slices.get(node) ?? { usable: [], unsettled: [], inUse: 0 };
    const listed = new Set([...own.usable, ...own.unsettled]);
    const pods = this.#byOwner.get(podsOf(node)) ?? [];
    return {
      contested: new Set([
        ...own.usable.filter((address) => this.#others(node, address).some((owner) => this.#uses(owner, address))),
        ...own.unsettled.filter((address) => this.#others(node, address).length > 0),
      ]),
      complete,
      share: this.#share,
      unlisted: pods
        .filter((one) => this.#isWithin(one) && !listed.has(one) && this.#others(node, one).length === 0)
        .toSorted(byNumber),
      free: (count) => this.#free(count),
    };
  }

  #free(count: number): readonly Ip[] {
    const found: Ip[] = [];
    for (let n = this.#range.first; n <= this.#range.last && found.length < count; n++) {
      const address = ipOf(n);
      if (!this.#owners.has(address)) found.push(address);
    }
    return found;
  }

  /** By use alone, so that giving and taking change nothing about it. */
  get #share(): number {
    const slices = [...this.#slices.values()];
    const inUse = slices.reduce((sum, slice) => sum + slice.inUse, 0);
    const hosts = [...this.#byOwner].filter(([owner]) => owner.startsWith(hostOf(''))).flatMap(([, own]) => own);
    const loose = this.#range.last - this.#range.first + 1 - hosts.filter((one) => this.#isWithin(one)).length - inUse;
    return Math.max(0, Math.floor(loose / Math.max(1, slices.length)));
  }

  #others(node: string, address: Ip): readonly string[] {
    const mine = [sliceOf(node), podsOf(node)];
    return [...(this.#owners.get(address) ?? [])].filter((owner) => !mine.includes(owner));
  }

  /** Of two machines that are to have an address, the one whose pods may have it already keeps it. */
  #uses(owner: string, address: Ip): boolean {
    const slice = [...this.#slices].find(([node]) => sliceOf(node) === owner)?.[1];
    return slice === undefined || slice.usable.includes(address);
  }

  #isWithin(address: Ip): boolean {
    const n = numberOf(address);
    return n >= this.#range.first && n <= this.#range.last;
  }

  #set(owner: string, addresses: readonly Ip[]): void {
    for (const address of this.#byOwner.get(owner) ?? []) {
      const owners = this.#owners.get(address);
      owners?.delete(owner);
      if (owners?.size === 0) this.#owners.delete(address);
    }
    if (addresses.length === 0) this.#byOwner.delete(owner);
    else this.#byOwner.set(owner, addresses);
    for (const address of addresses)
      this.#owners.set(address, (this.#owners.get(address) ?? new Set<string>()).add(owner));
  }
}

function sliceOf(node: string): string {
  return `slice ${node}`;
}

function podsOf(node: string): string {
  return `pods ${node}`;
}

function hostOf(node: string): string {
  return `host ${node}`;
}
