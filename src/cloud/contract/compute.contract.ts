import { expect } from 'vitest';
import { mebi } from '#unit/bytes.ts';
import { ms, seconds } from '#unit/clock.ts';
import { contains } from '#unit/ip.ts';
import { type Cases, kindOf, machineIn, runningMachine, soon, spanOf, valueOf, wishIn, within } from './case.ts';

/** What a provider owes for machines. */
export const computeCases: Cases = {
  async 'a machine comes to run with the interface it was asked for'(world) {
    const machine = await runningMachine(world);
    const { range } = await valueOf('', world.cloud.network.subnet(world.place.subnet, { within }));
    expect(machine).toMatchObject({ name: 'web-1', mark: 'shop', zone: world.place.zone, cpu: 1 });
    expect(machine.nic).toMatchObject({ subnet: world.place.subnet, vpc: world.place.vpc });
    expect(machine.nic?.mac).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    expect(machine.nic && contains(range, machine.nic.ip)).toBe(true);
  },

  async 'a name made again and again is one machine'(world) {
    const { compute } = world.cloud;
    const first = await valueOf('first', compute.create(wishIn(world), { within }));
    for (let time = 0; time < 3; time++)
      expect((await valueOf('again', compute.create(wishIn(world), { within }))).id).toBe(first.id);
    const listed = await valueOf('', compute.list('shop', { within }));
    expect(listed.map(({ id }) => id)).toEqual([first.id]);
  },

  async 'a name asked for twice at the same time is one machine'(world) {
    const made = await Promise.all(
      [1, 2, 3].map(() => valueOf('', world.cloud.compute.create(wishIn(world), { within }))),
    );
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(await valueOf('', world.cloud.compute.list('shop', { within }))).toHaveLength(1);
  },

  async 'several names asked for at the same time are a machine each'(world) {
    const names = ['web-1', 'web-2', 'web-3', 'web-4', 'web-5'];
    const made = await Promise.all(
      names.map((name) => valueOf(name, world.cloud.compute.create(wishIn(world, { name }), { within }))),
    );
    const listed = await valueOf('', world.cloud.compute.list('shop', { within }));
    expect(listed.map(({ id, name }) => [id, name])).toEqual(made.map(({ id }, at) => [id, names[at]]));
  },

  async 'one name under two marks is two machines'(world) {
    const ours = await valueOf('', world.cloud.compute.create(wishIn(world), { within }));
    const theirs = await valueOf('', world.cloud.compute.create(wishIn(world, { mark: 'other' }), { within }));
    expect(theirs.id).not.toBe(ours.id);
  },

  async 'a machine whose answer was lost is found, not made again'(world) {
    world.trouble('answersLost');
    const asked = await world.once.compute.create(wishIn(world), { within });
    if (!asked.ok) expect(asked.failure.kind).toBe('unknown');
    world.trouble(undefined);
    const again = await valueOf('', world.cloud.compute.create(wishIn(world), { within }));
    expect(asked.ok ? asked.value.id : again.id).toBe(again.id);
  },

  async 'a list names what was made, sorted, and nothing of another mark'(world) {
    const { compute } = world.cloud;
    for (const name of ['web-2', 'web-1']) await valueOf('', compute.create(wishIn(world, { name }), { within }));
    await valueOf('', compute.create(wishIn(world, { name: 'web-3', mark: 'other' }), { within }));
    const namesOf = async (mark: string | undefined) =>
      (await valueOf('', compute.list(mark, { within }))).map((machine) => [machine.name, machine.mark]);
    expect(await namesOf('shop')).toEqual([
      ['web-1', 'shop'],
      ['web-2', 'shop'],
    ]);
    expect(await namesOf(undefined)).toEqual([
      ['web-1', 'shop'],
      ['web-2', 'shop'],
      ['web-3', 'other'],
    ]);
    expect(await namesOf('nobody')).toEqual([]);
  },

  async 'an id that the cloud does not know is gone'(world) {
    expect(await kindOf(world.cloud.compute.find('uhost-none', { within }))).toBe('gone');
    expect(await kindOf(world.cloud.compute.power('uhost-none', 'stop', { within }))).toBe('gone');
  },

  async 'a removed machine is gone, and removing it again is success'(world) {
    const { compute } = world.cloud;
    const { id } = await runningMachine(world);
    expect(await kindOf(compute.remove(id, 'shop', { within }))).toBe('ok');
    await soon(`${id} to be gone`, async () => (await kindOf(compute.find(id, { within }))) === 'gone');
    await soon('an empty list', async () => (await valueOf('', compute.list('shop', { within }))).length === 0);
    expect(await kindOf(compute.remove(id, 'shop', { within }))).toBe('ok');
  },

  async 'a name is made anew after its machine was removed, and a neighbour stays'(world) {
    const { compute } = world.cloud;
    const first = await valueOf('', compute.create(wishIn(world), { within }));
    const neighbour = await valueOf('', compute.create(wishIn(world, { name: 'web-2' }), { within }));
    await valueOf('', compute.remove(first.id, 'shop', { within }));
    const second = await valueOf('', compute.create(wishIn(world), { within }));
    expect(second.id).not.toBe(first.id);
    const idsOf = async () => (await valueOf('', compute.list('shop', { within }))).map(({ id }) => id);
    await soon(`a list without ${first.id}`, async () => !(await idsOf()).includes(first.id));
    expect(await idsOf()).toEqual(expect.arrayContaining([second.id, neighbour.id]));
  },

  async 'a machine can be removed while it is still being made'(world) {
    const made = await valueOf('', world.cloud.compute.create(wishIn(world), { within }));
    expect(await kindOf(world.cloud.compute.remove(made.id, 'shop', { within }))).toBe('ok');
    await soon(
      `${made.id} to be gone`,
      async () => (await kindOf(world.cloud.compute.find(made.id, { within }))) === 'gone',
    );
  },

  async 'a machine of another mark is not removed'(world) {
    const theirs = await runningMachine(world, { mark: 'other' });
    expect(await kindOf(world.cloud.compute.remove(theirs.id, 'shop', { within }))).toBe('denied');
    expect((await machineIn(world, theirs.id, 'running', 'stopped')).state).toBe('running');
  },

  async 'power verbs lead where they say, and once there are success again'(world) {
    const { compute } = world.cloud;
    const { id } = await runningMachine(world);
    for (const [verb, state] of [
      ['stop', 'stopped'],
      ['off', 'stopped'],
      ['start', 'running'],
      ['reboot', 'running'],
      ['off', 'stopped'],
      ['stop', 'stopped'],
    ] as const) {
      await valueOf(verb, compute.power(id, verb, { within }));
      await machineIn(world, id, state);
      if (verb !== 'reboot') expect(await kindOf(compute.power(id, verb, { within }))).toBe('ok');
    }
  },

  async 'a verb repeated while the machine is on its way is success'(world) {
    const { id } = await runningMachine(world);
    const twice = await Promise.all([1, 2].map(() => kindOf(world.cloud.compute.power(id, 'stop', { within }))));
    expect(twice).toEqual(['ok', 'ok']);
    await machineIn(world, id, 'stopped');
  },

  async 'a shape that is not sold is invalid, says why, and makes nothing'(world) {
    const odd = await world.cloud.compute.create(wishIn(world, { memory: mebi(1500) }), { within });
    expect(odd).toMatchObject({ ok: false, failure: { kind: 'invalid' } });
    expect(odd.ok ? '' : odd.failure.raw.message).toContain('1500Mi');
  },

  async 'an image that there is not is invalid, and makes nothing'(world) {
    const made = world.cloud.compute.create(wishIn(world, { image: 'uimage-none' }), { within });
    expect(await kindOf(made)).toBe('invalid');
  },

  async 'a create keeps its limit when the cloud does not answer'(world) {
    world.trouble('hanging');
    const span = await spanOf(async () => {
      const made = world.once.compute.create(wishIn(world), { within: ms(500) });
      expect(['unknown', 'unavailable']).toContain(await kindOf(made));
    });
    // Without a limit it would take as long as the cloud's gateway, a minute.
    expect(span).toBeLessThan(seconds(10));
  },
};
