import type { WorldCaller } from './engine/world-caller.ts';
import type { State } from './gateway/state.ts';
import { createImages, type Images } from './uhost/image-work.ts';
import { createMachines, type Machines } from './uhost/machine-work.ts';
import { type Addresses, createAddresses } from './vpc/address-work.ts';
import { createInterfaces, type Interfaces } from './vpc/interface-work.ts';
import { createNetwork, type Network, withNetwork } from './vpc/network-work.ts';

/** All that a cloud does to the world, by what it is about. */
export interface Works {
  readonly network: Network;
  readonly addresses: Addresses;
  readonly interfaces: Interfaces;
  readonly images: Images;
  readonly machines: Machines;
}

/** Takes up at once the work that a restored state was in the middle of. */
export function createWorks(state: State, region: string, caller: WorldCaller): Works {
  const network = createNetwork(state, region, caller);
  const guarded: WorldCaller = { ...caller, world: withNetwork(caller.world, network) };
  const addresses = createAddresses(state, guarded);
  const interfaces = createInterfaces(state, addresses, guarded);
  const images = createImages(state, guarded);
  const machines = createMachines(state, { addresses, interfaces }, guarded);
  network.applySoon();
  for (const work of [machines, interfaces, images, addresses]) work.resume();
  return { network, addresses, interfaces, images, machines };
}
