import { type Cidr, overlaps, partAt, partsOf, sizeOf } from '#unit/ip.ts';

/**
 * Which parts of the site's pod range are taken, and by whom, kept in step by one owner at a time: choosing a part reads none
 * of what was taken before.
 */
export class SiteSubnets {
  readonly #range: Cidr;
  readonly #bits: number;
  readonly #byOwner = new Map<string, readonly number[]>();
  readonly #owners = new Map<number, Set<string>>();
  /** All parts below are taken. */
  #lowest = 0;

  /** @unit bits: prefix length of one part */
  constructor(range: Cidr, bits: number) {
    this.#range = range;
    this.#bits = bits;
  }

  /** From now on the owner has these, and no others. They may be smaller or larger than a part, or lie outside of the range. */
  set(owner: string, taken: readonly Cidr[]): void {
    for (const part of this.#byOwner.get(owner) ?? []) {
      const owners = this.#owners.get(part);
      owners?.delete(owner);
      if (owners?.size !== 0) continue;
      this.#owners.delete(part);
      this.#lowest = Math.min(this.#lowest, part);
    }
    const parts = [...new Set(taken.flatMap((one) => this.#partsTouching(one)))];
    if (parts.length === 0) this.#byOwner.delete(owner);
    else this.#byOwner.set(owner, parts);
    for (const part of parts) this.#owners.set(part, (this.#owners.get(part) ?? new Set()).add(owner));
  }

  /** The lowest part that nobody has anything of; `undefined` when the range is used up. */
  free(): Cidr | undefined {
    while (this.#owners.has(this.#lowest)) this.#lowest++;
    return partAt(this.#range, this.#bits, this.#lowest);
  }

  /** Who has anything of this part. */
  ownersOf(part: Cidr): readonly string[] {
    return this.#partsTouching(part).flatMap((one) => [...(this.#owners.get(one) ?? [])]);
  }

  #partsTouching(one: Cidr): readonly number[] {
    if (!overlaps(this.#range, one)) return [];
    const size = sizeOf({ first: 0, bits: this.#bits });
    const first = Math.max(0, Math.floor((one.first - this.#range.first) / size));
    const last = Math.floor((one.first + sizeOf(one) - 1 - this.#range.first) / size);
    const end = Math.min(last, partsOf(this.#range, this.#bits) - 1);
    return Array.from({ length: end - first + 1 }, (_, i) => first + i);
  }
}
