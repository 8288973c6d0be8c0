import type { FaultWish } from './fault-wish.ts';
import { isSpent, type PlantedFault, plantFault } from './faults.ts';
import type { GatewayState } from './state.ts';

/** The faults of a cloud by the hand that plants them. */
export interface PlantedFaults<State> {
  readonly plant: (wish: FaultWish) => PlantedFault;
  /** What was planted and not cleared; `spent`: it can meet no call any more. */
  readonly faults: () => readonly (PlantedFault & { readonly spent: boolean })[];
  /** Takes one planted fault out, or all. @fails Error when there is no such fault */
  readonly clear: (id?: string) => void;
  /** The state as it stood when this fault was planted. */
  readonly frozenAt: (fault: string) => State;
}

/** @shape changed: called after every change; now: Unix milliseconds */
export function createPlantedFaults<State extends GatewayState>(
  state: State,
  { seed, now, changed }: { readonly seed: number; readonly now: () => number; readonly changed: () => void },
): PlantedFaults<State> {
  const frozen = new Map<string, State>();
  const freeze = ({ id, wish }: PlantedFault): void => {
    if (wish.kind === 'stale-list') frozen.set(id, structuredClone(state));
  };
  // A list that was stale before a restart is stale from the restart on: the state of then was not written down.
  for (const fault of state.faults) freeze(fault);
  return {
    plant(wish) {
      const number = ++state.faultsPlanted;
      const fault = plantFault(wish, { seed, number, at: now() });
      freeze(fault);
      state.faults.push(fault);
      changed();
      return fault;
    },
    faults: () => state.faults.map((fault) => ({ ...fault, spent: isSpent(fault, now()) })),
    clear(id) {
      if (id !== undefined && !state.faults.some((fault) => fault.id === id))
        throw new Error(`no fault "${id}" is planted; see which are with \`isthmus lab cloud fault list\``);
      const left = state.faults.filter((fault) => id !== undefined && fault.id !== id);
      state.faults.splice(0, state.faults.length, ...left);
      changed();
    },
    frozenAt: (fault) => frozen.get(fault) ?? state,
  };
}
