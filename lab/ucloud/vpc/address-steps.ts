import type { WorldCaller } from '../engine/world-caller.ts';
import type { AddressRecord, Placed } from './state.ts';
import type { VpcWorld } from './world.ts';

/**
 * Brings the world one address closer to what its record says: taken from who must not have it any more, carried to who has
 * it by now, forgotten when it was given back. Asking once too often does no harm.
 * @fails Error from the world
 */
export async function tendAddress(record: AddressRecord, state: Placed, caller: WorldCaller<VpcWorld>): Promise<void> {
  if (record.heldBy !== undefined && (record.at === 'leaving' || record.heldBy !== record.port))
    await take(record, record.heldBy, state, caller);
  if (record.at === 'leaving') forget(record, state);
  if (record.at === 'settling' && caller.now() >= record.readyAt) await carry(record, state, caller);
}

async function take(record: AddressRecord, from: string, state: Placed, caller: WorldCaller<VpcWorld>): Promise<void> {
  await inTurn(from, state, caller, () => caller.world.takeAddress(from, record.ip));
  record.heldBy = undefined;
  caller.note({ doing: 'takeAddress', machine: from, ip: record.ip });
}

async function carry(record: AddressRecord, state: Placed, caller: WorldCaller<VpcWorld>): Promise<void> {
  const to = record.port;
  await inTurn(to, state, caller, () => caller.world.giveAddress(to, record.ip));
  record.heldBy = to;
  caller.note({ doing: 'giveAddress', machine: to, ip: record.ip });
  // It may have been released or moved while the world was at it.
  if (record.at === 'settling' && record.port === to) record.at = 'working';
}

/** In the queue of the machine that the port is in: its power must not change meanwhile. */
function inTurn(
  port: string,
  state: Placed,
  { queue }: WorldCaller<VpcWorld>,
  work: () => Promise<void>,
): Promise<void> {
  return queue.add(state.interfaces.find(({ id }) => id === port)?.machine ?? port, work);
}

function forget(record: AddressRecord, state: Placed): void {
  const place = state.addresses.indexOf(record);
  if (place >= 0) state.addresses.splice(place, 1);
}
