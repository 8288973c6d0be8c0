import { expect } from 'vitest';
import { ok } from '#unit/result.ts';
import type { Cloud } from '../cloud.ts';
import type { CloudMachine } from '../compute.ts';
import type { Ledger } from './world.ts';

/** A cloud whose caller writes down what it was told that it has. */
export interface Kept {
  readonly cloud: Cloud;
  /** What there must be, if every answer was true and none was lost. */
  readonly told: () => Ledger;
}

export function keepBooks(cloud: Cloud): Kept {
  const { compute, addresses } = cloud;
  const machines = new Map<string, Ledger['machines'][number]>();
  const ips = new Map<string, ReadonlySet<string>>();
  /** By machine, what its further addresses are given to. */
  const objects = new Map<string, string>();
  const met = ({ id, nic }: CloudMachine): void => {
    if (nic !== undefined) objects.set(id, nic.id);
  };
  const had = (object: string): ReadonlySet<string> => ips.get(object) ?? new Set();
  return {
    told: () => ({
      machines: [...machines.values()],
      addresses: [...ips].flatMap(([object, given]) => [...given].map((ip) => ({ ip, object }))),
    }),
    cloud: {
      ...cloud,
      compute: {
        ...compute,
        async create(wish, opts) {
          const made = await compute.create(wish, opts);
          if (made.ok) machines.set(made.value.id, { id: made.value.id, name: wish.name, mark: wish.mark });
          return made;
        },
        async find(id, opts) {
          const found = await compute.find(id, opts);
          if (found.ok) met(found.value);
          return found;
        },
        async remove(id, mark, opts) {
          const removed = await compute.remove(id, mark, opts);
          if (!removed.ok) return removed;
          machines.delete(id);
          ips.delete(objects.get(id) ?? id);
          return ok();
        },
      },
      addresses: {
        ...addresses,
        async extend(home, count, opts) {
          const given = await addresses.extend(home, count, opts);
          if (given.ok) ips.set(home.object, new Set([...had(home.object), ...given.value]));
          return given;
        },
        async release(home, address, opts) {
          const released = await addresses.release(home, address, opts);
          if (released.ok) ips.set(home.object, had(home.object).difference(new Set([address])));
          return released;
        },
        async list(home, opts) {
          const listed = await addresses.list(home, opts);
          if (listed.ok) ips.set(home.object, new Set(listed.value));
          return listed;
        },
      },
    },
  };
}

/**
 * What holds after every case, whatever the trouble was: one machine a wish, and neither a machine nor an address that the
 * cloud has and the caller does not know of, or that the caller believes to have and the cloud does not.
 */
export function expectAgreement(told: Ledger, ledger: Ledger): void {
  const wishes = ledger.machines.map(({ name, mark }) => `${name} of ${mark}`);
  expect(wishes, 'a second machine for one wish').toEqual([...new Set(wishes)]);
  expect(sorted(told), 'what the caller was told, beside what the cloud has').toEqual(sorted(ledger));
}

function sorted({ machines, addresses }: Ledger): Ledger {
  return {
    machines: machines.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    addresses: addresses.toSorted((a, b) => (a.ip < b.ip ? -1 : 1)),
  };
}
