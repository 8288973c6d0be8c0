import { expect } from 'vitest';
import { ms, seconds } from '#unit/clock.ts';
import type { CloudListener, Listening } from '../balancer.ts';
import { anyBalancerCases, type Layer, makeBalancer, owned, proxyCases, shown } from './any-balancer.contract.ts';
import { type Cases, type CaseWorld, kindOf, valueOf, within } from './case.ts';

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
    const other = { scheduler: 'source-hash', sticky: seconds(90), proxyProtocol: true, checkPort: 31_000 } as const;
    await changeListener(layer4, world, { ...layer4.listening(80), ...other });
  },
};

/** Opens a port in the ordinary way and changes it, until the cloud shows it so. @unit other: the same port, by `source-hash` */
export async function changeListener(
  layer: Layer<Listening, CloudListener>,
  world: CaseWorld,
  other: Listening,
): Promise<{ readonly balancer: string; readonly listener: string }> {
  const { of, listening } = layer;
  const { id: balancer } = await makeBalancer(layer, world);
  const usual = listening(other.port);
  const { id: listener } = await valueOf('', of(world.cloud).listen(balancer, { ...usual, ...owned }, { within }));
  await valueOf('', of(world.cloud).change(balancer, listener, other, { within }));
  const isChanged = (one: CloudListener | undefined): boolean => one?.scheduler === other.scheduler;
  const seen = await shown(layer, world, balancer, 'changed', ({ listeners }) => isChanged(listeners[0]));
  expect(seen.listeners[0]).toMatchObject({ ...owned, ...other });
  return { balancer, listener };
}
