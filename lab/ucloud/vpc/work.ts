import type { WorkPlace } from '../gateway/product.ts';
import type { UnetState } from '../unet/state.ts';
import { type Addresses, createAddresses } from './address-work.ts';
import { createInterfaces, type Interfaces } from './interface-work.ts';
import { createNetwork, type Network, withNetwork } from './network-work.ts';
import type { Placed } from './state.ts';
import type { VpcWorld } from './world.ts';

/** What the networks do to the world. */
export type VpcWorks = {
  readonly network: Network;
  readonly addresses: Addresses;
  readonly interfaces: Interfaces;
};

export function createVpcWorks({ state, region, caller }: WorkPlace<Placed & UnetState, VpcWorld, unknown>): VpcWorks {
  const network = createNetwork(state, region, caller);
  const guarded = { ...caller, world: withNetwork(caller.world, network) };
  const addresses = createAddresses(state, guarded);
  const interfaces = createInterfaces(state, addresses, guarded);
  return { network, addresses, interfaces };
}
