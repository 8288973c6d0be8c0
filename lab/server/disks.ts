import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { markOf } from '../fabric/names.ts';
import { flushDisk, isHeldOpen, isUnderLoop, observeMounts, type ShownDisk, showDisk } from '../machine/block-disk.ts';
import { type Cgroups, observeMembers } from '../machine/cgroup.ts';
import { attachLoop, detachInnerLoops, detachLoop, growLoops, loopsOf } from '../machine/loop-device.ts';
import type { Machine } from '../machine/machine.ts';
import type { ProcessMark } from '../machine/process-mark.ts';
import { atStandstill } from '../machine/standstill.ts';
import { command } from '../toolchain/command.ts';
import type { UdiskWorld } from '../ucloud/udisk/world.ts';
import { pathsOf } from './settings.ts';

/** The disks of a lab's cloud: each is a file with holes, and a block device while a machine that is on has it. */
export interface LabDisks extends UdiskWorld {
  all(): readonly string[];
  snapshots(): readonly string[];
  /** The disks that each machine has, with the name under which. */
  plugged(): ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Makes block devices of the disks of a machine that is about to start. */
  insert(machine: string): Promise<readonly ShownDisk[]>;
  /** The machine is off: its disks are files only, and what it made block devices of is none any more. */
  remove(machine: string): Promise<void>;
}

export interface DisksOptions {
  readonly lab: string;
  readonly cgroups: Cgroups;
  /** `undefined` for one that was not made yet. */
  readonly find: (machine: string) => Machine | undefined;
}

