import { expect } from 'vitest';
import type { PublicAddressWish } from '../public-address.ts';
import { makeBalancer, owned } from './any-balancer.contract.ts';
import { layer7 } from './application-balancer.contract.ts';
import { layer4 } from './balancer.contract.ts';
import { type Cases, kindOf, soon, valueOf, within } from './case.ts';

const addressWish: PublicAddressWish = {
  ...owned,
  name: 'shop-web',
  bandwidth: 2,
  charge: 'hour',
  quantity: 1,
  pays: 'bandwidth',
  operator: undefined,
};

/** What a provider owes for public addresses. */
export const publicAddressCases: Cases = {
  async 'a public address asked for again and again for one owner is one'(world) {
    const { publicAddresses } = world.cloud;
    const first = await valueOf('', publicAddresses.allocate(addressWish, { within }));
    expect((await valueOf('', publicAddresses.allocate(addressWish, { within }))).id).toBe(first.id);
    const listed = await valueOf('', publicAddresses.list('shop', { within }));
    expect(listed).toMatchObject([{ ...owned, id: first.id, ip: first.ip, bandwidth: 2, boundTo: undefined }]);
    expect(await valueOf('', publicAddresses.list('other', { within }))).toEqual([]);
  },

  async 'an address is bound to one balancer only, is resized, and is released although it is bound'(world) {
    const { publicAddresses } = world.cloud;
    const [one, other] = [await makeBalancer(layer4, world), await makeBalancer(layer7, world)];
    const { id } = await valueOf('', publicAddresses.allocate(addressWish, { within }));
    const boundTo = async () => (await valueOf('', publicAddresses.list('shop', { within })))[0]?.boundTo;
    await valueOf('', publicAddresses.bind(id, one.id, { within }));
    await soon('it to be bound', async () => (await boundTo()) === one.id);
    expect(await kindOf(publicAddresses.bind(id, one.id, { within }))).toBe('ok');
    expect(await kindOf(publicAddresses.bind(id, other.id, { within }))).toBe('inUse');
    await valueOf('', publicAddresses.resize(id, 5, { within }));
    expect(await valueOf('', publicAddresses.list('shop', { within }))).toMatchObject([{ bandwidth: 5 }]);
    expect(await kindOf(publicAddresses.release(id, 'other', { within }))).toBe('denied');
    for (let time = 0; time < 2; time++)
      expect(await kindOf(publicAddresses.release(id, 'shop', { within }))).toBe('ok');
    await soon('it to be gone', async () => (await valueOf('', publicAddresses.list('shop', { within }))).length === 0);
  },

  async 'an address is bound to a balancer of layer 7, and outlives it'(world) {
    const { applicationBalancers, publicAddresses } = world.cloud;
    const { id: balancer } = await makeBalancer(layer7, world);
    const { id } = await valueOf('', publicAddresses.allocate(addressWish, { within }));
    await valueOf('', publicAddresses.bind(id, balancer, { within }));
    const boundTo = async () => (await valueOf('', publicAddresses.list('shop', { within })))[0]?.boundTo;
    await soon('it to be bound', async () => (await boundTo()) === balancer);
    await valueOf('', applicationBalancers.remove(balancer, 'shop', { within }));
    await soon('it to be free', async () => (await boundTo()) === undefined);
    expect(await kindOf(publicAddresses.release(id, 'shop', { within }))).toBe('ok');
  },

  async 'a public address whose answer was lost is found, not asked for again'(world) {
    world.trouble('answersLost');
    const asked = await world.once.publicAddresses.allocate(addressWish, { within });
    if (!asked.ok) expect(asked.failure.kind).toBe('unknown');
    world.trouble(undefined);
    const again = await valueOf('', world.cloud.publicAddresses.allocate(addressWish, { within }));
    expect(asked.ok ? asked.value.id : again.id).toBe(again.id);
  },
};
