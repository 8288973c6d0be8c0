import { type Chance, draw } from '../engine/random.ts';
import type { FaultWish } from './fault-wish.ts';

/** A fault in the cloud, with what it has seen so far. */
export interface PlantedFault {
  /** `fault-1`. */
  readonly id: string;
  readonly wish: FaultWish;
  /** Unix milliseconds. */
  readonly plantedAt: number;
  /** Of its own, so that it meets the same calls of its action whatever else is called in between. */
  readonly luck: Chance;
  /** Calls of its action since it is active, and how many of them met it. */
  seen: number;
  met: number;
}

/** @unit seed: the cloud's; number: of this fault, from 1; at: Unix milliseconds */
export function plantFault(
  wish: FaultWish,
  { seed, number, at }: { seed: number; number: number; at: number },
): PlantedFault {
  // The odd factor spreads neighbouring numbers over all seeds. @source Knuth, multiplicative hashing
  const luck = { seed: (seed + Math.imul(number, 0x9e3779b1)) | 0 };
  return { id: `fault-${number}`, wish, plantedAt: at, luck, seen: 0, met: 0 };
}

/** The first planted fault that this call meets, counted as met. Counts the call at every active fault of its action. */
export function meetFault(faults: readonly PlantedFault[], action: string, at: number): PlantedFault | undefined {
  const struck = faults.filter((fault) => isActive(fault, at) && concerns(fault.wish.action, action)).filter(strikes);
  const [first] = struck;
  if (first !== undefined) first.met++;
  return first;
}

/** Whether it can still meet a call, now or later. */
export function isSpent({ wish, plantedAt, met }: PlantedFault, at: number): boolean {
  return (
    met >= (wish.times ?? Number.POSITIVE_INFINITY) ||
    (wish.for !== undefined && at >= plantedAt + wish.after + wish.for)
  );
}

function isActive(fault: PlantedFault, at: number): boolean {
  return at >= fault.plantedAt + fault.wish.after && !isSpent(fault, at);
}

function strikes(fault: PlantedFault): boolean {
  fault.seen++;
  const lucky = draw(fault.luck) >= fault.wish.chance;
  return fault.seen > fault.wish.skip && !lucky;
}

function concerns(pattern: string, action: string): boolean {
  return pattern.endsWith('*') ? action.startsWith(pattern.slice(0, -1)) : pattern === action;
}
