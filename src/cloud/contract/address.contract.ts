import { expect, test } from 'vitest';
import { contains, ip } from '#unit/ip.ts';
import { mannersContract } from './manners.ts';
import { homeOf, kindOf, type Open, opening, runningMachine, valueOf, within } from './world.ts';

/** What a provider owes for further addresses. Call it at the top level of a test file. */
export function addressContract(cloud: string, openWorld: Open): void {
  const open = opening(openWorld);
  mannersContract(`${cloud} addresses`, open, ({ addresses }, { place }, opts) => {
    const { zone, vpc, subnet } = place;
    return addresses.list({ zone, vpc, subnet, object: 'uhost-none', mac: '52:54:00:00:00:01' }, opts);
  });

  test(`${cloud} addresses: a list names what was given and not the primary address`, async () => {
    const world = await open();
    const { addresses, network } = world.cloud;
    const machine = await runningMachine(world);
    const home = homeOf(machine);
    expect(await valueOf('', addresses.list(home, { within }))).toEqual([]);
    const given = await valueOf('', addresses.extend(home, 3, { within }));
    const { range } = await valueOf('', network.subnet(home.subnet, { within }));
    expect(new Set(given).size).toBe(3);
    expect(given.every((address) => contains(range, address))).toBe(true);
    expect(given).not.toContain(machine.nic?.ip);
    expect(await valueOf('', addresses.list(home, { within }))).toEqual(given);
  });

  test(`${cloud} addresses: more than one batch is given in one call`, async () => {
    const world = await open();
    const home = homeOf(await runningMachine(world));
    const given = await valueOf('', world.cloud.addresses.extend(home, 40, { within }));
    expect(new Set(given).size).toBe(40);
    expect(await valueOf('', world.cloud.addresses.list(home, { within }))).toEqual(given);
  });

  test(`${cloud} addresses: two machines never get the same address and do not see each other's`, async () => {
    const world = await open();
    const { addresses } = world.cloud;
    const [a, b] = [homeOf(await runningMachine(world)), homeOf(await runningMachine(world, { name: 'web-2' }))];
    const [ofA, ofB] = await Promise.all([a, b].map((home) => valueOf('', addresses.extend(home, 4, { within }))));
    expect(new Set([...(ofA ?? []), ...(ofB ?? [])]).size).toBe(8);
    expect(await valueOf('', addresses.list(a, { within }))).toEqual(ofA);
    expect(await valueOf('', addresses.list(b, { within }))).toEqual(ofB);
  });

  test(`${cloud} addresses: what is released is gone from the list, and released again it is success`, async () => {
    const world = await open();
    const { addresses } = world.cloud;
    const home = homeOf(await runningMachine(world));
    const [first, second] = await valueOf('', addresses.extend(home, 2, { within }));
    expect(await kindOf(addresses.release(home, first ?? ip('0.0.0.0'), { within }))).toBe('ok');
    expect(await valueOf('', addresses.list(home, { within }))).toEqual([second]);
    expect(await kindOf(addresses.release(home, first ?? ip('0.0.0.0'), { within }))).toBe('ok');
    expect(await valueOf('', addresses.list(home, { within }))).toEqual([second]);
  });

  test(`${cloud} addresses: a subnet gives what it has, then says that it is exhausted, and recovers`, async () => {
    const world = await open();
    const { addresses, network } = world.cloud;
    const home = homeOf(await runningMachine(world, { subnet: world.tightSubnet }));
    const { available } = await valueOf('', network.subnet(world.tightSubnet, { within }));
    const given = await valueOf('', addresses.extend(home, available + 5, { within }));
    expect(given).toHaveLength(available);
    expect((await valueOf('', network.subnet(world.tightSubnet, { within }))).available).toBe(0);

    const more = await addresses.extend(home, 1, { within });
    expect(more.ok ? 'ok' : more.failure).toMatchObject({ kind: 'exhausted', what: 'addresses' });
    const last = given[0] ?? ip('0.0.0.0');
    await valueOf('', addresses.release(home, last, { within }));
    expect(await valueOf('', addresses.extend(home, 1, { within }))).toEqual([last]);
  });

  test(`${cloud} addresses: an extension whose answer was lost is unknown, and the list tells what became of it`, async () => {
    const world = await open();
    const home = homeOf(await runningMachine(world));
    world.trouble('answersLost');
    expect(await kindOf(world.cloud.addresses.extend(home, 2, { within }))).toBe('unknown');
    world.trouble(undefined);
    expect(await valueOf('', world.cloud.addresses.list(home, { within }))).toHaveLength(2);
  });

  test(`${cloud} addresses: addresses end with their machine`, async () => {
    const world = await open();
    const machine = await runningMachine(world);
    await valueOf('', world.cloud.addresses.extend(homeOf(machine), 2, { within }));
    await valueOf('', world.cloud.compute.remove(machine.id, 'shop', { within }));
    expect(await valueOf('', world.cloud.addresses.list(homeOf(machine), { within }))).toEqual([]);
  });
}
