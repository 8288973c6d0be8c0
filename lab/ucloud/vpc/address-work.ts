import { ms } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import type { WorldCaller } from '../engine/world-caller.ts';
import { tendAddress } from './address-steps.ts';
import { latencies } from './latency.ts';
import type { AddressRecord, Placed } from './state.ts';
import type { VpcWorld } from './world.ts';

/** The addresses' side of the world: what a record says is made true, in order per address and per machine. */
export interface Addresses {
  /** Gives an address that was free; it works when the network has learnt it. */
  give(ip: string, subnet: string, port: string): AddressRecord;
  /** Takes an address back. It stays taken until the world has let it go. */
  leave(record: AddressRecord): void;
  /** Gives an address to another port; the warm-up begins anew. */
  move(record: AddressRecord, port: string): void;
  /** Takes back every address of a port, and waits until the world has let them go or failed to. */
  leaveAll(port: string): Promise<void>;
  /** Takes up the work that a snapshot was made in the middle of. */
  resume(): void;
}

export function createAddresses(state: Placed, caller: WorldCaller<VpcWorld>): Addresses {
  function settle(record: AddressRecord): void {
    record.at = 'settling';
    record.readyAt = caller.now() + caller.latencyOf(latencies.settle);
    void tendWhenSettled(record, state, caller);
  }

  function leave(record: AddressRecord): Promise<void> {
    record.at = 'leaving';
    return tendSoon(record, state, caller);
  }

  return {
    give(ip, subnet, port) {
      const born = { at: 'settling', readyAt: 0, heldBy: undefined, trouble: undefined } as const;
      const record: AddressRecord = { ip, subnet, port, ...born };
      state.addresses.push(record);
      settle(record);
      return record;
    },
    leave: (record) => void leave(record),
    move(record, port) {
      record.port = port;
      void tendSoon(record, state, caller);
      settle(record);
    },
    async leaveAll(port) {
      await Promise.all(state.addresses.filter((record) => record.port === port).map(leave));
    },
    resume() {
      for (const record of state.addresses) {
        if (record.at === 'settling') void tendWhenSettled(record, state, caller);
        else if (record.at === 'leaving' || record.heldBy !== record.port) void tendSoon(record, state, caller);
      }
    },
  };
}

/** One turn in the address's own queue; what the world failed at stays with the record. */
async function tendSoon(record: AddressRecord, state: Placed, caller: WorldCaller<VpcWorld>): Promise<void> {
  try {
    await caller.queue.add(`address ${record.ip}`, () => tendAddress(record, state, caller));
    record.trouble = undefined;
  } catch (e) {
    record.trouble = messageOf(e);
    caller.note({ doing: record.at, machine: record.port, ip: record.ip, error: messageOf(e) });
  }
}

async function tendWhenSettled(record: AddressRecord, state: Placed, caller: WorldCaller<VpcWorld>): Promise<void> {
  try {
    // More than once if need be: a timer may be early, and a move sets the time anew.
    while (caller.now() < record.readyAt) await caller.wait(ms(Math.ceil(record.readyAt - caller.now())));
  } catch (e) {
    // Closed meanwhile: the next cloud goes on from the snapshot.
    if (e === caller.closing.reason) return;
    throw e;
  }
  await tendSoon(record, state, caller);
}
