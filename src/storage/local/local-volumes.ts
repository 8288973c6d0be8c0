import { type BlockDevice, observeBlockDevices } from '#host/block-devices.ts';
import { attachLoop, detachLoop, growLoop, loopsOf } from '#host/loops.ts';
import { RpcError } from '#rpc/rpc.ts';
import type { Bytes } from '#unit/bytes.ts';
import { hours, now } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import type { InFlight } from '../in-flight.ts';
import type { SureDevice } from '../node/stage-device.ts';
import {
  checkUnused,
  type DiskRecord,
  deviceOfRecord,
  diskRecords,
  identityOf,
  lookAtFreeDisk,
  observeDisks,
  wipeDisk,
  writeDiskRecord,
} from './disks.ts';
import { diskPool, type Handle } from './handle.ts';
import {
  emptyTrash,
  fileOf,
  type Image,
  imageOf,
  imagesIn,
  makeImage,
  NoRoom,
  removeImage,
  removeUnbegun,
  reserveImage,
  takeRoom,
  writeRecord,
} from './images.ts';
import { readKnownFolders, writeKnownFolders } from './known-folders.ts';
import { InUse, type Machine } from './machine.ts';
import { type OpenFolder, openFolder, readOnly, spaceOf } from './open-folder.ts';
import type { Source, VolumeWish } from './parse-asked.ts';
import {
  chooseDisk,
  chooseFolder,
  type DiskSeen,
  explainFolder,
  type FolderSeen,
  type Room,
  roomIn,
  roomOf,
} from './plan-room.ts';
import { planExisting, planGrowth } from './plan-volume.ts';
import { recordFormat, type VolumeRecord } from './volume-record.ts';

/** A volume of this machine, wherever it is kept. */
export type Found =
  | { readonly in: 'folder'; readonly image: Image }
  | { readonly in: 'disk'; readonly record: DiskRecord };

export function recordIn(found: Found): VolumeRecord {
  return found.in === 'disk' ? found.record : found.image.record;
}

export interface PoolsSeen {
  readonly folders: readonly FolderSeen[];
  readonly disks: readonly DiskSeen[];
  /** What lies in the folders and is no volume of theirs. */
  readonly strange: readonly string[];
}

/** The volumes of one machine: everything that is known of them lies on the machine itself, and is read anew for each call. */
export class LocalVolumes {
  readonly #machine: Machine;
  readonly #flight: InFlight;
  #last: Promise<unknown> = Promise.resolve();
  #deleted = Promise.withResolvers<void>();

  /** @shape flight: shared with the calls, keyed by the volume's id */
  constructor(machine: Machine, flight: InFlight) {
    this.#machine = machine;
    this.#flight = flight;
  }

  get node(): string {
    return this.#machine.node;
  }

