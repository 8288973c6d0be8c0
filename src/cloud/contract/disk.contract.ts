import { expect } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { ms, waitFor } from '#unit/clock.ts';
import { type CloudDisk, type CloudSnapshot, type DiskWish, sourceKey } from '../disk.ts';
import type { Owned } from '../owned.ts';
import { type Cases, type CaseWorld, kindOf, runningMachine, soon, valueOf, within } from './case.ts';

const owned: Owned = { mark: 'shop', owner: 'pvc-0001' };

function wishIn({ place }: CaseWorld, change: Partial<DiskWish> = {}): DiskWish {
  return {
    ...owned,
    zone: place.zone,
    near: undefined,
    kind: 'ssd',
    size: gibi(20),
    source: { from: 'nothing' },
    charge: 'hour',
    quantity: 1,
    encryptionKey: undefined,
    snapshotService: false,
    ...change,
  };
}

function createDisk(world: CaseWorld, change: Partial<DiskWish> = {}): Promise<CloudDisk> {
  return valueOf('creating disk', world.cloud.disks.create(wishIn(world, change), { within }));
}

/** A disk that can be attached. */
export async function freeDisk(world: CaseWorld, change: Partial<DiskWish> = {}): Promise<CloudDisk> {
  const { id } = await createDisk(world, change);
  return diskThat(world, id, 'is free', ({ state }) => state === 'free');
}

/** The disk once the cloud shows it so. */
function diskThat(world: CaseWorld, id: string, what: string, isSo: (disk: CloudDisk) => boolean): Promise<CloudDisk> {
  return waitFor(
    `${id}, that it ${what}`,
    async () => {
      const disk = await valueOf('finding disk', world.cloud.disks.find(id, { within }));
      if (!isSo(disk)) throw new Error(`${disk.state} ${disk.machine ?? ''}`);
      return disk;
    },
    { within, every: ms(20) },
  );
}

function attachedTo(world: CaseWorld, id: string, machine: string): Promise<CloudDisk> {
  return diskThat(
    world,
    id,
    `is attached to ${machine}`,
    (disk) => disk.state === 'attached' && disk.machine === machine,
  );
}

async function attach(world: CaseWorld, id: string, machine: string): Promise<void> {
  await valueOf('attaching', world.cloud.disks.attach(id, machine, { within, across: false }));
  await attachedTo(world, id, machine);
}

async function detach(world: CaseWorld, id: string, machine: string): Promise<void> {
  await valueOf('detaching', world.cloud.disks.detach(id, machine, { within }));
  await diskThat(world, id, 'is free', ({ state }) => state === 'free');
}

