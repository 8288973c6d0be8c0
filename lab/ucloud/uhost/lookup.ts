import { Refusal } from '../gateway/refusal.ts';
import { isListed, type MachineRecord, type UhostState } from './state.ts';

/** @fails Refusal 8039 for a machine that does not exist or was terminated */
export function machineOf(id: string, state: UhostState): MachineRecord {
  const machine = state.machines.find((one) => one.id === id && isListed(one));
  if (machine === undefined) throw new Refusal(8039, `UHost ${id} does not exist`);
  return machine;
}
