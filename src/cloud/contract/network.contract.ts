import { expect, test } from 'vitest';
import { contains, ipOf, overlaps } from '#unit/ip.ts';
import { mannersContract } from './manners.ts';
import { homeOf, kindOf, type Open, opening, runningMachine, valueOf, within } from './world.ts';

/** What a provider owes for the network that it finds. Call it at the top level of a test file. */
export function networkContract(cloud: string, openWorld: Open): void {
  const open = opening(openWorld);
  mannersContract(`${cloud} network`, open, ({ network }, { place }, opts) => network.subnet(place.subnet, opts));

  test(`${cloud} network: a subnet lies in its VPC and its gateway in the subnet`, async () => {
    const world = await open();
    const vpc = await valueOf('', world.cloud.network.vpc(world.place.vpc, { within }));
    const subnet = await valueOf('', world.cloud.network.subnet(world.place.subnet, { within }));
    expect(vpc.id).toBe(world.place.vpc);
    expect(subnet.vpc).toBe(vpc.id);
    expect(vpc.ranges.some((range) => contains(range, ipOf(subnet.range.first)))).toBe(true);
    expect(contains(subnet.range, subnet.gateway)).toBe(true);
  });

  test(`${cloud} network: two subnets do not overlap`, async () => {
    const world = await open();
    const a = await valueOf('', world.cloud.network.subnet(world.place.subnet, { within }));
    const b = await valueOf('', world.cloud.network.subnet(world.tightSubnet, { within }));
    expect(overlaps(a.range, b.range)).toBe(false);
  });

  test(`${cloud} network: a subnet counts the addresses that are left`, async () => {
    const world = await open();
    const home = homeOf(await runningMachine(world));
    const before = await valueOf('', world.cloud.network.subnet(home.subnet, { within }));
    await valueOf('', world.cloud.addresses.extend(home, 3, { within }));
    const after = await valueOf('', world.cloud.network.subnet(home.subnet, { within }));
    expect(after.available).toBe(before.available - 3);
  });

  test(`${cloud} network: an image tells its size`, async () => {
    const world = await open();
    const { image, zone } = world.place;
    const seen = await valueOf('', world.cloud.network.image(image, zone, { within }));
    expect(seen.id).toBe(image);
    expect(seen.sizeGib).toBeGreaterThan(0);
  });

  test(`${cloud} network: what the cloud does not know is gone`, async () => {
    const world = await open();
    const { network } = world.cloud;
    expect(await kindOf(network.vpc('uvnet-none', { within }))).toBe('gone');
    expect(await kindOf(network.subnet('subnet-none', { within }))).toBe('gone');
    expect(await kindOf(network.image('uimage-none', world.place.zone, { within }))).toBe('gone');
  });
}
