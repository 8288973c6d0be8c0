import { expect } from 'vitest';
import { ms, waitFor } from '#unit/clock.ts';
import { contains, type Ip } from '#unit/ip.ts';
import type { MachineHome } from '../compute.ts';
import { type Cases, type CaseWorld, homeOf, kindOf, machineIn, runningMachine, valueOf, within } from './case.ts';

/** What a provider owes for further addresses. */
export const addressCases: Cases = {
  async 'a list names what was given and not the primary address'(world) {
    const { addresses, network } = world.cloud;
    const machine = await runningMachine(world);
    const home = homeOf(machine);
    expect(await valueOf('', addresses.list(home, { within }))).toEqual([]);
    const given = await valueOf('', addresses.extend(home, 3, { within }));
    const { range } = await valueOf('', network.subnet(world.place.subnet, { within }));
    expect(new Set(given).size).toBe(3);
    expect(given.every((address) => contains(range, address))).toBe(true);
    expect(given).not.toContain(machine.nic?.ip);
    expect(await valueOf('', addresses.list(home, { within }))).toEqual(given);
  },

  async 'more than one batch is given in one call'(world) {
    const home = homeOf(await runningMachine(world));
    const given = await valueOf('', world.cloud.addresses.extend(home, 40, { within }));
    expect(new Set(given).size).toBe(40);
    expect(await valueOf('', world.cloud.addresses.list(home, { within }))).toEqual(given);
  },

  async 'an interface that has some is given as many more as are asked for'(world) {
    const { addresses } = world.cloud;
    const home = homeOf(await runningMachine(world));
    const first = await valueOf('', addresses.extend(home, 2, { within }));
    const more = await valueOf('', addresses.extend(home, 3, { within }));
    expect(more).toHaveLength(3);
    expect(new Set(await valueOf('', addresses.list(home, { within })))).toEqual(new Set([...first, ...more]));
  },

  async "two machines never get the same address and do not see each other's"(world) {
    const { addresses } = world.cloud;
    const [a, b] = [homeOf(await runningMachine(world)), homeOf(await runningMachine(world, { name: 'web-2' }))];
    const [ofA, ofB] = await Promise.all([
      valueOf('', addresses.extend(a, 4, { within })),
      valueOf('', addresses.extend(b, 4, { within })),
    ]);
    expect(new Set([...ofA, ...ofB]).size).toBe(8);
    expect(await valueOf('', addresses.list(a, { within }))).toEqual(ofA);
    expect(await valueOf('', addresses.list(b, { within }))).toEqual(ofB);
  },

  async 'what is released is gone from the list, and released again it is success'(world) {
    const { addresses } = world.cloud;
    const home = homeOf(await runningMachine(world));
    const [first, second] = (await valueOf('', addresses.extend(home, 2, { within }))) as [Ip, Ip];
    for (let time = 0; time < 2; time++) {
      expect(await kindOf(addresses.release(home, first, { within }))).toBe('ok');
      expect(await valueOf('', addresses.list(home, { within }))).toEqual([second]);
    }
  },

  async 'a subnet gives what it has, then says that it is exhausted, and recovers'(world) {
    const { addresses, network } = world.cloud;
    const home = homeOf(await runningMachine(world, { subnet: world.tightSubnet }));
    const given = await valueOf('', addresses.extend(home, 40, { within }));
    expect(given.length).toBeGreaterThan(0);
    expect((await valueOf('', network.subnet(world.tightSubnet, { within }))).available).toBe(0);

    const more = await addresses.extend(home, 1, { within });
    expect(more.ok ? 'ok' : more.failure).toMatchObject({ kind: 'exhausted', what: 'addresses' });
    const last = given.at(-1) as Ip;
    await valueOf('', addresses.release(home, last, { within }));
    expect(await valueOf('', addresses.extend(home, 1, { within }))).toEqual([last]);
  },

  async 'an extension whose answer was lost is unknown, and the list tells what became of it'(world) {
    const home = homeOf(await runningMachine(world));
    world.trouble('answersLost');
    expect(await kindOf(world.once.addresses.extend(home, 2, { within }))).toBe('unknown');
    world.trouble(undefined);
    const { addresses } = await world.ledger();
    expect(addresses.length, 'a request that may have been done is not sent again').toBeLessThanOrEqual(2);
    const listed = await valueOf('', world.cloud.addresses.list(home, { within }));
    expect(new Set(listed)).toEqual(new Set(addresses.map(({ ip }) => ip)));
  },

  async 'a machine with two interfaces has two homes, and each lists its own addresses alone'(world) {
    const { addresses } = world.cloud;
    const { first, second } = await twoHomes(world);
    expect(second.home.id).not.toBe(first.home.id);
    expect(second.mac).not.toBe(first.mac);
    const [ofFirst, ofSecond] = [
      await valueOf('', addresses.extend(first.home, 1, { within })),
      await valueOf('', addresses.extend(second.home, 1, { within })),
    ];
    expect(await valueOf('', addresses.list(first.home, { within }))).toEqual(ofFirst);
    expect(await valueOf('', addresses.list(second.home, { within }))).toEqual(ofSecond);
    expect([...ofFirst, ...ofSecond]).not.toContain(second.ip);
  },

  async 'an address that is released at another home of the machine stays'(world) {
    const { addresses } = world.cloud;
    const { first, second } = await twoHomes(world);
    const given = await valueOf('', addresses.extend(second.home, 1, { within }));
    expect(await kindOf(addresses.release(first.home, given[0] as Ip, { within }))).toBe('ok');
    expect(await valueOf('', addresses.list(second.home, { within }))).toEqual(given);
  },

  async 'an interface gives what it says that it takes, then quota, and the other one gives'(world) {
    const { addresses } = world.cloud;
    const { first, second } = await twoHomes(world);
    // Where a cloud tells nothing there is nothing to hold it to.
    if (first.most === undefined) return;
    expect(await valueOf('', addresses.extend(first.home, first.most, { within }))).toHaveLength(first.most);
    expect(await kindOf(addresses.extend(first.home, 1, { within }))).toBe('quota');
    expect(await valueOf('', addresses.extend(second.home, 1, { within }))).toHaveLength(1);
  },

  async 'a home keeps its id, its place and its addresses over a restart of the machine'(world) {
    const { addresses, compute } = world.cloud;
    const { machine, first, second } = await twoHomes(world);
    const given = await valueOf('', addresses.extend(second.home, 1, { within }));
    await valueOf('', compute.power(machine, 'off', { within }));
    await machineIn(world, machine, 'stopped');
    await valueOf('', compute.power(machine, 'start', { within }));
    const after = await homesOf(world, machine);
    expect([after.first.home.id, after.second.home.id]).toEqual([first.home.id, second.home.id]);
    expect(await valueOf('', addresses.list(after.second.home, { within }))).toEqual(given);
  },

  async 'addresses end with their machine'(world) {
    const machine = await runningMachine(world);
    await valueOf('', world.cloud.addresses.extend(homeOf(machine), 2, { within }));
    await valueOf('', world.cloud.compute.remove(machine.id, 'shop', { within }));
    expect(await valueOf('', world.cloud.addresses.list(homeOf(machine), { within }))).toEqual([]);
  },
};

interface TwoHomes {
  readonly machine: string;
  readonly first: MachineHome;
  readonly second: MachineHome;
}

/** A machine with a further interface, once the cloud's lists show it. */
async function twoHomes(world: CaseWorld): Promise<TwoHomes> {
  const { id } = await runningMachine(world, { elastic: true });
  await world.attach(id);
  return homesOf(world, id);
}

function homesOf(world: CaseWorld, machine: string): Promise<TwoHomes> {
  return waitFor(
    `${machine} to run with two homes`,
    async () => {
      const { homes } = await machineIn(world, machine, 'running');
      const [first, second, ...others] = homes;
      if (first === undefined || second === undefined || others.length > 0) throw new Error(`it has ${homes.length}`);
      return { machine, first, second };
    },
    { within, every: ms(20) },
  );
}
