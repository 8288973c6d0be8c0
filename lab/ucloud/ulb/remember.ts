import type { Script } from '../engine/script.ts';
import type { WorldApplicationBalancer } from './application/world.ts';
import type { WorldDirectBalancer } from './classic/world.ts';
import type { WorldBalancer } from './network/world.ts';
import type { UlbWorld } from './world.ts';

/** What a remembering world knows of balancers. */
export interface UlbMemory {
  /** How each forwards now. */
  readonly balancing: ReadonlyMap<string, WorldBalancer>;
  /** How each application load balancer answers now. */
  readonly answering: ReadonlyMap<string, WorldApplicationBalancer>;
  /** How each classic load balancer forwards now. */
  readonly directing: ReadonlyMap<string, WorldDirectBalancer>;
  /** From now on every check of this address, or from it, fails, or again none does. */
  readonly fall: (ip: string, isDown: boolean) => void;
}

/** Balancers that forward nothing, and targets that answer every check unless they were told to fall. */
export function rememberUlb({ tell, checkFailure }: Script): UlbWorld & UlbMemory {
  const balancing = new Map<string, WorldBalancer>();
  const answering = new Map<string, WorldApplicationBalancer>();
  const directing = new Map<string, WorldDirectBalancer>();
  const down = new Set<string>();
  return {
    balancing,
    answering,
    directing,
    fall: (ip, isDown) => void (isDown ? down.add(ip) : down.delete(ip)),
    async shapeBalancer(wanted) {
      checkFailure(`balance ${wanted.id}`);
      balancing.set(wanted.id, structuredClone(wanted));
    },
    async shapeApplicationBalancer(wanted) {
      checkFailure(`balance ${wanted.id}`);
      answering.set(wanted.id, structuredClone(wanted));
    },
    async shapeDirectBalancer(wanted) {
      checkFailure(`balance ${wanted.id}`);
      directing.set(wanted.id, structuredClone(wanted));
    },
    async removeBalancer(id) {
      await tell(`remove ${id}`);
      balancing.delete(id);
      answering.delete(id);
      directing.delete(id);
    },
    async probe({ ip, from }) {
      return !down.has(ip) && !down.has(from);
    },
  };
}
