import type { AddressRecord, State } from './state.ts';
import type { WorldCaller } from './world-caller.ts';

/**
 * Brings the world one address closer to what its record says: taken from who must not have it any more, carried to who has
 * it by now, forgotten when it was given back. Asking once too often does no harm.
 * @fails Error from the world
 */
export async function tendAddress(record: AddressRecord, state: State, caller: WorldCaller): Promise<void> {
  if (record.heldBy !== undefined && (record.at === 'leaving' || record.heldBy !== record.machine))
    await take(record, record.heldBy, caller);
  if (record.at === 'leaving') forget(record, state);
  if (record.at === 'settling' && caller.now() >= record.readyAt) await carry(record, caller);
}

async function take(record: AddressRecord, from: string, { world, queue, note }: WorldCaller): Promise<void> {
  await queue.add(from, () => world.takeAddress(from, record.ip));
  record.heldBy = undefined;
  note({ doing: 'takeAddress', machine: from, ip: record.ip });
}

async function carry(record: AddressRecord, { world, queue, note }: WorldCaller): Promise<void> {
  const to = record.machine;
  await queue.add(to, () => world.giveAddress(to, record.ip));
  record.heldBy = to;
  note({ doing: 'giveAddress', machine: to, ip: record.ip });
  // It may have been released or moved while the world was at it.
  if (record.at === 'settling' && record.machine === to) record.at = 'working';
}

function forget(record: AddressRecord, state: State): void {
  const place = state.addresses.indexOf(record);
  if (place >= 0) state.addresses.splice(place, 1);
}
