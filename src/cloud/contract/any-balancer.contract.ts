import { expect } from 'vitest';
import type { Ip } from '#unit/ip.ts';
import type { BalancersOf, BalancerWish, CloudBackEnd, SeenBalancer } from '../balancer.ts';
import type { Cloud } from '../cloud.ts';
import type { Marked, Owned } from '../owned.ts';
import { type Cases, type CaseWorld, kindOf, runningMachine, soon, valueOf, within } from './case.ts';

export const owned: Owned = { mark: 'shop', owner: 'uid-1' };

/** What listeners of every kind tell. */
interface ListenerSeen extends Marked {
  readonly id: string;
  readonly port: number;
  readonly backEnds: readonly CloudBackEnd[];
}

/** Balancers of one kind, as its cases use them. */
export interface Layer<Wish, Listener> {
  /** Which of the cloud's they are. */
  readonly of: (cloud: Cloud) => BalancersOf<Wish, Listener>;
  /** An ordinary wish for a port. */
  readonly listening: (port: number) => Wish;
}

export function makeBalancer<W, L>(
  { of }: Pick<Layer<W, L>, 'of'>,
  { cloud, place }: CaseWorld,
  change: Partial<BalancerWish> = {},
): Promise<SeenBalancer<L>> {
  const wish = {
    ...owned,
    name: 'shop-web',
    vpc: place.vpc,
    subnet: place.subnet,
    charge: 'hour',
    quantity: 1,
  } as const;
  return valueOf('creating balancer', of(cloud).create({ ...wish, ...change }, { within }));
}

/** The balancer once the cloud shows it so. */
export async function shown<W, L>(
  { of }: Pick<Layer<W, L>, 'of'>,
  { cloud }: CaseWorld,
  id: string,
  what: string,
  isSo: (balancer: SeenBalancer<L>) => boolean,
): Promise<SeenBalancer<L>> {
  let seen: SeenBalancer<L> | undefined;
  await soon(`${id}: ${what}`, async () => {
    const found = await of(cloud).find(id, { within });
    seen = found.ok ? found.value : undefined;
    return seen !== undefined && isSo(seen);
  });
  return seen as SeenBalancer<L>;
}

/** What a provider owes for balancers of every kind. */
export function anyBalancerCases<W extends object, L extends ListenerSeen>(layer: Layer<W, L>): Cases {
  const { of, listening } = layer;
  const ours = (port: number): W & Owned => ({ ...listening(port), ...owned });
  return {
    async 'a balancer made again and again for one owner is one, whatever it is called'(world) {
      const { id } = await makeBalancer(layer, world);
      await shown(layer, world, id, 'listed', () => true);
      expect((await makeBalancer(layer, world, { name: 'renamed' })).id).toBe(id);
      const twice = await Promise.all([1, 2].map(() => makeBalancer(layer, world, { owner: 'uid-2' })));
      expect(new Set(twice.map((one) => one.id)).size).toBe(1);
      expect(twice[0]?.id).not.toBe(id);
    },

    async 'a balancer whose answer was lost is found, not made again'(world) {
      world.trouble('answersLost');
      const { vpc, subnet } = world.place;
      const wish = { ...owned, name: 'shop-web', vpc, subnet, charge: 'hour', quantity: 1 } as const;
      const asked = await of(world.once).create(wish, { within });
      if (!asked.ok) expect(asked.failure.kind).toBe('unknown');
      world.trouble(undefined);
      const { owned: made } = await world.ledger();
      await soon('what was made to be listed', async () => {
        const listed = await valueOf('', of(world.cloud).list('shop', { within }));
        return listed.length === made.length;
      });
      const again = await makeBalancer(layer, world);
      expect(asked.ok ? asked.value.id : again.id).toBe(again.id);
    },

    async 'a list has what carries the mark and nothing else'(world) {
      const shop = await makeBalancer(layer, world);
      const other = await makeBalancer(layer, world, { mark: 'other', owner: 'uid-9' });
      const idsOf = async (mark: string | undefined) =>
        (await valueOf('', of(world.cloud).list(mark, { within }))).map(({ id }) => id);
      await soon('both to be listed', async () => (await idsOf(undefined)).length === 2);
      expect(await idsOf('shop')).toEqual([shop.id]);
      expect(await idsOf('other')).toEqual([other.id]);
      expect(await idsOf('nobody')).toEqual([]);
    },

    async 'a balancer of another mark is not removed, ours is, and removing it again is success'(world) {
      const theirs = await makeBalancer(layer, world, { mark: 'other' });
      const own = await makeBalancer(layer, world);
      await shown(layer, world, theirs.id, 'listed', () => true);
      await shown(layer, world, own.id, 'listed', () => true);
      const balancers = of(world.cloud);
      expect(await kindOf(balancers.remove(theirs.id, 'shop', { within }))).toBe('denied');
      for (let time = 0; time < 2; time++)
        expect(await kindOf(balancers.remove(own.id, 'shop', { within }))).toBe('ok');
      await soon('it to be gone', async () => (await kindOf(balancers.find(own.id, { within }))) === 'gone');
      expect(await kindOf(balancers.find(theirs.id, { within }))).toBe('ok');
    },

    async 'a port opened again is one listener, and the port of another owner is in use'(world) {
      const balancers = of(world.cloud);
      const { id } = await makeBalancer(layer, world);
      const first = await valueOf('', balancers.listen(id, ours(80), { within }));
      await shown(layer, world, id, 'a listener', ({ listeners }) => listeners.length === 1);
      expect((await valueOf('', balancers.listen(id, ours(80), { within }))).id).toBe(first.id);
      expect(await kindOf(balancers.listen(id, { ...ours(80), owner: 'uid-2' }, { within }))).toBe('inUse');
      expect(await kindOf(balancers.listen(id, ours(81), { within }))).toBe('ok');
      const seen = await shown(layer, world, id, 'two listeners', ({ listeners }) => listeners.length === 2);
      expect(seen.listeners[0]).toMatchObject({ ...ours(80), id: first.id, backEnds: [] });
    },

    async 'a listener whose answer was lost is found, and a listener is closed twice'(world) {
      const balancers = of(world.cloud);
      const { id } = await makeBalancer(layer, world);
      world.trouble('answersLost');
      const asked = await of(world.once).listen(id, ours(80), { within });
      if (!asked.ok) expect(asked.failure.kind).toBe('unknown');
      world.trouble(undefined);
      const { parts } = await world.ledger();
      await shown(layer, world, id, 'what was made', ({ listeners }) => listeners.length === parts.length);
      const listener = await valueOf('', balancers.listen(id, ours(80), { within }));
      expect(asked.ok ? asked.value.id : listener.id).toBe(listener.id);
      for (let time = 0; time < 2; time++)
        expect(await kindOf(balancers.unlisten(id, listener.id, { within }))).toBe('ok');
      await shown(layer, world, id, 'no listener', ({ listeners }) => listeners.length === 0);
    },
  };
}

