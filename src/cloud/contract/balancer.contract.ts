import { expect } from 'vitest';
import { ms, seconds } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';
import type { BalancerWish, CloudBalancer, Listening } from '../balancer.ts';
import type { Owned } from '../owned.ts';
import { type Cases, type CaseWorld, kindOf, runningMachine, soon, valueOf, within } from './case.ts';

export const owned: Owned = { mark: 'shop', owner: 'uid-1' };

function balancerWish({ place }: CaseWorld, change: Partial<BalancerWish> = {}): BalancerWish {
  return { ...owned, name: 'shop-web', vpc: place.vpc, subnet: place.subnet, charge: 'hour', quantity: 1, ...change };
}

function listening(port: number, change: Partial<Listening> = {}): Listening & Owned {
  const usual = { scheduler: 'round-robin', sticky: ms(0), proxyProtocol: false, checkPort: 10_256 } as const;
  return { ...owned, ...usual, protocol: 'TCP', port, ...change };
}

export function makeBalancer(world: CaseWorld, change: Partial<BalancerWish> = {}): Promise<CloudBalancer> {
  return valueOf('creating balancer', world.cloud.balancers.create(balancerWish(world, change), { within }));
}

/** The balancer once the cloud shows it so. */
async function shown(
  world: CaseWorld,
  id: string,
  what: string,
  isSo: (balancer: CloudBalancer) => boolean,
): Promise<CloudBalancer> {
  let seen: CloudBalancer | undefined;
  await soon(`${id}: ${what}`, async () => {
    const found = await world.cloud.balancers.find(id, { within });
    seen = found.ok ? found.value : undefined;
    return seen !== undefined && isSo(seen);
  });
  return seen as CloudBalancer;
}

