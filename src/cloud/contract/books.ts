import { expect } from 'vitest';
import type { Ip } from '#unit/ip.ts';
import type { Addresses } from '../address.ts';
import type { ApplicationBalancers } from '../application-balancer.ts';
import type { BalancersOf } from '../balancer.ts';
import type { Certificates } from '../certificate.ts';
import type { Cloud } from '../cloud.ts';
import type { Compute } from '../compute.ts';
import type { Disks, Snapshots } from '../disk.ts';
import type { CloudResult } from '../failure.ts';
import type { FileShares } from '../file-share.ts';
import type { Marked } from '../owned.ts';
import type { PublicAddresses } from '../public-address.ts';
import type { Ledger, OwnedKind } from './world.ts';

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
  /** By id. */
  readonly parts: Map<string, Ledger['parts'][number]>;
  /** By disk, the machine that has it. */
  readonly attached: Map<string, string>;
}

export function keepBooks(cloud: Cloud): Kept {
  const books: Books = {
    machines: new Map(),
    addresses: new Map(),
    homes: new Map(),
    owned: new Map(),
    parts: new Map(),
    attached: new Map(),
  };
  return {
    cloud: {
      ...cloud,
      compute: writingDownMachines(cloud.compute, books),
      addresses: writingDownAddresses(cloud.addresses, books),
      balancers: writingDownBalancers(cloud.balancers, books, 'balancer'),
      directBalancers: writingDownBalancers(cloud.directBalancers, books, 'direct balancer'),
      applicationBalancers: writingDownApplicationBalancers(cloud.applicationBalancers, books),
      certificates: writingDownCertificates(cloud.certificates, books),
      publicAddresses: writingDownPublicAddresses(cloud.publicAddresses, books),
      disks: writingDownDisks(cloud.disks, books),
      snapshots: writingDownSnapshots(cloud.snapshots, books),
      fileShares: writingDownFileShares(cloud.fileShares, books),
    },
    told: () => ({
      machines: [...books.machines.values()],
      addresses: [...books.addresses].flatMap(([home, ips]) => [...ips].map((ip) => ({ ip, home }))),
      owned: [...books.owned.values()],
      parts: [...books.parts.values()],
      attached: [...books.attached].map(([disk, machine]) => ({ disk, machine })),
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

/** What is made for owners: what an answer tells that there is, and what it tells that there is no more. */
function writingDownOwned({ owned, parts }: Books, kind: OwnedKind) {
  return {
    async made<T extends Marked & { readonly id: string; readonly digest?: string | undefined }>(
      this: void,
      asked: Promise<CloudResult<T>>,
    ): Promise<CloudResult<T>> {
      const answer = await asked;
      if (answer.ok) {
        const { id, mark, owner, digest } = answer.value;
        owned.set(id, { id, mark, owner, kind, digest });
      }
      return answer;
    },
    async gone(this: void, id: string, asked: Promise<CloudResult<void>>): Promise<CloudResult<void>> {
      const answer = await asked;
      if (answer.ok) {
        owned.delete(id);
        leave(id, parts);
      }
      return answer;
    },
  };
}

/** With what goes, everything goes that is in it. */
function leave(id: string, parts: Books['parts']): void {
  parts.delete(id);
  for (const part of parts.values()) if (part.of === id) leave(part.id, parts);
}

function writingDownParts({ parts }: Books) {
  return {
    async made<T extends { readonly id: string }>(of: string, asked: Promise<CloudResult<T>>): Promise<CloudResult<T>> {
      const answer = await asked;
      if (answer.ok) parts.set(answer.value.id, { id: answer.value.id, of });
      return answer;
    },
    async gone(id: string, asked: Promise<CloudResult<void>>): Promise<CloudResult<void>> {
      const answer = await asked;
      if (answer.ok) leave(id, parts);
      return answer;
    },
  };
}

function writingDownBalancers<W, L extends { readonly id: string }>(
  provider: BalancersOf<W, L>,
  books: Books,
  kind: OwnedKind,
): BalancersOf<W, L> {
  const whole = writingDownOwned(books, kind);
  const part = writingDownParts(books);
  return {
    ...provider,
    create: (wish, opts) => whole.made(provider.create(wish, opts)),
    remove: (id, mark, opts) => whole.gone(id, provider.remove(id, mark, opts)),
    listen: (id, wish, opts) => part.made(id, provider.listen(id, wish, opts)),
    unlisten: (id, listener, opts) => part.gone(listener, provider.unlisten(id, listener, opts)),
  };
}

function writingDownApplicationBalancers(provider: ApplicationBalancers, books: Books): ApplicationBalancers {
  const part = writingDownParts(books);
  return {
    ...provider,
    ...writingDownBalancers(provider, books, 'application balancer'),
    most: provider.most,
    route: (id, listener, wish, opts) => part.made(listener, provider.route(id, listener, wish, opts)),
    unroute: (id, listener, rule, opts) => part.gone(rule, provider.unroute(id, listener, rule, opts)),
  };
}

function writingDownCertificates(provider: Certificates, books: Books): Certificates {
  const { made, gone } = writingDownOwned(books, 'certificate');
  return {
    ...provider,
    keep: (wish, opts) => made(provider.keep(wish, opts)),
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

function writingDownDisks(provider: Disks, books: Books): Disks {
  const { attached } = books;
  const { made, gone } = writingDownOwned(books, 'disk');
  return {
    ...provider,
    create: (wish, opts) => made(provider.create(wish, opts)),
    remove: (id, mark, opts) => gone(id, provider.remove(id, mark, opts)),
    async attach(disk, machine, opts) {
      const answer = await provider.attach(disk, machine, opts);
      if (answer.ok) attached.set(disk, machine);
      return answer;
    },
    async detach(disk, machine, opts) {
      const answer = await provider.detach(disk, machine, opts);
      if (answer.ok && attached.get(disk) === machine) attached.delete(disk);
      return answer;
    },
  };
}

function writingDownSnapshots(provider: Snapshots, books: Books): Snapshots {
  const { made, gone } = writingDownOwned(books, 'snapshot');
  return {
    ...provider,
    create: (wish, opts) => made(provider.create(wish, opts)),
    remove: (id, mark, opts) => gone(id, provider.remove(id, mark, opts)),
  };
}

function writingDownFileShares(provider: FileShares, books: Books): FileShares {
  const { made, gone } = writingDownOwned(books, 'file share');
  const idOf = (share: string, subnet: string): string => `${share} ${subnet}`;
  return {
    ...provider,
    create: (wish, opts) => made(provider.create(wish, opts)),
    remove: (id, mark, opts) => gone(id, provider.remove(id, mark, opts)),
    async open(id, wish, opts) {
      const answer = await provider.open(id, wish, opts);
      const part = idOf(id, wish.subnet);
      if (answer.ok) books.parts.set(part, { id: part, of: id });
      return answer;
    },
    async close(id, place, opts) {
      const answer = await provider.close(id, place, opts);
      if (answer.ok) books.parts.delete(idOf(id, place.subnet));
      return answer;
    },
  };
}

/**
 * What holds after every case, whatever the trouble was: one machine a wish, and neither a machine, an address nor anything else that the
 * cloud has and the caller does not know of, or that the caller believes to have and the cloud does not.
 */
export function expectAgreement(told: Ledger, ledger: Ledger): void {
  const wishes = ledger.machines.map(({ name, mark }) => `${name} of ${mark}`);
  expect(wishes, 'a second machine for one wish').toEqual([...new Set(wishes)]);
  const owners = ledger.owned.map(({ kind, owner, mark, digest = '' }) => `${kind} ${digest} of ${owner} of ${mark}`);
  expect(owners, 'a second one for one owner').toEqual([...new Set(owners)]);
  const disks = ledger.attached.map(({ disk }) => disk);
  expect(disks, 'a disk at two machines').toEqual([...new Set(disks)]);
  const keys = ledger.parts.map(({ of, key }) => `${key} of ${of}`);
  expect(keys, 'a second one in one place').toEqual([...new Set(keys)]);
  expect(sorted(told), 'what the caller was told, beside what the cloud has').toEqual(sorted(ledger));
}

function sorted({ machines, addresses, owned, parts, attached }: Ledger): Ledger {
  return {
    machines: machines.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    addresses: addresses.toSorted((a, b) => (a.ip < b.ip ? -1 : 1)),
    owned: owned.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    parts: parts.map(({ id, of }) => ({ id, of })).sort((a, b) => (a.id < b.id ? -1 : 1)),
    attached: attached.toSorted((a, b) => (a.disk < b.disk ? -1 : 1)),
  };
}