/** What a provider owes beside for balancers that take connections and have back ends of any kind on any port. */
export function proxyCases<W extends object, L extends ListenerSeen>(layer: Layer<W, L>): Cases {
  const { of, listening } = layer;
  const ours = (port: number): W & Owned => ({ ...listening(port), ...owned });
  return {
    async 'a balancer has an address in its subnet and says whose it is and how it is paid'(world) {
      const { id } = await makeBalancer(layer, world);
      const seen = await shown(layer, world, id, 'an address', ({ address }) => address !== undefined);
      expect(seen).toMatchObject({ ...owned, vpc: world.place.vpc, subnet: world.place.subnet, charge: 'hour' });
      expect(seen.listeners).toEqual([]);
    },

    async 'back ends are added and taken out, and one that is gone does not keep the others'(world) {
      const balancers = of(world.cloud);
      const machine = (await runningMachine(world)).id;
      const { id } = await makeBalancer(layer, world);
      const { id: listener } = await valueOf('', balancers.listen(id, ours(80), { within }));
      const wanted = Array.from({ length: 45 }, (_, at) => ({ machine, port: 30_000 + at }));
      const added = await valueOf('', balancers.add(id, listener, wanted, { within }));
      expect(added.map(({ port }) => port)).toEqual(wanted.map(({ port }) => port));
      await shown(layer, world, id, '45 back ends', ({ listeners }) => listeners[0]?.backEnds.length === 45);
      const gone = [
        { machine: 'uhost-none', port: 31_000 },
        { machine, port: 31_001 },
      ];
      expect(await kindOf(balancers.add(id, listener, gone, { within }))).toBe('gone');
      const seen = await shown(
        layer,
        world,
        id,
        '46 back ends',
        ({ listeners }) => listeners[0]?.backEnds.length === 46,
      );
      const ids = (seen.listeners[0]?.backEnds ?? []).map((one) => one.id);
      for (let time = 0; time < 2; time++)
        expect(await kindOf(balancers.drop(id, listener, ids, { within }))).toBe('ok');
      await shown(layer, world, id, 'no back end', ({ listeners }) => listeners[0]?.backEnds.length === 0);
    },

    async 'an address of the VPC is a back end beside a machine, and goes without it'(world) {
      const balancers = of(world.cloud);
      const { id: machine, nic } = await runningMachine(world);
      const { id, vpc, subnet } = await makeBalancer(layer, world);
      const { id: listener } = await valueOf('', balancers.listen(id, ours(80), { within }));
      const address = nic?.ip as Ip;
      const wanted = [
        { address, vpc, subnet, port: 8080 },
        { machine, port: 30_080 },
      ];
      const added = await valueOf('', balancers.add(id, listener, wanted, { within }));
      expect(added).toMatchObject(wanted);
      const seen = await shown(layer, world, id, 'both', ({ listeners }) => listeners[0]?.backEnds.length === 2);
      expect(seen.listeners[0]?.backEnds.map(({ machine: on, address: at, port }) => [on, at, port])).toEqual([
        [machine, undefined, 30_080],
        [undefined, address, 8080],
      ]);
      expect(await kindOf(balancers.drop(id, listener, [added[0]?.id ?? ''], { within }))).toBe('ok');
      await shown(layer, world, id, 'the machine alone', ({ listeners }) => listeners[0]?.backEnds.length === 1);
    },
  };
}

/** How much a balancer takes. Trouble adds nothing to it but time. */
export function limitsOf<W extends object, L>(layer: Layer<W, L>): Cases {
  const { of, listening } = layer;
  return {
    async 'a balancer takes as many listeners as it says, and then it is a matter of quota'(world) {
      const balancers = of(world.cloud);
      const { id } = await makeBalancer(layer, world);
      for (let port = 1; port <= balancers.most.listeners; port++)
        expect(await kindOf(balancers.listen(id, { ...listening(port), ...owned }, { within }))).toBe('ok');
      expect(await kindOf(balancers.listen(id, { ...listening(99), ...owned }, { within }))).toBe('quota');
    },
  };
}
