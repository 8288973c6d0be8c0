import { expect, test } from 'vitest';
import { mebi } from '#unit/bytes.ts';
import { ms, seconds } from '#unit/clock.ts';
import { contains } from '#unit/ip.ts';
import { mannersContract } from './manners.ts';
import { kindOf, machineIn, type Open, opening, runningMachine, valueOf, wishIn, within } from './world.ts';

/** What a provider owes for machines. Call it at the top level of a test file. */
export function computeContract(cloud: string, openWorld: Open): void {
  const open = opening(openWorld);
  mannersContract(`${cloud} compute`, open, ({ compute }, _world, opts) => compute.list('shop', opts));

  test(`${cloud} compute: a machine comes to run with the interface it was asked for`, async () => {
    const world = await open();
    const machine = await runningMachine(world);
    const { range } = await valueOf('', world.cloud.network.subnet(world.place.subnet, { within }));
    expect(machine).toMatchObject({ name: 'web-1', mark: 'shop', zone: world.place.zone, cpu: 1 });
    expect(machine.nic).toMatchObject({ subnet: world.place.subnet, vpc: world.place.vpc });
    expect(machine.nic?.mac).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    expect(machine.nic && contains(range, machine.nic.ip)).toBe(true);
  });

  test(`${cloud} compute: a name made twice is one machine`, async () => {
    const world = await open();
    const first = await valueOf('first', world.cloud.compute.create(wishIn(world), { within }));
    const again = await valueOf('again', world.cloud.compute.create(wishIn(world), { within }));
    expect(again.id).toBe(first.id);
    expect(await valueOf('', world.cloud.compute.list('shop', { within }))).toHaveLength(1);
  });

  test(`${cloud} compute: a name asked for twice at the same time is one machine`, async () => {
    const world = await open();
    const made = await Promise.all([1, 2, 3].map(() => world.cloud.compute.create(wishIn(world), { within })));
    const ids = await Promise.all(made.map((m) => valueOf('', Promise.resolve(m))));
    expect(new Set(ids.map((m) => m.id)).size).toBe(1);
    expect(await valueOf('', world.cloud.compute.list('shop', { within }))).toHaveLength(1);
  });

  test(`${cloud} compute: one name under two marks is two machines`, async () => {
    const world = await open();
    const ours = await valueOf('', world.cloud.compute.create(wishIn(world), { within }));
    const theirs = await valueOf('', world.cloud.compute.create(wishIn(world, { mark: 'other' }), { within }));
    expect(theirs.id).not.toBe(ours.id);
  });

  test(`${cloud} compute: a machine whose answer was lost is found, not made again`, async () => {
    const world = await open();
    world.trouble('answersLost');
    const asked = await world.cloud.compute.create(wishIn(world), { within: seconds(10) });
    if (!asked.ok) expect(asked.failure.kind).toBe('unknown');
    world.trouble(undefined);
    const again = await valueOf('', world.cloud.compute.create(wishIn(world), { within }));
    expect(asked.ok ? asked.value.id : again.id).toBe(again.id);
    expect(await valueOf('', world.cloud.compute.list('shop', { within }))).toHaveLength(1);
  });

  test(`${cloud} compute: a list names what was made, sorted, and nothing of another mark`, async () => {
    const world = await open();
    for (const name of ['web-2', 'web-1'])
      await valueOf('', world.cloud.compute.create(wishIn(world, { name }), { within }));
    await valueOf('', world.cloud.compute.create(wishIn(world, { name: 'web-3', mark: 'other' }), { within }));
    const listed = await valueOf('', world.cloud.compute.list('shop', { within }));
    expect(listed.map((m) => [m.name, m.mark])).toEqual([
      ['web-1', 'shop'],
      ['web-2', 'shop'],
    ]);
    expect(await valueOf('', world.cloud.compute.list('nobody', { within }))).toEqual([]);
  });

  test(`${cloud} compute: an id that the cloud does not know is gone`, async () => {
    const world = await open();
    expect(await kindOf(world.cloud.compute.find('uhost-none', { within }))).toBe('gone');
    expect(await kindOf(world.cloud.compute.power('uhost-none', 'stop', { within }))).toBe('gone');
  });

  test(`${cloud} compute: a removed machine is gone, and removing it again is success`, async () => {
    const world = await open();
    const { id } = await runningMachine(world);
    expect(await kindOf(world.cloud.compute.remove(id, 'shop', { within }))).toBe('ok');
    expect(await kindOf(world.cloud.compute.find(id, { within }))).toBe('gone');
    expect(await valueOf('', world.cloud.compute.list('shop', { within }))).toEqual([]);
    expect(await kindOf(world.cloud.compute.remove(id, 'shop', { within }))).toBe('ok');
  });

  test(`${cloud} compute: a machine can be removed while it is still being made`, async () => {
    const world = await open();
    const made = await valueOf('', world.cloud.compute.create(wishIn(world), { within }));
    expect(await kindOf(world.cloud.compute.remove(made.id, 'shop', { within }))).toBe('ok');
    expect(await kindOf(world.cloud.compute.find(made.id, { within }))).toBe('gone');
  });

  test(`${cloud} compute: a machine of another mark is not removed`, async () => {
    const world = await open();
    const theirs = await runningMachine(world, { mark: 'other' });
    expect(await kindOf(world.cloud.compute.remove(theirs.id, 'shop', { within }))).toBe('denied');
    expect((await valueOf('', world.cloud.compute.find(theirs.id, { within }))).state).toBe('running');
  });

  test(`${cloud} compute: power verbs lead where they say, and once there are success again`, async () => {
    const world = await open();
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
      await machineIn(world, state, id);
      if (verb !== 'reboot') expect(await kindOf(compute.power(id, verb, { within }))).toBe('ok');
    }
  });

  test(`${cloud} compute: a verb repeated while the machine is on its way is success`, async () => {
    const world = await open();
    const { id } = await runningMachine(world);
    const twice = await Promise.all([1, 2].map(() => kindOf(world.cloud.compute.power(id, 'stop', { within }))));
    expect(twice).toEqual(['ok', 'ok']);
    await machineIn(world, 'stopped', id);
  });

  test(`${cloud} compute: a wish that cannot be granted says why, and makes nothing`, async () => {
    const world = await open();
    const odd = await world.cloud.compute.create(wishIn(world, { memory: mebi(1500) }), { within });
    expect(odd.ok ? 'ok' : odd.failure.kind).toBe('invalid');
    expect(odd.ok ? '' : odd.failure.raw.message).toContain('1500Mi');
    expect(await kindOf(world.cloud.compute.create(wishIn(world, { image: 'uimage-none' }), { within }))).not.toBe(
      'ok',
    );
    expect(await valueOf('', world.cloud.compute.list('shop', { within }))).toEqual([]);
  });

  test(`${cloud} compute: a create keeps its limit when the cloud does not answer`, async () => {
    const world = await open();
    world.trouble('hanging');
    const began = performance.now();
    expect(['unknown', 'unavailable']).toContain(
      await kindOf(world.cloud.compute.create(wishIn(world), { within: ms(500) })),
    );
    expect(performance.now() - began).toBeLessThan(1500);
  });
}