  /**
   * Makes a volume, or finds the one that was made for the same name.
   * @fails RpcError RESOURCE_EXHAUSTED: no room, nothing was made · ALREADY_EXISTS: there is another one of that name. Others: ask again
   */
  async create(wish: VolumeWish): Promise<VolumeRecord> {
    const begun = await this.#inTurn(() => this.#begin(wish));
    if (begun.in === 'disk' || begun.image.record.state !== 'making') return recordIn(begun);
    const { folder, record } = begun.image;
    try {
      await makeImage(this.#machine, folder, record);
    } catch (e) {
      if (!(e instanceof NoRoom)) throw e;
      await removeImage(this.#machine, folder, record.id);
      throw new RpcError(
        'RESOURCE_EXHAUSTED',
        `${this.#machine.node} has no room for volume ${wish.name}: ${e.message}`,
      );
    }
    return { ...record, state: 'ready' };
  }

  /** From here on its room is its own. One at a time, so that nobody counts on the same room. */
  async #begin(wish: VolumeWish): Promise<Found> {
    const { open, closed } = await this.#folders();
    const existing = await this.#named(wish.id, open);
    if (existing !== undefined) {
      const step = planExisting(recordIn(existing), wish);
      if (step.do === 'refuse') throw new RpcError('ALREADY_EXISTS', `volume ${wish.name}: ${step.message}`);
      return existing;
    }
    const now = new Date().toISOString();
    const base = {
      format: recordFormat,
      id: wish.id,
      name: wish.name,
      node: this.#machine.node,
      ...(wish.claim !== undefined && { claim: wish.claim }),
      made: now,
      usage: wish.usage,
    } as const;
    return wish.from === 'disks' ? this.#takeDisk(wish, base) : this.#reserve(wish, base, open, closed);
  }

  async #reserve(
    wish: VolumeWish,
    base: Pick<VolumeRecord, 'format' | 'id' | 'name' | 'node' | 'claim' | 'made' | 'usage'>,
    open: readonly OpenFolder[],
    closed: readonly ClosedFolder[],
  ): Promise<Found> {
    const given = open.filter(({ isGiven, isReadOnly }) => isGiven && !isReadOnly);
    const seen = await Promise.all(given.map((folder) => this.#see(folder)));
    const shut = [...closed, ...open.filter(({ isReadOnly }) => isReadOnly).map(asClosed)]
      .filter(({ isGiven }) => isGiven)
      .map(({ path, fault }) => ({ path, is: 'closed' as const, fault }));
    const choice = chooseFolder(this.#machine.node, [...seen, ...shut], wish.least);
    if (choice.is === 'none') throw new RpcError('RESOURCE_EXHAUSTED', choice.why);
    const folder = given.find(({ path }) => path === choice.one.path) as OpenFolder;
    const record: VolumeRecord = {
      ...base,
      place: { in: 'folder', pool: folder.id, sector },
      size: wish.least,
      madeWith: wish.least,
      state: 'making',
    };
    await reserveImage(this.#machine, folder, record);
    return { in: 'folder', image: { folder, record, has: 0 as Bytes } };
  }

  async #takeDisk(
    wish: VolumeWish,
    base: Pick<VolumeRecord, 'format' | 'id' | 'name' | 'node' | 'claim' | 'made' | 'usage'>,
  ): Promise<Found> {
    const { disks } = await this.#machine.given();
    const choice = chooseDisk(
      this.#machine.node,
      await observeDisks(this.#machine, disks, await diskRecords(this.#machine)),
      wish,
    );
    if (choice.is === 'none') throw new RpcError('RESOURCE_EXHAUSTED', choice.why);
    const { link } = choice.one;
    // Others were read after it: a moment ago is the best that can be had.
    const again = await lookAtFreeDisk(this.#machine, link);
    if (again.is !== 'free') throw new RpcError('RESOURCE_EXHAUSTED', `${link} was free a moment ago; ask again`);
    const { devices, links } = await observeBlockDevices(this.#machine.inside);
    const device = devices.find(({ name }) => name === links.find((one) => link.endsWith(`/${one.name}`))?.device);
    if (device === undefined) throw new RpcError('RESOURCE_EXHAUSTED', `${link} was there a moment ago; ask again`);
    const record: DiskRecord = {
      ...base,
      place: identityOf(device, link),
      size: again.size,
      madeWith: again.size,
      state: 'ready',
    };
    this.#machine.before(record.id, 'writing its record');
    await writeDiskRecord(this.#machine, record);
    return { in: 'disk', record };
  }

  /**
   * Removes a volume. One that is not there has been removed; one whose folder is not there has not.
   * @fails RpcError FAILED_PRECONDITION: it is on another machine, or in use · UNAVAILABLE: its folder is closed
   */
  async remove(handle: Handle): Promise<void> {
    const found = await this.find(handle);
    if (found === undefined) return;
    try {
      if (found.in === 'folder') return await removeImage(this.#machine, found.image.folder, handle.id);
      await checkUnused(this.#machine, found.record);
    } catch (e) {
      if (e instanceof InUse) throw new RpcError('FAILED_PRECONDITION', e.message);
      throw e;
    }
    this.#machine.before(handle.id, 'recording that its disk is wiped');
    await writeDiskRecord(this.#machine, { ...found.record, state: 'wiping' });
    this.#deleted.resolve();
    this.#deleted = Promise.withResolvers();
  }

  /** Resolves when the next disk has to be overwritten. */
  untilDeleted(): Promise<void> {
    return this.#deleted.promise;
  }

  /**
   * @shape undefined when it is certain that there is no such volume on this machine
   * @fails RpcError FAILED_PRECONDITION: it is on another machine · UNAVAILABLE: its folder is closed
   */
  find(handle: Handle): Promise<Found | undefined> {
    return this.#inTurn(() => this.#find(handle));
  }

  async #find({ node, pool, id }: Handle): Promise<Found | undefined> {
    if (node !== this.#machine.node)
      throw new RpcError(
        'FAILED_PRECONDITION',
        `volume ${id} is on the machine ${node}, and this is ${this.#machine.node}`,
      );
    if (pool === diskPool) {
      const record = (await diskRecords(this.#machine)).find((one) => one.id === id && one.state !== 'wiping');
      return record === undefined ? undefined : { in: 'disk', record };
    }
    const { open, closed } = await this.#folders();
    const shut = closed.find((folder) => folder.id === pool);
    if (shut !== undefined)
      throw new RpcError(
        'UNAVAILABLE',
        `volume ${id} is on ${this.#machine.node} in ${shut.path}, which ${shut.fault}`,
      );
    const folder = open.find((one) => one.id === pool);
    const image = folder === undefined ? undefined : await imageOf(this.#machine, folder, id);
    return image === undefined ? undefined : { in: 'folder', image };
  }

  /** By what it was asked for as, in the folders that are open. */
  async #named(id: string, open: readonly OpenFolder[]): Promise<Found | undefined> {
    for (const folder of open) {
      const image = await imageOf(this.#machine, folder, id);
      if (image !== undefined) return { in: 'folder', image };
    }
    const record = (await diskRecords(this.#machine)).find((one) => one.id === id && one.state !== 'wiping');
    return record === undefined ? undefined : { in: 'disk', record };
  }

  /** Gives a volume its device. Safe to repeat. @fails Error */
  async attach(found: Found): Promise<SureDevice> {
    if (found.in === 'disk') return deviceOfRecord(this.#machine, found.record);
    const { folder, record } = found.image;
    const file = fileOf(folder, record.id);
    await this.#makeWhole(file, record);
    const name = await this.#loopOf(file, record);
    const { devices } = await observeBlockDevices(this.#machine.inside);
    const device = devices.find((one) => one.name === name);
    if (device === undefined) throw new Error(`/dev/${name} of volume ${record.id} is gone again`);
    return {
      device: { ...device, serial: `${record.node}/${record.id}` },
      confirm: async () => {
        if ((await loopsOf(this.#machine.inside, file))[0] !== name)
          throw new Error(`/dev/${name} is no longer volume ${record.id}: it was detached meanwhile`);
      },
    };
  }

  /** A growth that was killed is finished, and holes are filled. Without room the volume is used as it is. */
  async #makeWhole(file: string, record: VolumeRecord): Promise<void> {
    try {
      await takeRoom(this.#machine.inside, file, record.size);
    } catch (e) {
      if (!(e instanceof NoRoom)) throw e;
      this.#machine.tell(`volume ${record.id} can not have all of its room: ${e.message}`);
    }
  }

  async #loopOf(file: string, record: VolumeRecord): Promise<string> {
    const { inside } = this.#machine;
    const [first, second] = await loopsOf(inside, file);
    if (second !== undefined)
      throw new Error(
        `${file} is attached twice, to /dev/${first ?? ''} and /dev/${second}: detach the one that is not mounted`,
      );
    if (first === undefined) {
      this.#machine.before(record.id, 'attaching it');
      const { name } = await attachLoop(inside, file, record.place.in === 'folder' ? record.place.sector : sector);
      return name;
    }
    await growLoop(inside, first);
    return first;
  }

  /** The device that a volume has now; `undefined` when it has none. */
  async device(found: Found): Promise<BlockDevice | undefined> {
    if (found.in === 'disk') return (await deviceOfRecord(this.#machine, found.record)).device;
    const { folder, record } = found.image;
    const [name] = await loopsOf(this.#machine.inside, fileOf(folder, record.id));
    const { devices } = await observeBlockDevices(this.#machine.inside);
    return devices.find((one) => one.name === name);
  }

  /**
   * Takes a volume's device away. Safe to repeat. When its folder is gone the device stays, so that the pod can end all the same; it is taken up
   * again with the folder.
   * @fails Error with the code EBUSY while it is in use
   */
  async release(handle: Handle): Promise<void> {
    const found = await this.find(handle).catch((e: unknown) => {
      if (!(e instanceof RpcError) || e.code !== 'UNAVAILABLE') throw e;
      this.#machine.tell(`the device of a volume that is used no more is left: ${e.message}`);
      return undefined;
    });
    if (found === undefined || found.in === 'disk') return;
    const { folder, record } = found.image;
    const file = fileOf(folder, record.id);
    for (const name of await loopsOf(this.#machine.inside, file)) {
      this.#machine.before(record.id, 'detaching it');
      await detachLoop(this.#machine.inside, name, file);
    }
  }

  /**
   * Makes a volume larger, as far as its device; its file system grows with that.
   * @shape its size from now on
   * @fails RpcError OUT_OF_RANGE: there is no room, and nothing has changed
   */
  async grow(handle: Handle, wanted: Bytes | undefined): Promise<Bytes> {
    const { found, size } = await this.#inTurn(() => this.#promiseMore(handle, wanted));
    if (found.in === 'disk') return size;
    const { folder, record } = found.image;
    const file = fileOf(folder, record.id);
    this.#machine.before(record.id, 'taking more room');
    try {
      await takeRoom(this.#machine.inside, file, size);
    } catch (e) {
      if (!(e instanceof NoRoom)) throw e;
      await writeRecord(this.#machine, folder, record);
      throw new RpcError('OUT_OF_RANGE', `volume ${record.id} can not grow: ${e.message}`);
    }
    this.#machine.before(record.id, 'showing its new size');
    for (const name of await loopsOf(this.#machine.inside, file)) await growLoop(this.#machine.inside, name);
    return size;
  }

  async #promiseMore(handle: Handle, wanted: Bytes | undefined): Promise<{ found: Found; size: Bytes }> {
    const found = await this.#find(handle);
    if (found === undefined)
      throw new RpcError('NOT_FOUND', `there is no volume ${handle.id} on ${this.#machine.node}`);
    if (found.in === 'disk') {
      const step = planGrowth(found.record, wanted, { bytes: 0 as Bytes, explained: '' });
      if (step.do === 'refuse') throw new RpcError('OUT_OF_RANGE', `volume ${handle.id} can not grow: ${step.message}`);
      return { found, size: found.record.size };
    }
    const { folder, record } = found.image;
    const seen = await this.#see(folder);
    const step = planGrowth(record, wanted, { bytes: roomOf(seen), explained: explainFolder(seen) });
    if (step.do === 'refuse') throw new RpcError('OUT_OF_RANGE', `volume ${handle.id} can not grow: ${step.message}`);
    if (step.do === 'nothing') return { found, size: record.size };
    this.#machine.before(record.id, 'recording its new size');
    await writeRecord(this.#machine, folder, { ...record, size: step.to });
    return { found, size: step.to };
  }

  /** What could be promised now. */
  async room(from: Source): Promise<Room> {
    const { folders, disks } = await this.look(from);
    return from === 'disks'
      ? roomIn(disks.flatMap((disk) => (disk.is === 'free' ? [disk.size] : [])))
      : roomIn(folders.map(roomOf));
  }

  /** Everything that this machine gives to volumes, as it is now. @shape from: only that is looked at */
  async look(from?: Source): Promise<PoolsSeen> {
    const given = await this.#machine.given();
    // In turn: each is opened for this look alone, and two who look would take each other for a user of it.
    const disks =
      from === 'directories'
        ? []
        : await this.#inTurn(async () => observeDisks(this.#machine, given.disks, await diskRecords(this.#machine)));
    if (from === 'disks') return { folders: [], disks, strange: [] };
    const { open, closed } = await this.#inTurn(() => this.#folders());
    const mine = open.filter(({ isGiven, isReadOnly }) => isGiven && !isReadOnly);
    const folders = [
      ...(await Promise.all(mine.map((folder) => this.#see(folder)))),
      ...[...closed, ...open.filter(({ isReadOnly }) => isReadOnly).map(asClosed)].map(({ path, fault }) => ({
        path,
        is: 'closed' as const,
        fault,
      })),
    ];
    const strange = await Promise.all(open.map(async (folder) => (await imagesIn(this.#machine, folder)).strange));
    return { folders, disks, strange: strange.flat().map(({ why }) => why) };
  }

  /** Every volume of this machine whose folder is open, or that is a disk. */
  async records(): Promise<readonly VolumeRecord[]> {
    const { open } = await this.#inTurn(() => this.#folders());
    const inFolders = await Promise.all(open.map((folder) => imagesIn(this.#machine, folder)));
    return [
      ...inFolders.flatMap(({ images }) => images.map(({ record }) => record)),
      ...(await diskRecords(this.#machine)),
    ];
  }

  /** Before the first call: removes what killed calls left half-done, and what nobody has heard of. */
  async recover(): Promise<void> {
    const { open } = await this.#inTurn(() => this.#folders());
    for (const folder of open.filter(({ isReadOnly }) => !isReadOnly)) await removeUnbegun(this.#machine, folder);
  }

  /**
   * One turn of what goes on beside the calls: emptying the trash, giving up volumes whose making nobody asked for again, overwriting disks.
   * What fails is told, and tried again at the next turn.
   */
  async tend(stop: AbortSignal): Promise<void> {
    const { open } = await this.#inTurn(() => this.#folders());
    for (const folder of open.filter(({ isReadOnly }) => !isReadOnly)) {
      await emptyTrash(this.#machine, folder);
      for (const { record } of (await imagesIn(this.#machine, folder)).images)
        if (record.state === 'making' && now() - Date.parse(record.made) > forgotten)
          await this.#giveUp(folder, record.id);
    }
    for (const record of await diskRecords(this.#machine)) {
      if (record.state !== 'wiping') continue;
      await wipeDisk(this.#machine, record, stop).catch((e: unknown) => {
        if (!stop.aborted) this.#machine.tell(messageOf(e));
      });
    }
  }

  /** Nobody was ever told of it, so no PersistentVolume can name it. */
  async #giveUp(folder: OpenFolder, id: string): Promise<void> {
    try {
      await this.#flight.alone(id, 'giving up', async () => {
        if ((await imageOf(this.#machine, folder, id))?.record.state === 'making')
          await removeImage(this.#machine, folder, id);
      });
    } catch (e) {
      this.#machine.tell(messageOf(e));
    }
  }

  async #see(folder: OpenFolder): Promise<FolderSeen> {
    const { keepFree } = await this.#machine.given();
    const { images, strange } = await imagesIn(this.#machine, folder);
    const volumes = [...images.map(({ record, has }) => ({ id: record.id, size: record.size, has })), ...strange];
    return { path: folder.path, is: 'open', ...(await spaceOf(this.#machine.inside, folder.path, keepFree)), volumes };
  }

  /** All folders that are given to volumes, or ever were and may hold some. */
  async #folders(): Promise<{ readonly open: readonly OpenFolder[]; readonly closed: readonly ClosedFolder[] }> {
    const { directories } = await this.#machine.given();
    const known = new Map(await readKnownFolders(this.#machine));
    const open: OpenFolder[] = [];
    const closed: ClosedFolder[] = [];
    let isNew = false;
    for (const path of new Set([...directories, ...known.keys()])) {
      const isGiven = directories.includes(path);
      const id = known.get(path);
      const opened = await openFolder(this.#machine, path, { known: id, isGiven });
      if (!opened.ok) {
        closed.push({ path, id, isGiven, fault: opened.failure });
        continue;
      }
      open.push(opened.value);
      if (id !== undefined) continue;
      known.set(path, opened.value.id);
      isNew = true;
    }
    // Marked first and known second: a mark of ours that is not known yet is taken for what it is.
    if (isNew) await writeKnownFolders(this.#machine, known);
    return { open, closed };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

interface ClosedFolder {
  readonly path: string;
  /** `undefined` when it has never been open: there is nothing in it. */
  readonly id: string | undefined;
  readonly isGiven: boolean;
  readonly fault: string;
}

function asClosed({ path, id, isGiven }: OpenFolder): ClosedFolder {
  return { path, id, isGiven, fault: readOnly };
}

/** What every disk can write at once, so that a volume's file can always be read and written past the page cache. */
const sector = 4096;

/** The provisioner asks again within five minutes as long as there is a claim. @source sig-storage-lib-external-provisioner: its longest back-off */
const forgotten = hours(1);
