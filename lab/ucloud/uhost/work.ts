import type { WorkPlace } from '../gateway/product.ts';
import type { UdiskWorks } from '../udisk/work.ts';
import type { Placed } from '../vpc/state.ts';
import type { VpcWorks } from '../vpc/work.ts';
import { createImages, type Images } from './image-work.ts';
import { createMachines, type Machines } from './machine-work.ts';
import type { UhostWorld } from './world.ts';

/** What machines and images do to the world. */
export type UhostWorks = {
  readonly machines: Machines;
  readonly images: Images;
};

export function createUhostWorks({
  state,
  works,
  caller,
}: WorkPlace<Placed, UhostWorld, VpcWorks & UdiskWorks>): UhostWorks {
  return {
    machines: createMachines(state, works, caller),
    images: createImages(state, caller),
  };
}