/** What a provider owes for balancers of layer 4. */
export const balancerCases: Cases = {
  async 'a balancer has an address in its subnet and says whose it is and how it is paid'(world) {
    const { id } = await makeBalancer(world);
    const seen = await shown(world, id, 'an address', ({ address }) => address !== undefined);
    expect(seen).toMatchObject({ ...owned, vpc: world.place.vpc, subnet: world.place.subnet, charge: 'hour' });
    expect(seen.listeners).toEqual([]);
  },

  async 'a balancer made again and again for one owner is one, whatever it is called'(world) {
    const { id } = await makeBalancer(world);
    await shown(world, id, 'listed', () => true);
    expect((await makeBalancer(world, { name: 'renamed' })).id).toBe(id);
    const twice = await Promise.all([1, 2].map(() => makeBalancer(world, { owner: 'uid-2' })));
    expect(new Set(twice.map((one) => one.id)).size).toBe(1);
    expect(twice[0]?.id).not.toBe(id);
  },

  async 'a balancer whose answer was lost is found, not made again'(world) {
    world.trouble('answersLost');
    const asked = await world.once.balancers.create(balancerWish(world), { within });
    if (!asked.ok) expect(asked.failure.kind).toBe('unknown');
    world.trouble(undefined);
    const { owned: made } = await world.ledger();
    await soon('what was made to be listed', async () => {
      const listed = await valueOf('', world.cloud.balancers.list('shop', { within }));
      return listed.length === made.length;
    });
    const again = await makeBalancer(world);
    expect(asked.ok ? asked.value.id : again.id).toBe(again.id);
  },

  async 'a list has what carries the mark and nothing else'(world) {
    const ours = await makeBalancer(world);
    const theirs = await makeBalancer(world, { mark: 'other', owner: 'uid-9' });
    const idsOf = async (mark: string | undefined) =>
      (await valueOf('', world.cloud.balancers.list(mark, { within }))).map(({ id }) => id);
    await soon('both to be listed', async () => (await idsOf(undefined)).length === 2);
    expect(await idsOf('shop')).toEqual([ours.id]);
    expect(await idsOf('other')).toEqual([theirs.id]);
    expect(await idsOf('nobody')).toEqual([]);
  },

  async 'a balancer of another mark is not removed, ours is, and removing it again is success'(world) {
    const theirs = await makeBalancer(world, { mark: 'other' });
    const ours = await makeBalancer(world);
    await shown(world, theirs.id, 'listed', () => true);
    await shown(world, ours.id, 'listed', () => true);
    const { balancers } = world.cloud;
    expect(await kindOf(balancers.remove(theirs.id, 'shop', { within }))).toBe('denied');
    for (let time = 0; time < 2; time++) expect(await kindOf(balancers.remove(ours.id, 'shop', { within }))).toBe('ok');
    await soon('it to be gone', async () => (await kindOf(balancers.find(ours.id, { within }))) === 'gone');
    expect(await kindOf(balancers.find(theirs.id, { within }))).toBe('ok');
  },

  async 'a port opened again is one listener, and the port of another owner is in use'(world) {
    const { balancers } = world.cloud;
    const { id } = await makeBalancer(world);
    const first = await valueOf('', balancers.listen(id, listening(80), { within }));
    await shown(world, id, 'a listener', ({ listeners }) => listeners.length === 1);
    expect((await valueOf('', balancers.listen(id, listening(80), { within }))).id).toBe(first.id);
    const taken = balancers.listen(id, { ...listening(80), owner: 'uid-2' }, { within });
    expect(await kindOf(taken)).toBe('inUse');
    expect(await kindOf(balancers.listen(id, listening(80, { protocol: 'UDP' }), { within }))).toBe('ok');
    const seen = await shown(world, id, 'two listeners', ({ listeners }) => listeners.length === 2);
    expect(seen.listeners[0]).toMatchObject({ ...listening(80), id: first.id, lastPort: 80, backEnds: [] });
  },

  async 'a listener is changed in everything but its port, and closed twice'(world) {
    const { balancers } = world.cloud;
    const { id } = await makeBalancer(world);
    const { id: listener } = await valueOf('', balancers.listen(id, listening(80), { within }));
    const other = listening(80, {
      scheduler: 'source-hash',
      sticky: seconds(90),
      proxyProtocol: true,
      checkPort: 31_000,
    });
    await valueOf('', balancers.change(id, listener, other, { within }));
    const seen = await shown(world, id, 'changed', ({ listeners }) => listeners[0]?.scheduler === 'source-hash');
    expect(seen.listeners[0]).toMatchObject(other);
    for (let time = 0; time < 2; time++) expect(await kindOf(balancers.unlisten(id, listener, { within }))).toBe('ok');
    await shown(world, id, 'no listener', ({ listeners }) => listeners.length === 0);
  },

  async 'a balancer takes as many listeners as it says, and then it is a matter of quota'(world) {
    const { balancers } = world.cloud;
    const { id } = await makeBalancer(world);
    for (let port = 1; port <= balancers.most.listeners; port++)
      expect(await kindOf(balancers.listen(id, listening(port), { within }))).toBe('ok');
    expect(await kindOf(balancers.listen(id, listening(99), { within }))).toBe('quota');
  },

  async 'back ends are added and taken out, and one that is gone does not keep the others'(world) {
    const { balancers } = world.cloud;
    const machine = (await runningMachine(world)).id;
    const { id } = await makeBalancer(world);
    const { id: listener } = await valueOf('', balancers.listen(id, listening(80), { within }));
    const wanted = Array.from({ length: 45 }, (_, at) => ({ machine, port: 30_000 + at }));
    const added = await valueOf('', balancers.add(id, listener, wanted, { within }));
    expect(added.map(({ port }) => port)).toEqual(wanted.map(({ port }) => port));
    await shown(world, id, '45 back ends', ({ listeners }) => listeners[0]?.backEnds.length === 45);
    const gone = [
      { machine: 'uhost-none', port: 31_000 },
      { machine, port: 31_001 },
    ];
    expect(await kindOf(balancers.add(id, listener, gone, { within }))).toBe('gone');
    const seen = await shown(world, id, '46 back ends', ({ listeners }) => listeners[0]?.backEnds.length === 46);
    const ids = (seen.listeners[0]?.backEnds ?? []).map((one) => one.id);
    for (let time = 0; time < 2; time++) expect(await kindOf(balancers.drop(id, listener, ids, { within }))).toBe('ok');
    await shown(world, id, 'no back end', ({ listeners }) => listeners[0]?.backEnds.length === 0);
  },

  async 'an address of the VPC is a back end beside a machine, and goes without it'(world) {
    const { balancers } = world.cloud;
    const { id: machine, nic } = await runningMachine(world);
    const { id, vpc, subnet } = await makeBalancer(world);
    const { id: listener } = await valueOf('', balancers.listen(id, listening(80), { within }));
    const address = nic?.ip as Ip;
    const wanted = [
      { address, vpc, subnet, port: 8080 },
      { machine, port: 30_080 },
    ];
    const added = await valueOf('', balancers.add(id, listener, wanted, { within }));
    expect(added).toMatchObject(wanted);
    const seen = await shown(world, id, 'both', ({ listeners }) => listeners[0]?.backEnds.length === 2);
    expect(seen.listeners[0]?.backEnds.map(({ machine: on, address: at, port }) => [on, at, port])).toEqual([
      [machine, undefined, 30_080],
      [undefined, address, 8080],
    ]);
    expect(await kindOf(balancers.drop(id, listener, [added[0]?.id ?? ''], { within }))).toBe('ok');
    await shown(world, id, 'the machine alone', ({ listeners }) => listeners[0]?.backEnds.length === 1);
  },
};
