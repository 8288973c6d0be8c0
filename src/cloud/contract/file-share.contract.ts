import { expect } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { ms, waitFor } from '#unit/clock.ts';
import { contains } from '#unit/ip.ts';
import type { FileShare, FileShareWish, MountPoint } from '../file-share.ts';
import type { Owned } from '../owned.ts';
import { type Cases, type CaseWorld, kindOf, soon, valueOf, within } from './case.ts';

const owned: Owned = { mark: 'shop', owner: 'uid-1' };

function wishIn({ place }: CaseWorld, change: Partial<FileShareWish> = {}): FileShareWish {
  return {
    ...owned,
    name: 'shop-files',
    zone: place.zone,
    kind: 'advanced',
    size: gibi(100),
    charge: 'hour',
    quantity: 1,
    ...change,
  };
}

function createShare(world: CaseWorld, change: Partial<FileShareWish> = {}): Promise<FileShare> {
  return valueOf('creating file share', world.cloud.fileShares.create(wishIn(world, change), { within }));
}

/** The share once the cloud shows it so. */
function shareThat(
  world: CaseWorld,
  id: string,
  what: string,
  isSo: (share: FileShare) => boolean,
): Promise<FileShare> {
  return waitFor(
    `${id}, that it ${what}`,
    async () => {
      const found = await world.cloud.fileShares.find(id, { within });
      return found.ok && isSo(found.value) ? found.value : undefined;
    },
    { within, every: ms(20) },
  );
}

/** Its mount point in the subnet, once it has an address. */
function reached(world: CaseWorld, id: string): Promise<MountPoint> {
  return waitFor(
    `${id} to be reached`,
    async () => {
      const [point] = await valueOf('', world.cloud.fileShares.mountPoints(id, { within }));
      return point?.address === undefined ? undefined : point;
    },
    { within, every: ms(20) },
  );
}

const mountName = 'shop-mount';

/** A share takes mount points when it has been made; a cloud need not say when that is. */
async function open(world: CaseWorld, id: string): Promise<void> {
  const { vpc, subnet } = world.place;
  await soon(`${id} to take a mount point`, async () => {
    const kind = await kindOf(world.cloud.fileShares.open(id, { name: mountName, vpc, subnet }, { within }));
    expect(['ok', 'unknown', 'state']).toContain(kind);
    return kind === 'ok';
  });
}

async function close(world: CaseWorld, id: string): Promise<void> {
  const { vpc, subnet } = world.place;
  const { fileShares } = world.cloud;
  for (let time = 0; time < 2; time++)
    expect(await kindOf(fileShares.close(id, { vpc, subnet }, { within }))).toBe('ok');
  await soon('it to be closed', async () => (await valueOf('', fileShares.mountPoints(id, { within }))).length === 0);
}

