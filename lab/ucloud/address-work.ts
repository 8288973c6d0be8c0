import { ms } from '#unit/clock.ts';
import type { AddressRecord, State } from './state.ts';
import { messageOf, type WorldCaller } from './world-caller.ts';

/** The addresses' side of the world: what a record says is made true, in order per address and per machine. */
export interface Addresses {
  /** Gives an address that was free; it works when the network has learnt it. */
  give(ip: string, subnet: string, machine: string): AddressRecord;
  /** Takes an address back. It stays taken until the world has let it go. */
  leave(record: AddressRecord): void;
  /** Gives an address to another machine; the warm-up begins anew. */
  move(record: AddressRecord, machine: string): void;
  /** Takes back every address of a machine, and waits until the world has let them go or failed to. */
  leaveAll(machine: string): Promise<void>;
  /** Takes up the work that a snapshot was made in the middle of. */
  resume(): void;
}

export function createAddresses(state: State, caller: WorldCaller): Addresses {
  const { world, queue, note } = caller;

  /** Brings the world one address closer to what its record says; asking once too often does no harm. */
  async function tend(record: AddressRecord): Promise<void> {
    if (record.heldBy !== undefined && (record.at === 'leaving' || record.heldBy !== record.machine))
      await take(record, record.heldBy);
    if (record.at === 'leaving') forget(record);
    if (record.at === 'settling' && caller.now() >= record.readyAt) await carry(record);
  }

  async function take(record: AddressRecord, from: string): Promise<void> {
    await queue.add(from, () => world.takeAddress(from, record.ip));
    record.heldBy = undefined;
    note({ doing: 'takeAddress', machine: from, ip: record.ip });
  }

  async function carry(record: AddressRecord): Promise<void> {
    const to = record.machine;
    await queue.add(to, () => world.giveAddress(to, record.ip));
    record.heldBy = to;
    note({ doing: 'giveAddress', machine: to, ip: record.ip });
    // It may have been released or moved while the world was at it.
    if (record.at === 'settling' && record.machine === to) record.at = 'working';
  }

  function forget(record: AddressRecord): void {
    const place = state.addresses.indexOf(record);
    if (place >= 0) state.addresses.splice(place, 1);
  }

  function tendSoon(record: AddressRecord): Promise<void> {
    return queue
      .add(`address ${record.ip}`, () => tend(record))
      .then(
        () => {
          record.trouble = undefined;
        },
        (e: unknown) => {
          record.trouble = messageOf(e);
          note({ doing: record.at, machine: record.machine, ip: record.ip, error: messageOf(e) });
        },
      );
  }

  async function tendWhenSettled(record: AddressRecord): Promise<void> {
    try {
      // More than once if need be: a timer may be early, and a move sets the time anew.
      while (caller.now() < record.readyAt) await caller.wait(ms(Math.ceil(record.readyAt - caller.now())));
    } catch (e) {
      // Closed meanwhile: the next cloud goes on from the snapshot.
      if (e === caller.closing.reason) return;
      throw e;
    }
    await tendSoon(record);
  }

  function settle(record: AddressRecord): void {
    record.at = 'settling';
    record.readyAt = caller.now() + caller.latencyOf('settle');
    void tendWhenSettled(record);
  }

  function leave(record: AddressRecord): Promise<void> {
    record.at = 'leaving';
    return tendSoon(record);
  }

  return {
    give(ip, subnet, machine) {
      const record: AddressRecord = {
        ip,
        subnet,
        machine,
        at: 'settling',
        readyAt: 0,
        heldBy: undefined,
        trouble: undefined,
      };
      state.addresses.push(record);
      settle(record);
      return record;
    },
    leave: (record) => void leave(record),
    move(record, machine) {
      record.machine = machine;
      void tendSoon(record);
      settle(record);
    },
    async leaveAll(machine) {
      await Promise.all(state.addresses.filter((record) => record.machine === machine).map(leave));
    },
    resume() {
      for (const record of state.addresses) {
        if (record.at === 'settling') void tendWhenSettled(record);
        else if (record.at === 'leaving' || record.heldBy !== record.machine) void tendSoon(record);
      }
    },
  };
}