export function openDisks({ lab, cgroups, find }: DisksOptions): LabDisks {
  const { disks, snapshots, machines } = pathsOf(lab);
  const plugged = new Map<string, Map<string, string>>();
  /** Of machines that are on, by machine and disk: two that share a disk have a block device each, as they would in a cloud. */
  const shown = new Map<string, Map<string, ShownDisk>>();
  const fileOf = (id: string): string => join(disks, id);
  const snapshotOf = (id: string): string => join(snapshots, id);
  const disksOf = (machine: string): Map<string, string> => entry(plugged, machine);
  const shownIn = (machine: string): Map<string, ShownDisk> => entry(shown, machine);

  const members = (machine: string): Promise<readonly number[]> => observeMembers(cgroups, markOf(lab, machine));

  async function meanwhile<T>(machine: string, work: (init: ProcessMark | undefined) => Promise<T>): Promise<T> {
    return find(machine)?.meanwhile(work) ?? work(undefined);
  }

  async function insertOne(machine: string, id: string, device: string): Promise<ShownDisk> {
    // Of an earlier start, or an earlier server of this lab.
    const known = new Set([...shown.values()].flatMap((all) => [...all.values()].map(({ loop }) => loop.name)));
    for (const name of await loopsOf(fileOf(id))) if (!known.has(name)) await detachLoop(fileOf(id), name);
    const disk = { device, loop: await attachLoop(fileOf(id)), id };
    shownIn(machine).set(id, disk);
    return disk;
  }

  async function removeOne(machine: string, id: string): Promise<void> {
    const disk = shownIn(machine).get(id);
    if (disk !== undefined) await detachLoop(fileOf(id), disk.loop.name);
    shownIn(machine).delete(id);
  }

  async function uses(machine: string, id: string, init: ProcessMark | undefined): Promise<boolean> {
    const disk = shownIn(machine).get(id);
    if (disk === undefined || init === undefined) return false;
    const { number } = disk.loop;
    const pids = await members(machine);
    return observeMounts(pids, number).length > 0 || isHeldOpen(pids, number) || (await isUnderLoop(init, disk.device));
  }

  /** Copies a disk while no machine writes to it: those that have it stand still, and what they have written is on it. */
  async function atRest(id: string, work: () => Promise<void>): Promise<void> {
    const holders = [...shown].filter(([, all]) => all.has(id)).map(([machine]) => machine);
    if (holders.length === 0) return work();
    const marks = holders.map((machine) => markOf(lab, machine));
    await atStandstill(cgroups, marks, async () => {
      for (const machine of holders) {
        const disk = shownIn(machine).get(id);
        if (disk !== undefined) await flushDisk(await members(machine), disk.loop);
      }
      await work();
    });
  }

  return {
    all: () => list(disks),
    snapshots: () => list(snapshots),
    plugged: () => plugged,

    async makeDisk({ id, sizeGib, copyOf }) {
      if (existsSync(fileOf(id))) return;
      await mkdir(disks, { recursive: true, mode: 0o700 });
      const part = `${fileOf(id)}.part`;
      await rm(part, { force: true });
      if (copyOf === undefined) await writeFile(part, '', { mode: 0o600 });
      else await copyFile(copyOf.kind === 'disk' ? fileOf(copyOf.id) : snapshotOf(copyOf.id), part);
      await truncate(part, sizeGib * gib);
      // At the end: a disk that is there is whole.
      await rename(part, fileOf(id));
    },

    async growDisk(id, sizeGib) {
      const { size } = await stat(fileOf(id));
      if (size < sizeGib * gib) await truncate(fileOf(id), sizeGib * gib);
      await growLoops(fileOf(id));
    },

    async removeDisk(id) {
      for (const name of await loopsOf(fileOf(id)).catch(() => [])) await detachLoop(fileOf(id), name);
      for (const file of [fileOf(id), `${fileOf(id)}.part`]) await rm(file, { force: true });
    },

    plugDisk: (machine, { id, device }) =>
      meanwhile(machine, async (init) => {
        if (!existsSync(fileOf(id))) throw new Error(`there is no disk ${id}`);
        disksOf(machine).set(id, device);
        if (init === undefined || shownIn(machine).has(id)) return;
        try {
          await showDisk('show', init, await insertOne(machine, id, device));
        } catch (e) {
          disksOf(machine).delete(id);
          await removeOne(machine, id);
          throw e;
        }
      }),

    unplugDisk: (machine, id) =>
      meanwhile(machine, async (init) => {
        if (await uses(machine, id, init)) return 'in-use';
        const disk = shownIn(machine).get(id);
        if (disk !== undefined && init !== undefined) await showDisk('hide', init, disk);
        await removeOne(machine, id);
        disksOf(machine).delete(id);
        return 'unplugged';
      }),

    usesDisk: (machine, id) => uses(machine, id, find(machine)?.init()),

    async makeSnapshot(id, disk) {
      await mkdir(snapshots, { recursive: true, mode: 0o700 });
      await atRest(disk, () => copyWhole(fileOf(disk), snapshotOf(id)));
    },

    async restoreDisk(disk, snapshot) {
      const { size } = await stat(fileOf(disk));
      await copyWhole(snapshotOf(snapshot), fileOf(disk), size);
    },

    removeSnapshot: (id) => rm(snapshotOf(id), { force: true }),

    async insert(machine) {
      const inserted = [];
      for (const [id, device] of disksOf(machine)) inserted.push(await insertOne(machine, id, device));
      return inserted;
    },

    async remove(machine) {
      const numbers = [...shownIn(machine).values()].map(({ loop }) => loop.number);
      await detachInnerLoops(join(machines, machine), numbers);
      for (const id of shownIn(machine).keys()) await removeOne(machine, id);
    },
  };
}

const gib = 2 ** 30;

function entry<T>(maps: Map<string, Map<string, T>>, key: string): Map<string, T> {
  const map = maps.get(key) ?? new Map<string, T>();
  maps.set(key, map);
  return map;
}

function list(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.endsWith('.part')) : [];
}

/** Copies a file, and grows the copy to `size`; what was there under the new name is replaced in one step. */
async function copyWhole(from: string, to: string, size = 0): Promise<void> {
  const part = `${to}.part`;
  await rm(part, { force: true });
  await copyFile(from, part);
  if ((await stat(part)).size < size) await truncate(part, size);
  await rename(part, to);
}

/** Holes stay holes; where the file system can share blocks nothing is copied at all. */
async function copyFile(from: string, to: string): Promise<void> {
  await command('cp', ['--sparse=always', '--reflink=auto', from, to]);
}
