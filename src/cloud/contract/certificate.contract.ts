import { expect } from 'vitest';
import { digestOf } from '../certificate.ts';
import { owned } from './any-balancer.contract.ts';
import { type Cases, kindOf, soon, valueOf, within } from './case.ts';

/** What a provider owes for certificates. */
export const certificateCases: Cases = {
  async 'a certificate kept again is one, and a renewed one is another'(world) {
    const { certificates } = world.cloud;
    const uid = { ...owned, owner: '0b1c2d3e-4f50-4162-8384-95a6b7c8d9e0' };
    const content = await world.certificate('shop.example');
    const first = await valueOf('', certificates.keep({ ...content, ...uid }, { within }));
    const digest = digestOf(content);
    expect(first).toMatchObject({ ...uid, digest, isUsed: false });
    await soon('it to be listed', async () => (await valueOf('', certificates.list('shop', { within }))).length === 1);
    const twice = [1, 2].map(() => certificates.keep({ ...content, ...uid }, { within }));
    for (const again of twice) expect((await valueOf('', again)).id).toBe(first.id);
    const renewed = await world.certificate('shop.example');
    const second = await valueOf('', certificates.keep({ ...renewed, ...uid }, { within }));
    expect(second.id).not.toBe(first.id);
    await soon('both to be listed', async () => {
      const listed = await valueOf('', certificates.list('shop', { within }));
      return listed.length === 2 && listed.every((one) => one.owner === uid.owner);
    });
  },

  async 'a certificate whose answer was lost is found, not kept again'(world) {
    const wish = { ...(await world.certificate('shop.example')), ...owned };
    world.trouble('answersLost');
    const asked = await world.once.certificates.keep(wish, { within });
    if (!asked.ok) expect(asked.failure.kind).toBe('unknown');
    world.trouble(undefined);
    const again = await valueOf('', world.cloud.certificates.keep(wish, { within }));
    expect(asked.ok ? asked.value.id : again.id).toBe(again.id);
  },

  async 'a certificate of another mark is not removed, ours is, and removing it again is success'(world) {
    const { certificates } = world.cloud;
    const content = await world.certificate('shop.example');
    const theirs = await valueOf('', certificates.keep({ ...content, ...owned, mark: 'other' }, { within }));
    const ours = await valueOf('', certificates.keep({ ...content, ...owned }, { within }));
    const listed = async (mark: string | undefined) =>
      (await valueOf('', certificates.list(mark, { within }))).map(({ id }) => id);
    await soon('both to be listed', async () => (await listed(undefined)).length === 2);
    expect(await kindOf(certificates.remove(theirs.id, 'shop', { within }))).toBe('denied');
    for (let time = 0; time < 2; time++)
      expect(await kindOf(certificates.remove(ours.id, 'shop', { within }))).toBe('ok');
    await soon('it to be gone', async () => (await listed('shop')).length === 0);
    expect(await listed('other')).toEqual([theirs.id]);
  },

  async 'what is no certificate is invalid, and so is a key of another one'(world) {
    const { certificates } = world.cloud;
    const [one, other] = [await world.certificate('a.example'), await world.certificate('b.example')];
    for (const wish of [
      { ...one, chain: 'not a certificate' },
      { ...one, key: other.key },
    ])
      expect(await kindOf(certificates.keep({ ...wish, ...owned }, { within }))).toBe('invalid');
  },
};
