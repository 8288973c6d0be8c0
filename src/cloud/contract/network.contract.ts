import { expect } from 'vitest';
import { ms, waitFor } from '#unit/clock.ts';
import { contains, ipOf, overlaps } from '#unit/ip.ts';
import { type Cases, homeOf, kindOf, runningMachine, valueOf, within } from './case.ts';

/** What a provider owes for the network that it finds. */
export const networkCases: Cases = {
  async 'a subnet lies in its VPC and its gateway in the subnet'(world) {
    const vpc = await valueOf('', world.cloud.network.vpc(world.place.vpc, { within }));
    const subnet = await valueOf('', world.cloud.network.subnet(world.place.subnet, { within }));
    expect(vpc.id).toBe(world.place.vpc);
    expect(subnet.vpc).toBe(vpc.id);
    expect(vpc.ranges.some((range) => contains(range, ipOf(subnet.range.first)))).toBe(true);
    expect(contains(subnet.range, subnet.gateway)).toBe(true);
  },

  async 'two subnets do not overlap'(world) {
    const a = await valueOf('', world.cloud.network.subnet(world.place.subnet, { within }));
    const b = await valueOf('', world.cloud.network.subnet(world.tightSubnet, { within }));
    expect(overlaps(a.range, b.range)).toBe(false);
  },

  async 'a subnet counts the addresses that are left'(world) {
    const { network, addresses } = world.cloud;
    const left = async () => (await valueOf('', network.subnet(world.place.subnet, { within }))).available;
    const empty = await left();
    const home = homeOf(await runningMachine(world));
    await valueOf('', addresses.extend(home, 3, { within }));
    // A machine that had to be made twice leaves an address that rests for a while.
    await waitFor(
      'the subnet to lack a primary address and three more',
      async () => {
        const now = await left();
        if (now !== empty - 4) throw new Error(`${now} of ${empty} are left`);
        return true;
      },
      { within, every: ms(20) },
    );
  },

  async 'an image tells its size'(world) {
    const { image, zone } = world.place;
    const seen = await valueOf('', world.cloud.network.image(image, zone, { within }));
    expect(seen.id).toBe(image);
    expect(seen.sizeGib).toBeGreaterThan(0);
  },

  async 'a machine that nothing guards lets everything in from inside the VPC, and one that is not known is left out'(
    world,
  ) {
    const { id } = await runningMachine(world);
    const inbound = await valueOf('', world.cloud.network.inbound([id, 'uhost-none'], { within }));
    expect([...inbound]).toEqual([[id, { guarded: false }]]);
    expect((await valueOf('', world.cloud.network.inbound([], { within }))).size).toBe(0);
  },

  async 'what the cloud does not know is gone'(world) {
    const { network } = world.cloud;
    expect(await kindOf(network.vpc('uvnet-none', { within }))).toBe('gone');
    expect(await kindOf(network.subnet('subnet-none', { within }))).toBe('gone');
    expect(await kindOf(network.image('uimage-none', world.place.zone, { within }))).toBe('gone');
  },
};