/** What a provider owes for file shares. */
export const fileShareCases: Cases = {
  async 'a file share says whose it is, of which kind and how large'(world) {
    const { id } = await createShare(world);
    const seen = await shareThat(world, id, 'is listed', () => true);
    expect(seen).toMatchObject({ ...owned, name: 'shop-files', kind: 'advanced', size: gibi(100) });
    expect(seen.mountPoints).toMatchObject({ count: 0 });
    expect(await valueOf('', world.cloud.fileShares.mountPoints(id, { within }))).toEqual([]);
  },

  async 'a file share made again and again for one owner is one, whatever it is called'(world) {
    const { id } = await createShare(world);
    await shareThat(world, id, 'is listed', () => true);
    expect((await createShare(world, { name: 'renamed', size: gibi(200) })).id).toBe(id);
    const twice = await Promise.all([1, 2].map(() => createShare(world, { owner: 'uid-2' })));
    expect(new Set(twice.map((one) => one.id)).size).toBe(1);
    expect(twice[0]?.id).not.toBe(id);
  },

  async 'a file share whose answer was lost is found, not made again'(world) {
    world.trouble('answersLost');
    const asked = await world.once.fileShares.create(wishIn(world), { within });
    if (!asked.ok) expect(asked.failure.kind).toBe('unknown');
    world.trouble(undefined);
    const { owned: made } = await world.ledger();
    await soon('what was made to be listed', async () => {
      const listed = await valueOf('', world.cloud.fileShares.list('shop', { within }));
      return listed.length === made.length;
    });
    const again = await createShare(world);
    expect(asked.ok ? asked.value.id : again.id).toBe(again.id);
  },

  async 'a list has what carries the mark and nothing else'(world) {
    const shop = await createShare(world);
    const other = await createShare(world, { mark: 'other' });
    const idsOf = async (mark: string | undefined) =>
      (await valueOf('', world.cloud.fileShares.list(mark, { within }))).map(({ id }) => id);
    await soon('both to be listed', async () => (await idsOf(undefined)).length === 2);
    expect(await idsOf('shop')).toEqual([shop.id]);
    expect(await idsOf('other')).toEqual([other.id]);
    expect(await idsOf('nobody')).toEqual([]);
  },

  async 'a subnet reaches a file share at an address of its own, once'(world) {
    const { fileShares, network } = world.cloud;
    const { vpc, subnet } = world.place;
    const { id } = await createShare(world);
    await shareThat(world, id, 'is listed', () => true);
    for (let time = 0; time < 2; time++) await open(world, id);
    const point = await reached(world, id);
    const { range } = await valueOf('', network.subnet(subnet, { within }));
    expect(point).toMatchObject({ vpc, subnet, path: '/' });
    expect(point.address && contains(range, point.address)).toBe(true);
    await open(world, id);
    expect(await valueOf('', fileShares.mountPoints(id, { within }))).toEqual([point]);
    await close(world, id);
  },

  async 'a mount point whose answer was lost is there once'(world) {
    const { vpc, subnet } = world.place;
    const wish = { name: mountName, vpc, subnet };
    const { id } = await createShare(world);
    await shareThat(world, id, 'is listed', () => true);
    await open(world, id);
    await reached(world, id);
    await close(world, id);
    world.trouble('answersLost');
    await world.once.fileShares.open(id, wish, { within });
    world.trouble(undefined);
    await open(world, id);
    const point = await reached(world, id);
    expect(await valueOf('', world.cloud.fileShares.mountPoints(id, { within }))).toEqual([point]);
  },

  async 'a file share of another mark is not removed, ours is with its mount points, and again is success'(world) {
    const { fileShares } = world.cloud;
    const theirs = await createShare(world, { mark: 'other' });
    const own = await createShare(world);
    await shareThat(world, theirs.id, 'is listed', () => true);
    await shareThat(world, own.id, 'is listed', () => true);
    await open(world, own.id);
    await reached(world, own.id);
    expect(await kindOf(fileShares.remove(theirs.id, 'shop', { within }))).toBe('denied');
    for (let time = 0; time < 2; time++) expect(await kindOf(fileShares.remove(own.id, 'shop', { within }))).toBe('ok');
    await soon('it to be gone', async () => (await kindOf(fileShares.find(own.id, { within }))) === 'gone');
    expect(await kindOf(fileShares.find(theirs.id, { within }))).toBe('ok');
  },

  async 'a file share grows and never shrinks'(world) {
    const { fileShares } = world.cloud;
    const { id } = await createShare(world);
    await shareThat(world, id, 'is listed', () => true);
    for (const [to, size] of [
      [300, 300],
      [300, 300],
      [100, 300],
    ] as const) {
      await valueOf('growing', fileShares.grow(id, gibi(to), { within }));
      await shareThat(world, id, `has ${size} GiB`, (share) => share.size === gibi(size));
    }
    expect(await kindOf(fileShares.grow(id, gibi(350), { within }))).toBe('invalid');
  },

  async 'what is not sold is invalid, says why, and makes nothing'(world) {
    const faults: readonly (readonly [Partial<FileShareWish>, string])[] = [
      [{ kind: 'paper' }, 'paper'],
      [{ size: gibi(150) }, '150Gi'],
      [{ kind: 'basic', size: gibi(100) }, '100Gi'],
      [{ name: 'a b' }, 'a b'],
    ];
    for (const [change, named] of faults) {
      const made = await world.cloud.fileShares.create(wishIn(world, change), { within });
      expect(made).toMatchObject({ ok: false, failure: { kind: 'invalid' } });
      expect(made.ok ? '' : made.failure.raw.message).toContain(named);
    }
  },

  async 'an id that the cloud does not know is gone, and what was to go is done'(world) {
    const { fileShares } = world.cloud;
    const { vpc, subnet } = world.place;
    expect(await kindOf(fileShares.find('ufs-none', { within }))).toBe('gone');
    expect(await kindOf(fileShares.mountPoints('ufs-none', { within }))).toBe('gone');
    expect(await kindOf(fileShares.open('ufs-none', { name: mountName, vpc, subnet }, { within }))).toBe('gone');
    expect(await kindOf(fileShares.close('ufs-none', { vpc, subnet }, { within }))).toBe('ok');
    expect(await kindOf(fileShares.remove('ufs-none', 'shop', { within }))).toBe('ok');
  },
};
