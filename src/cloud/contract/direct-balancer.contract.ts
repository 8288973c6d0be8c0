import { expect } from 'vitest';
import { ms, seconds } from '#unit/clock.ts';
import type { CloudListener, Listening } from '../balancer.ts';
import { anyBalancerCases, type Layer, makeBalancer, owned, shown } from './any-balancer.contract.ts';
import { changeListener } from './balancer.contract.ts';
import { type Cases, kindOf, runningMachine, soon, valueOf, within } from './case.ts';

export const direct: Layer<Listening, CloudListener> = {
  of: ({ directBalancers }) => directBalancers,
  listening: (port) => ({
    protocol: 'TCP',
    port,
    scheduler: 'round-robin',
    sticky: ms(0),
    proxyProtocol: false,
    checkPort: port,
  }),
};

/** What a provider owes for balancers that hand packets on as they are. */
export const directBalancerCases: Cases = {
  ...anyBalancerCases(direct),

  async 'a balancer has an address in its subnet, or public ones alone, and says whose it is'(world) {
    const { publicAddresses } = world.cloud;
    const inside = await makeBalancer(direct, world);
    const outside = await makeBalancer(direct, world, { owner: 'uid-2', isPublic: true });
    const seen = await shown(direct, world, inside.id, 'an address', ({ address }) => address !== undefined);
    expect(seen).toMatchObject({ ...owned, isPublic: false, vpc: world.place.vpc, subnet: world.place.subnet });
    const open = await shown(direct, world, outside.id, 'listed', () => true);
    expect(open).toMatchObject({ mark: 'shop', owner: 'uid-2', isPublic: true, address: undefined, listeners: [] });
    const wish = { ...owned, name: 'shop-web', bandwidth: 2, charge: 'hour', quantity: 1, pays: 'bandwidth' } as const;
    const { id } = await valueOf('', publicAddresses.allocate({ ...wish, operator: undefined }, { within }));
    await valueOf('', publicAddresses.bind(id, outside.id, { within }));
    await soon('the address to be bound', async () => {
      const listed = await valueOf('', publicAddresses.list('shop', { within }));
      return listed[0]?.boundTo === outside.id;
    });
  },

  async 'back ends are machines, each once for a port, and one that is gone does not keep the others'(world) {
    const { directBalancers } = world.cloud;
    const { id: machine, nic } = await runningMachine(world);
    const { id, vpc, subnet } = await makeBalancer(direct, world);
    const { id: listener } = await valueOf(
      '',
      directBalancers.listen(id, { ...direct.listening(80), ...owned }, { within }),
    );
    const wanted = [
      { machine: 'uhost-none', port: 80 },
      { machine, port: 80 },
    ];
    expect(await kindOf(directBalancers.add(id, listener, wanted, { within }))).toBe('gone');
    const seen = await shown(direct, world, id, 'a back end', ({ listeners }) => listeners[0]?.backEnds.length === 1);
    expect(seen.listeners[0]?.backEnds).toMatchObject([{ machine, port: 80 }]);
    if (nic !== undefined) {
      const address = { address: nic.ip, vpc, subnet, port: 80 };
      expect(await kindOf(directBalancers.add(id, listener, [address], { within }))).toBe('invalid');
    }
    const ids = (seen.listeners[0]?.backEnds ?? []).map((one) => one.id);
    for (let time = 0; time < 2; time++)
      expect(await kindOf(directBalancers.drop(id, listener, ids, { within }))).toBe('ok');
    await shown(direct, world, id, 'no back end', ({ listeners }) => listeners[0]?.backEnds.length === 0);
  },

  async 'a listener is changed in what packets can be asked for, and refuses the rest'(world) {
    const { directBalancers } = world.cloud;
    const usual = direct.listening(80);
    const other: Listening = { ...usual, scheduler: 'source-hash', sticky: seconds(90) };
    const { balancer: id, listener } = await changeListener(direct, world, other);
    for (const wrong of [{ proxyProtocol: true }, { checkPort: 10_256 }]) {
      expect(await kindOf(directBalancers.change(id, listener, { ...other, ...wrong }, { within }))).toBe('invalid');
      const asked = directBalancers.listen(id, { ...usual, port: 81, checkPort: 81, ...owned, ...wrong }, { within });
      expect(await kindOf(asked)).toBe('invalid');
    }
  },
};