/** What a provider owes for disks. */
export const diskCases: Cases = {
  async 'a disk comes to be free as it was asked for'(world) {
    const disk = await freeDisk(world);
    expect(disk).toMatchObject({ ...owned, zone: world.place.zone, kind: 'ssd', size: gibi(20), charge: 'hour' });
    expect(disk).toMatchObject({ source: '', machine: undefined, encryptionKey: undefined, snapshots: { count: 0 } });
    expect(disk.serial).not.toBe('');
  },

  async 'every kind is made in its least size'(world) {
    const { kinds } = world.cloud.disks;
    for (const [kind, { least }] of Object.entries(kinds)) {
      const disk = await freeDisk(world, { owner: `pvc-${kind}`, kind, size: least });
      expect(disk).toMatchObject({ kind, size: least });
    }
  },

  async 'a disk made again and again for one owner is one, and shows how another wish differs'(world) {
    const { id } = await createDisk(world);
    await diskThat(world, id, 'is free', ({ state }) => state === 'free');
    const other = await createDisk(world, { size: gibi(50), source: { from: 'disk', disk: id } });
    expect(other).toMatchObject({ id, size: gibi(20), source: '' });
    expect((await valueOf('', world.cloud.disks.list('shop', { within }))).map((disk) => disk.id)).toEqual([id]);
  },

  async 'a disk asked for three times at once is one, and five owners at once have one each'(world) {
    const same = await Promise.all([1, 2, 3].map(() => createDisk(world)));
    expect(new Set(same.map(({ id }) => id)).size).toBe(1);
    const owners = ['pvc-a001', 'pvc-a002', 'pvc-a003', 'pvc-a004', 'pvc-a005'];
    const made = await Promise.all(owners.map((owner) => createDisk(world, { owner })));
    expect(new Set([...made, ...same].map(({ id }) => id)).size).toBe(6);
    await soon('all to be listed', async () => {
      const listed = await valueOf('', world.cloud.disks.list('shop', { within }));
      const told = new Map(listed.map((disk) => [disk.owner, disk.id]));
      return made.every(({ id, owner = '' }) => told.get(owner) === id);
    });
  },

  async 'one owner under two marks is two disks, and a list has what carries the mark and nothing else'(world) {
    const shop = await createDisk(world);
    const other = await createDisk(world, { mark: 'other' });
    const idsOf = async (mark: string | undefined) =>
      (await valueOf('', world.cloud.disks.list(mark, { within }))).map(({ id }) => id);
    await soon('both to be listed', async () => (await idsOf(undefined)).length === 2);
    expect(await idsOf(undefined)).toEqual([shop.id, other.id].sort());
    expect(await idsOf('shop')).toEqual([shop.id]);
    expect(await idsOf('other')).toEqual([other.id]);
    expect(await idsOf('nobody')).toEqual([]);
  },

  async 'a disk that a machine boots from is not among them'(world) {
    await runningMachine(world);
    expect(await valueOf('', world.cloud.disks.list(undefined, { within }))).toEqual([]);
  },

  async 'a disk whose answer was lost is found, not made again'(world) {
    world.trouble('answersLost');
    const asked = await world.once.disks.create(wishIn(world), { within });
    if (!asked.ok) expect(asked.failure.kind).toBe('unknown');
    world.trouble(undefined);
    const { owned: made } = await world.ledger();
    await soon('what was made to be listed', async () => {
      const listed = await valueOf('', world.cloud.disks.list('shop', { within }));
      return listed.length === made.length;
    });
    const again = await createDisk(world);
    expect(asked.ok ? asked.value.id : again.id).toBe(again.id);
  },

  async 'an id that the cloud does not know is gone, and what was to go is done'(world) {
    const { disks } = world.cloud;
    const { id: machine } = await runningMachine(world);
    expect(await kindOf(disks.find('bs-none', { within }))).toBe('gone');
    expect(await kindOf(disks.attach('bs-none', machine, { within, across: false }))).toBe('gone');
    expect(await kindOf(disks.grow('bs-none', gibi(50), { within }))).toBe('gone');
    expect(await kindOf(disks.detach('bs-none', machine, { within }))).toBe('ok');
    expect(await kindOf(disks.remove('bs-none', 'shop', { within }))).toBe('ok');
  },

  async 'a disk of another mark is not removed, ours is, and removing it again is success'(world) {
    const { disks } = world.cloud;
    const theirs = await freeDisk(world, { mark: 'other' });
    const own = await freeDisk(world);
    expect(await kindOf(disks.remove(theirs.id, 'shop', { within }))).toBe('denied');
    for (let time = 0; time < 2; time++) expect(await kindOf(disks.remove(own.id, 'shop', { within }))).toBe('ok');
    await soon('it to be gone', async () => (await kindOf(disks.find(own.id, { within }))) === 'gone');
    expect(await kindOf(disks.find(theirs.id, { within }))).toBe('ok');
  },

  async 'an owner has another disk after the first was removed'(world) {
    const first = await freeDisk(world);
    await valueOf('', world.cloud.disks.remove(first.id, 'shop', { within }));
    await soon('it to be gone', async () => (await kindOf(world.cloud.disks.find(first.id, { within }))) === 'gone');
    expect((await createDisk(world)).id).not.toBe(first.id);
  },

  async 'a disk is at one machine at a time, and is removed only when it is at none'(world) {
    const { disks } = world.cloud;
    const [a, b] = [await runningMachine(world), await runningMachine(world, { name: 'web-2' })];
    const { id } = await freeDisk(world);
    await attach(world, id, a.id);
    expect(await kindOf(disks.attach(id, a.id, { within, across: false }))).toBe('ok');
    const second = await disks.attach(id, b.id, { within, across: false });
    expect(second).toMatchObject({ ok: false, failure: { kind: 'inUse' } });
    expect(second.ok ? '' : second.failure.raw.message).toContain(a.id);
    expect(await kindOf(disks.remove(id, 'shop', { within }))).toBe('inUse');
    await detach(world, id, a.id);
    expect(await kindOf(disks.detach(id, a.id, { within }))).toBe('ok');
    await attach(world, id, b.id);
    await detach(world, id, b.id);
    expect(await kindOf(disks.remove(id, 'shop', { within }))).toBe('ok');
  },

  async 'a disk is never taken from a machine that was not named'(world) {
    const [a, b] = [await runningMachine(world), await runningMachine(world, { name: 'web-2' })];
    const { id } = await freeDisk(world);
    await attach(world, id, a.id);
    expect(await kindOf(world.cloud.disks.detach(id, b.id, { within }))).toBe('ok');
    expect(await kindOf(world.cloud.disks.detach(id, 'uhost-none', { within }))).toBe('ok');
    await attachedTo(world, id, a.id);
  },

  async 'of two machines that ask at once one has the disk'(world) {
    const machines = [await runningMachine(world), await runningMachine(world, { name: 'web-2' })];
    const { id } = await freeDisk(world);
    const kinds = await Promise.all(
      machines.map((machine) => kindOf(world.cloud.disks.attach(id, machine.id, { within, across: false }))),
    );
    expect(kinds.toSorted()).toEqual(['inUse', 'ok']);
    await attachedTo(world, id, machines[kinds.indexOf('ok')]?.id ?? '');
  },

  async 'an attachment and a detachment whose answers were lost are done once'(world) {
    const { id: machine } = await runningMachine(world);
    const { id } = await freeDisk(world);
    world.trouble('answersLost');
    const attached = await kindOf(world.once.disks.attach(id, machine, { within, across: false }));
    expect(['ok', 'unknown', 'state', 'unavailable']).toContain(attached);
    world.trouble(undefined);
    await attach(world, id, machine);
    world.trouble('answersLost');
    const detached = await kindOf(world.once.disks.detach(id, machine, { within }));
    expect(['ok', 'unknown', 'state', 'unavailable']).toContain(detached);
    world.trouble(undefined);
    await detach(world, id, machine);
  },

  async 'a disk that the machine of another owner has is not attachable there'(world) {
    const { id: machine } = await runningMachine(world);
    const { id } = await freeDisk(world);
    const idsOf = async () =>
      (await valueOf('', world.cloud.disks.attachable(machine, { within }))).map((disk) => disk.id);
    await soon('it to be attachable', async () => (await idsOf()).includes(id));
    expect(await kindOf(world.cloud.disks.attachable('uhost-none', { within }))).toBe('gone');
  },

  async 'a disk grows while it is free and while a machine has it, and never shrinks'(world) {
    const { disks } = world.cloud;
    const { id: machine } = await runningMachine(world);
    const { id } = await freeDisk(world);
    const grown = async (to: number, size = to): Promise<void> => {
      await valueOf('growing', disks.grow(id, gibi(to), { within }));
      await diskThat(world, id, `has ${size} GiB`, (disk) => disk.size === gibi(size));
    };
    await grown(30);
    await grown(30);
    await grown(20, 30);
    await diskThat(world, id, 'is free', ({ state }) => state === 'free');
    await attach(world, id, machine);
    await grown(50);
    await attachedTo(world, id, machine);
    const odd = await disks.grow(id, gibi(55), { within });
    expect(odd).toMatchObject({ ok: false, failure: { kind: 'invalid' } });
    expect(odd.ok ? '' : odd.failure.raw.message).toContain('55Gi');
  },

  async 'what is not sold is invalid, says why, and makes nothing'(world) {
    const faults: readonly (readonly [Partial<DiskWish>, string])[] = [
      [{ kind: 'paper' }, 'paper'],
      [{ size: gibi(25) }, '25Gi'],
      [{ size: gibi(1_000_000) }, '1000000Gi'],
      [{ owner: 'pvc 1' }, 'pvc 1'],
    ];
    for (const [change, named] of faults) {
      const made = await world.cloud.disks.create(wishIn(world, change), { within });
      expect(made).toMatchObject({ ok: false, failure: { kind: 'invalid' } });
      expect(made.ok ? '' : made.failure.raw.message).toContain(named);
    }
  },

  async 'a copy of a disk says of which, is as large as wished, and is paid as wished'(world) {
    const source = await freeDisk(world);
    const wish = { owner: 'pvc-copy', size: gibi(40), source: { from: 'disk', disk: source.id } } as const;
    const copy = await freeDisk(world, wish);
    expect(copy).toMatchObject({ source: sourceKey(wish.source), kind: 'ssd', charge: 'hour' });
    expect(copy.id).not.toBe(source.id);
    await grownTo(world, copy, gibi(40));
  },

  async 'a disk that a machine has is not cloned, and one of another zone, kind or size is not its copy'(world) {
    const { id: machine } = await runningMachine(world);
    const { id } = await freeDisk(world);
    const source = { from: 'disk', disk: id } as const;
    const kindWith = (change: Partial<DiskWish>) =>
      kindOf(world.cloud.disks.create(wishIn(world, { owner: 'pvc-copy', source, ...change }), { within }));
    expect(await kindWith({ kind: 'rssd' })).toBe('invalid');
    expect(await kindWith({ size: gibi(10) })).toBe('invalid');
    expect(await kindWith({ zone: 'elsewhere' })).toBe('invalid');
    expect(await kindWith({ source: { from: 'disk', disk: 'bs-none' } })).toBe('gone');
    expect(await kindWith({ source: { from: 'snapshot', snapshot: 'bsSnap-none' } })).toBe('gone');
    await attach(world, id, machine);
    const once = await kindOf(world.once.disks.create(wishIn(world, { owner: 'pvc-copy', source }), { within }));
    expect(once).not.toBe('ok');
  },

  async 'a disk that only a part of the zone reaches is made near its machine, or reached across'(world) {
    world.nextMachineApart();
    const far = await runningMachine(world, { name: 'far-1' });
    const near = await runningMachine(world, { name: 'near-1' });
    const { disks } = world.cloud;
    const disk = await freeDisk(world, { kind: 'rssd', near: far.id });
    expect(disk.cluster).toBeDefined();
    await attach(world, disk.id, far.id);
    await detach(world, disk.id, far.id);
    const apart = disks.attach(disk.id, near.id, { within, across: false });
    if (far.diskCluster !== near.diskCluster) expect(await kindOf(apart)).toBe('outOfReach');
    else await apart;
    await valueOf('across', disks.attach(disk.id, near.id, { within, across: true }));
    await attachedTo(world, disk.id, near.id);
  },

  async 'a disk that is encrypted says with which key'(world) {
    const disk = await freeDisk(world, { kind: 'rssd', encryptionKey: 'cmk-1' });
    expect(disk.encryptionKey).toBe('cmk-1');
  },
};

