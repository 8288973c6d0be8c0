import type { Script } from '../engine/script.ts';
import type { UdiskWorld } from './world.ts';

/** What a remembering world knows of disks. */
export interface UdiskMemory {
  /** Every disk and what it was copied from, in the order of copies: `bs-1`, `bs-2 <- snapshot bsSnap-1 <- bs-1`. */
  readonly bytes: ReadonlyMap<string, string>;
  /** @unit GiB */
  readonly sizes: ReadonlyMap<string, number>;
  /** The disks that each machine has, with the name under which. */
  readonly plugged: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** From now on the guest uses the disk, or no longer. */
  readonly mount: (id: string, isMounted: boolean) => void;
}

/** What disks need to know of the part that the machines remember. */
interface Others {
  readonly on: ReadonlySet<string>;
}

/** Disks without bytes. A machine that is not there yet may have some: it is started with them. */
export function rememberUdisk({ tell, checkFailure }: Script, others: object): UdiskWorld & UdiskMemory {
  const bytes = new Map<string, string>();
  const sizes = new Map<string, number>();
  const plugged = new Map<string, Map<string, string>>();
  const mounted = new Set<string>();
  const uses = (machine: string, id: string): boolean => mounted.has(id) && (others as Others).on.has(machine);
  const isIn = (id: string): boolean => [...plugged.values()].some((disks) => disks.has(id));

  function contentOf(id: string): string {
    const content = bytes.get(id);
    if (content === undefined) throw new Error(`the world has no disk or snapshot ${id}`);
    return content;
  }

  return {
    bytes,
    sizes,
    plugged,
    mount: (id, isMounted) => void (isMounted ? mounted.add(id) : mounted.delete(id)),
    async makeDisk({ id, sizeGib, copyOf }) {
      await tell(`make ${id}`);
      if (bytes.has(id)) return;
      if (copyOf !== undefined && isIn(copyOf.id)) throw new Error(`${copyOf.id} is in a machine`);
      bytes.set(id, copyOf === undefined ? id : `${id} <- ${contentOf(copyOf.id)}`);
      sizes.set(id, sizeGib);
    },
    async growDisk(id, sizeGib) {
      await tell(`grow ${id} ${sizeGib}`);
      contentOf(id);
      sizes.set(id, sizeGib);
    },
    async removeDisk(id) {
      await tell(`remove ${id}`);
      if (isIn(id)) throw new Error(`${id} is in a machine`);
      bytes.delete(id);
      sizes.delete(id);
    },
    async plugDisk(machine, { id, device }) {
      await tell(`plug ${machine} ${id} ${device}`);
      contentOf(id);
      const disks = plugged.get(machine) ?? new Map<string, string>();
      const holder = [...disks].find(([other, name]) => name === device && other !== id);
      if (holder !== undefined) throw new Error(`${machine} has ${holder[0]} as ${device}`);
      plugged.set(machine, disks.set(id, device));
    },
    async unplugDisk(machine, id) {
      await tell(`unplug ${machine} ${id}`);
      if (uses(machine, id)) return 'in-use';
      plugged.get(machine)?.delete(id);
      return 'unplugged';
    },
    async usesDisk(machine, id) {
      checkFailure(`uses ${machine} ${id}`);
      return uses(machine, id);
    },
    async makeSnapshot(id, disk) {
      await tell(`snapshot ${id} ${disk}`);
      bytes.set(id, `snapshot ${id} <- ${contentOf(disk)}`);
    },
    async restoreDisk(disk, snapshot) {
      await tell(`restore ${disk} ${snapshot}`);
      if (isIn(disk)) throw new Error(`${disk} is in a machine`);
      bytes.set(disk, `${disk} <- ${contentOf(snapshot)}`);
    },
    async removeSnapshot(id) {
      await tell(`remove ${id}`);
      bytes.delete(id);
    },
  };
}
