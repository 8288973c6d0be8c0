import { messageOf } from '#unit/message-of.ts';
import type { WorldCaller } from '../engine/world-caller.ts';
import type { Addresses } from './address-work.ts';
import { latencies } from './latency.ts';
import { gatewayOf, rangeOf, subnetOf } from './lookup.ts';
import type { InterfaceRecord, Placed } from './state.ts';
import type { VpcWorld, WorldInterface } from './world.ts';

/** The interfaces' side of the world: each is attached and detached in the order that was asked for. */
export interface Interfaces {
  /** For an interface that is free. The guest has the link some time later. */
  attach(record: InterfaceRecord, machine: string): void;
  /** For an interface that is attached. */
  detach(record: InterfaceRecord): void;
  /** Forgets a free interface and takes its addresses back. */
  remove(record: InterfaceRecord): void;
  /** The machine ends: what is attached to it is free at once. The world lets go of it with the machine. */
  leave(machine: string): void;
  /** Takes up the work that a snapshot was made in the middle of. */
  resume(): void;
}

export function createInterfaces(state: Placed, addresses: Addresses, caller: WorldCaller<VpcWorld>): Interfaces {
  const begin = (record: InterfaceRecord): void => void caller.queue.add(record.id, () => tend(record, state, caller));
  return {
    attach(record, machine) {
      record.machine = machine;
      record.at = 'attaching';
      begin(record);
    },
    detach(record) {
      record.at = 'detaching';
      begin(record);
    },
    remove(record) {
      state.interfaces.splice(state.interfaces.indexOf(record), 1);
      void addresses.leaveAll(record.id);
    },
    leave(machine) {
      for (const record of state.interfaces)
        if (record.machine === machine) Object.assign(record, { at: 'free', machine: undefined });
    },
    resume() {
      for (const record of state.interfaces) if (record.at === 'attaching' || record.at === 'detaching') begin(record);
    },
  };
}

/** Makes true what the record says is on its way. */
async function tend(record: InterfaceRecord, state: Placed, caller: WorldCaller<VpcWorld>): Promise<void> {
  const { at, machine } = record;
  if (machine === undefined) return;
  try {
    await caller.wait(caller.latencyOf(latencies.plug));
    // In the machine's own queue: its power must not change meanwhile, nor the addresses that it carries.
    await caller.queue.add(machine, () => perform(record, machine, state, caller));
    record.trouble = undefined;
    caller.note({ doing: at, machine, nic: record.id });
  } catch (e) {
    if (e === caller.closing.reason) return;
    record.trouble = `${at}: ${messageOf(e)}`;
    settle(record, at === 'attaching' ? 'free' : 'attached');
    caller.note({ doing: at, machine, nic: record.id, error: messageOf(e) });
  }
}

async function perform(
  record: InterfaceRecord,
  machine: string,
  state: Placed,
  { world }: WorldCaller<VpcWorld>,
): Promise<void> {
  // Its machine may have ended while this was waiting.
  if (record.machine !== machine) return;
  if (record.at === 'attaching') await world.attach(machine, worldInterface(record, state));
  else await world.detach(machine, record.id);
  if (record.machine === machine) settle(record, record.at === 'attaching' ? 'attached' : 'free');
}

function settle(record: InterfaceRecord, at: 'free' | 'attached'): void {
  record.at = at;
  if (at === 'free') record.machine = undefined;
}

export function worldInterface({ id, mac, ip, subnet }: InterfaceRecord, state: Placed): WorldInterface {
  const range = rangeOf(subnetOf(subnet, state));
  return { id, mac: mac.toLowerCase(), ip, prefixLength: range.bits, gateway: gatewayOf(range) };
}