/** As its caller would: a copy may come out as small as its source. */
async function grownTo(world: CaseWorld, disk: CloudDisk, size: CloudDisk['size']): Promise<void> {
  await valueOf('growing', world.cloud.disks.grow(disk.id, size, { within }));
  await diskThat(world, disk.id, 'is as large', (seen) => seen.size === size);
}

function takeSnapshot(world: CaseWorld, disk: string, change: Partial<Owned> = {}): Promise<CloudSnapshot> {
  const wish = { ...owned, owner: 'snapshot-0001', disk, ...change };
  return valueOf('taking a snapshot', world.cloud.snapshots.create(wish, { within }));
}

function readySnapshot(world: CaseWorld, id: string): Promise<CloudSnapshot> {
  return waitFor(
    `${id} to be ready`,
    async () => {
      const seen = await valueOf('finding snapshot', world.cloud.snapshots.find(id, { within }));
      if (seen.state !== 'ready') throw new Error(seen.state);
      return seen;
    },
    { within, every: ms(20) },
  );
}

const withService = { snapshotService: true } as const;

/** What a provider owes for snapshots. */
export const snapshotCases: Cases = {
  async 'a snapshot comes to be ready, also of a disk that a machine has, and a disk is made of it'(world) {
    const { id: machine } = await runningMachine(world);
    const disk = await freeDisk(world, withService);
    await attach(world, disk.id, machine);
    const { id } = await takeSnapshot(world, disk.id);
    const ready = await readySnapshot(world, id);
    expect(ready).toMatchObject({
      mark: 'shop',
      owner: 'snapshot-0001',
      disk: disk.id,
      zone: disk.zone,
      size: disk.size,
    });
    const source = { from: 'snapshot', snapshot: id } as const;
    const restored = await freeDisk(world, { owner: 'pvc-restored', size: gibi(40), source });
    expect(restored).toMatchObject({ source: sourceKey(source), kind: 'ssd', charge: 'hour', machine: undefined });
    await grownTo(world, restored, gibi(40));
  },

  async 'a snapshot taken again and again for one owner is one, of whichever disk'(world) {
    const [one, other] = [
      await freeDisk(world, withService),
      await freeDisk(world, { ...withService, owner: 'pvc-0002' }),
    ];
    const { id } = await takeSnapshot(world, one.id);
    await readySnapshot(world, id);
    expect(await takeSnapshot(world, other.id)).toMatchObject({ id, disk: one.id });
    const twice = await Promise.all([1, 2].map(() => takeSnapshot(world, other.id, { owner: 'snapshot-0002' })));
    expect(new Set(twice.map((seen) => seen.id)).size).toBe(1);
  },

  async 'a disk that says that it takes no snapshots has none, because nothing is bought for it'(world) {
    const disk = await freeDisk(world);
    const wish = { ...owned, owner: 'snapshot-0001', disk: disk.id };
    const asked = await kindOf(world.cloud.snapshots.create(wish, { within }));
    expect(asked).toBe(disk.snapshots.can ? 'ok' : 'billing');
    const bought = await freeDisk(world, { ...withService, owner: 'pvc-0002' });
    expect(bought.snapshots.can).toBe(true);
  },

  async 'a snapshot whose answer was lost is found, not taken again'(world) {
    const disk = await freeDisk(world, withService);
    world.trouble('answersLost');
    const wish = { ...owned, owner: 'snapshot-0001', disk: disk.id };
    const asked = await world.once.snapshots.create(wish, { within });
    if (!asked.ok) expect(asked.failure.kind).toBe('unknown');
    world.trouble(undefined);
    const again = await takeSnapshot(world, disk.id);
    expect(asked.ok ? asked.value.id : again.id).toBe(again.id);
  },

  async 'a list has what carries the mark, a stranger is not removed, ours is, and again is success'(world) {
    const { snapshots } = world.cloud;
    const disk = await freeDisk(world, withService);
    const own = await takeSnapshot(world, disk.id);
    await readySnapshot(world, own.id);
    const theirs = await takeSnapshot(world, disk.id, { mark: 'other' });
    await readySnapshot(world, theirs.id);
    const idsOf = async (mark: string | undefined) =>
      (await valueOf('', snapshots.list(mark, { within }))).map(({ id }) => id);
    await soon('both to be listed', async () => (await idsOf(undefined)).length === 2);
    expect(await idsOf('shop')).toEqual([own.id]);
    expect(await idsOf('nobody')).toEqual([]);
    expect(await kindOf(snapshots.remove(theirs.id, 'shop', { within }))).toBe('denied');
    for (let time = 0; time < 2; time++) expect(await kindOf(snapshots.remove(own.id, 'shop', { within }))).toBe('ok');
    await soon('it to be gone', async () => (await kindOf(snapshots.find(own.id, { within }))) === 'gone');
  },

  async 'an id that the cloud does not know is gone, and so is its disk'(world) {
    const { snapshots } = world.cloud;
    expect(await kindOf(snapshots.find('bsSnap-none', { within }))).toBe('gone');
    expect(await kindOf(snapshots.remove('bsSnap-none', 'shop', { within }))).toBe('ok');
    const wish = { ...owned, owner: 'snapshot-0001', disk: 'bs-none' };
    expect(await kindOf(snapshots.create(wish, { within }))).toBe('gone');
  },
};

/** What is tried only where nothing is wrong. */
export const snapshotLimits: Cases = {
  async 'a disk has as many snapshots as it says, then quota'(world) {
    const disk = await freeDisk(world, withService);
    const { most } = disk.snapshots;
    expect(most).toBeGreaterThan(0);
    for (let number = 1; number <= most; number++) {
      const { id } = await takeSnapshot(world, disk.id, { owner: `snapshot-${number}` });
      await readySnapshot(world, id);
    }
    const wish = { ...owned, owner: 'snapshot-more', disk: disk.id };
    expect(await kindOf(world.cloud.snapshots.create(wish, { within }))).toBe('quota');
  },
};
