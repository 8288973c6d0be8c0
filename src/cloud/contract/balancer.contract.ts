import { expect } from 'vitest';
import { ms, seconds } from '#unit/clock.ts';
import type { CloudListener, Listening } from '../balancer.ts';
import { anyBalancerCases, type Layer, makeBalancer, owned, proxyCases, shown } from './any-balancer.contract.ts';
import { type Cases, kindOf, valueOf, within } from './case.ts';

export const layer4: Layer<Listening, CloudListener> = {
  of: ({ balancers }) => balancers,
  listening: (port) => ({
    protocol: 'TCP',
    port,
    scheduler: 'round-robin',
    sticky: ms(0),
    proxyProtocol: false,
    checkPort: 10_256,
  }),
};

/** What a provider owes for balancers of layer 4. */
export const balancerCases: Cases = {
  ...anyBalancerCases(layer4),
  ...proxyCases(layer4),

  async 'one port is opened once for TCP and once for UDP'(world) {
    const { balancers } = world.cloud;
    const { id } = await makeBalancer(layer4, world);
    const tcp = { ...layer4.listening(80), ...owned };
    const first = await valueOf('', balancers.listen(id, tcp, { within }));
    expect(await kindOf(balancers.listen(id, { ...tcp, protocol: 'UDP' }, { within }))).toBe('ok');
    const seen = await shown(layer4, world, id, 'two listeners', ({ listeners }) => listeners.length === 2);
    expect(seen.listeners[0]).toMatchObject({ ...tcp, id: first.id, lastPort: 80 });
  },

  async 'a listener is changed in everything but its port'(world) {
    const { balancers } = world.cloud;
    const { id } = await makeBalancer(layer4, world);
    const usual = layer4.listening(80);
    const { id: listener } = await valueOf('', balancers.listen(id, { ...usual, ...owned }, { within }));
    const other: Listening = {
      ...usual,
      scheduler: 'source-hash',
      sticky: seconds(90),
      proxyProtocol: true,
      checkPort: 31_000,
    };
    await valueOf('', balancers.change(id, listener, other, { within }));
    const seen = await shown(
      layer4,
      world,
      id,
      'changed',
      ({ listeners }) => listeners[0]?.scheduler === 'source-hash',
    );
    expect(seen.listeners[0]).toMatchObject({ ...owned, ...other });
  },
};
