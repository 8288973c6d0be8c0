import type { Ip } from '#unit/ip.ts';

/** Who uses which address, kept in step by one owner at a time: no turn of a node reads the addresses of the others. */
export class AddressUsers {
  readonly #byOwner = new Map<string, readonly Ip[]>();
  readonly #users = new Map<Ip, Set<string>>();

  /** From now on the owner uses these, and no others. */
  set(owner: string, addresses: readonly Ip[]): void {
    for (const address of this.#byOwner.get(owner) ?? []) {
      const users = this.#users.get(address);
      users?.delete(owner);
      if (users?.size === 0) this.#users.delete(address);
    }
    if (addresses.length === 0) this.#byOwner.delete(owner);
    else this.#byOwner.set(owner, addresses);
    for (const address of addresses) this.#users.set(address, (this.#users.get(address) ?? new Set()).add(owner));
  }

  /** Those of the addresses that somebody else uses. */
  usedByOthers(owner: string, addresses: readonly Ip[]): ReadonlySet<Ip> {
    return new Set(
      addresses.filter((address) => {
        const users = this.#users.get(address);
        return users !== undefined && users.size > (users.has(owner) ? 1 : 0);
      }),
    );
  }
}
