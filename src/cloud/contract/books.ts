import { expect } from 'vitest';
import type { Ip } from '#unit/ip.ts';
import type { Addresses } from '../address.ts';
import type { Balancers } from '../balancer.ts';
import type { Cloud } from '../cloud.ts';
import type { Compute } from '../compute.ts';
import type { CloudResult } from '../failure.ts';
import type { Marked } from '../owned.ts';
import type { PublicAddresses } from '../public-address.ts';
import type { Ledger } from './world.ts';

/** A cloud whose caller writes down what it was told that it has. */
export interface Kept {
  readonly cloud: Cloud;
  /** What there must be, if every answer was true and none was lost. */
  readonly told: () => Ledger;
}

interface Books {
  /** By id. */
  readonly machines: Map<string, Ledger['machines'][number]>;
  /** By home. */
  readonly addresses: Map<string, ReadonlySet<Ip>>;
  /** By machine, the home that ends with it. */
  readonly homes: Map<string, string>;
  /** By id. */
  readonly owned: Map<string, Ledger['owned'][number]>;
}

export function keepBooks(cloud: Cloud): Kept {
  const books: Books = { machines: new Map(), addresses: new Map(), homes: new Map(), owned: new Map() };
  return {
    cloud: {
      ...cloud,
      compute: writingDownMachines(cloud.compute, books),
      addresses: writingDownAddresses(cloud.addresses, books),
      balancers: writingDownBalancers(cloud.balancers, books),
      publicAddresses: writingDownPublicAddresses(cloud.publicAddresses, books),
    },
    told: () => ({
      machines: [...books.machines.values()],
      addresses: [...books.addresses].flatMap(([home, ips]) => [...ips].map((ip) => ({ ip, home }))),
      owned: [...books.owned.values()],
    }),
  };
}

function writingDownMachines(compute: Compute, { machines, addresses, homes }: Books): Compute {
  return {
    ...compute,
    async create(wish, opts) {
      const made = await compute.create(wish, opts);
      if (made.ok) machines.set(made.value.id, { id: made.value.id, name: wish.name, mark: wish.mark });
      return made;
    },
    async find(id, opts) {
      const found = await compute.find(id, opts);
      const [primary] = found.ok ? found.value.homes : [];
      if (primary !== undefined) homes.set(id, primary.home.id);
      return found;
    },
    async remove(id, mark, opts) {
      const removed = await compute.remove(id, mark, opts);
      if (!removed.ok) return removed;
      machines.delete(id);
      addresses.delete(homes.get(id) ?? id);
      return removed;
    },
  };
}

function writingDownAddresses(provider: Addresses, { addresses }: Books): Addresses {
  const had = (home: string): ReadonlySet<Ip> => addresses.get(home) ?? new Set();
  return {
    ...provider,
    async extend(home, count, opts) {
      const given = await provider.extend(home, count, opts);
      if (given.ok) addresses.set(home.id, new Set([...had(home.id), ...given.value]));
      return given;
    },
    async release(home, address, opts) {
      const released = await provider.release(home, address, opts);
      if (released.ok) addresses.set(home.id, had(home.id).difference(new Set([address])));
      return released;
    },
    async list(home, opts) {
      const listed = await provider.list(home, opts);
      if (listed.ok) addresses.set(home.id, new Set(listed.value));
      return listed;
    },
  };
}

/** By what is owned: what an answer tells that there is, and what it tells that there is no more. */
function writingDownOwned({ owned }: Books, kind: Ledger['owned'][number]['kind']) {
  return {
    async made<T extends Marked & { readonly id: string }>(asked: Promise<CloudResult<T>>): Promise<CloudResult<T>> {
      const answer = await asked;
      if (answer.ok) {
        const { id, mark, owner } = answer.value;
        owned.set(id, { id, mark, owner, kind });
      }
      return answer;
    },
    async gone(id: string, asked: Promise<CloudResult<void>>): Promise<CloudResult<void>> {
      const answer = await asked;
      if (answer.ok) owned.delete(id);
      return answer;
    },
  };
}

function writingDownBalancers(provider: Balancers, books: Books): Balancers {
  const { made, gone } = writingDownOwned(books, 'balancer');
  return {
    ...provider,
    create: (wish, opts) => made(provider.create(wish, opts)),
    remove: (id, mark, opts) => gone(id, provider.remove(id, mark, opts)),
  };
}

function writingDownPublicAddresses(provider: PublicAddresses, books: Books): PublicAddresses {
  const { made, gone } = writingDownOwned(books, 'address');
  return {
    ...provider,
    allocate: (wish, opts) => made(provider.allocate(wish, opts)),
    release: (id, mark, opts) => gone(id, provider.release(id, mark, opts)),
  };
}

/**
 * What holds after every case, whatever the trouble was: one machine a wish, and neither a machine nor an address that the
 * cloud has and the caller does not know of, or that the caller believes to have and the cloud does not.
 */
export function expectAgreement(told: Ledger, ledger: Ledger): void {
  const wishes = ledger.machines.map(({ name, mark }) => `${name} of ${mark}`);
  expect(wishes, 'a second machine for one wish').toEqual([...new Set(wishes)]);
  const owners = ledger.owned.map(({ kind, owner, mark }) => `${kind} of ${owner} of ${mark}`);
  expect(owners, 'a second one for one owner').toEqual([...new Set(owners)]);
  expect(sorted(told), 'what the caller was told, beside what the cloud has').toEqual(sorted(ledger));
}

function sorted({ machines, addresses, owned }: Ledger): Ledger {
  return {
    machines: machines.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    addresses: addresses.toSorted((a, b) => (a.ip < b.ip ? -1 : 1)),
    owned: owned.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  };
}
