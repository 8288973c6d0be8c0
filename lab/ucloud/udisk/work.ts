import { ms } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { lasting, type WorldCaller } from '../engine/world-caller.ts';
import type { WorkPlace } from '../gateway/product.ts';
import { latencies } from './latency.ts';
import { attachmentsIn } from './lookup.ts';
import { createSnapshots, type Snapshots } from './snapshot-work.ts';
import type { AttachmentRecord, UdiskRecord, UdiskState } from './state.ts';
import type { UdiskWorld } from './world.ts';

/** What disks do to the world. */
export type UdiskWorks = {
  readonly disks: Disks;
  readonly snapshots: Snapshots;
};

/** The disks' side of the world: every order becomes work in the disk's own queue. */
export interface Disks {
  /** Begins to make a disk that was just recorded; attaches it afterwards where the record says so. */
  make(disk: UdiskRecord): void;
  /** The record says to which size, or to which snapshot. */
  grow(disk: UdiskRecord): void;
  restore(disk: UdiskRecord): void;
  attach(disk: UdiskRecord, attachment: AttachmentRecord): void;
  detach(disk: UdiskRecord, attachment: AttachmentRecord): void;
  /** Forgets a disk at once; its bytes are removed a little later. */
  remove(disk: UdiskRecord): void;
  /** Makes what a new machine is made with, before its first start. */
  install(machine: string): Promise<void>;
  /** A machine ends: its disks are free, or gone with it. */
  leave(machine: string, what: 'keep' | 'release'): Promise<void>;
  /** Whether the machine has mounted the disk or holds it open. */
  areUsed(machine: string, disk: UdiskRecord): Promise<boolean>;
  /** Takes up the work that a snapshot was made in the middle of. */
  resume(): void;
}

export function createUdiskWorks({ state, caller }: WorkPlace<UdiskState, UdiskWorld, unknown>): UdiskWorks {
  return { disks: createDisks(state, caller), snapshots: createSnapshots(state, caller) };
}

function createDisks(state: UdiskState, caller: WorldCaller<UdiskWorld>): Disks {
  const { world, queue, latencyOf } = caller;

  /** One piece of work on a disk; what the world fails at is written on it. */
  async function perform({ disk, doing, work, failed }: DiskWork): Promise<void> {
    try {
      await queue.add(disk.id, work);
      disk.trouble = undefined;
      caller.note({ doing, disk: disk.id });
    } catch (e) {
      if (e === caller.closing.reason) return;
      disk.trouble = `${doing}: ${messageOf(e)}`;
      failed();
      caller.note({ doing, disk: disk.id, error: messageOf(e) });
    }
  }

  function make(disk: UdiskRecord): void {
    const work = async (): Promise<void> => {
      const { id, sizeGib, copyOf } = disk;
      await lasting(copyOf === undefined ? latencies.make : latencies.copy, caller, () =>
        world.makeDisk({ id, sizeGib, copyOf }),
      );
      disk.at = 'ready';
    };
    void perform({ disk, doing: 'makeDisk', work, failed: () => (disk.at = 'failed') });
    for (const attachment of disk.attachments) attach(disk, attachment);
  }

  function attach(disk: UdiskRecord, attachment: AttachmentRecord): void {
    const { machine } = attachment;
    const work = async (): Promise<void> => {
      if (disk.at !== 'ready') throw new Error('the disk was not made');
      await caller.wait(latencyOf(latencies.attach));
      // Asked after the wait: a fault is planted in the record when the call is answered.
      const isLate = attachment.showsAfter > 0;
      if (isLate) {
        attachment.at = 'attached';
        caller.note({ doing: 'attachLate', disk: disk.id, machine });
        await caller.wait(ms(attachment.showsAfter));
      }
      await world.plugDisk(machine, { id: disk.id, device: attachment.shownAs });
      attachment.at = 'attached';
    };
    void perform({ disk, doing: 'attachDisk', work, failed: () => leaveMachine(disk, attachment) });
  }

  function detach(disk: UdiskRecord, attachment: AttachmentRecord): void {
    const { machine } = attachment;
    const work = async (): Promise<void> => {
      await caller.wait(latencyOf(latencies.detach));
      await caller.wait(ms(attachment.staysFor));
      if ((await world.unplugDisk(machine, disk.id)) === 'in-use') throw new Error(`${machine} uses it`);
      leaveMachine(disk, attachment);
      if (attachment.afterwards === 'keep') return;
      if (attachment.afterwards === 'delete-with-service') removeService(disk.id);
      remove(disk);
    };
    const failed = (): void => {
      attachment.at = 'attached';
      attachment.afterwards = 'keep';
    };
    void perform({ disk, doing: 'detachDisk', work, failed });
  }

  function removeService(disk: string): void {
    state.snapshotServices.splice(
      0,
      state.snapshotServices.length,
      ...state.snapshotServices.filter((service) => service.disk !== disk),
    );
  }

  function remove(disk: UdiskRecord): void {
    const at = state.udisks.indexOf(disk);
    if (at >= 0) state.udisks.splice(at, 1);
    void perform({ disk, doing: 'removeDisk', work: () => world.removeDisk(disk.id), failed: () => undefined });
  }

  function grow(disk: UdiskRecord): void {
    const work = async (): Promise<void> => {
      const sizeGib = disk.growsTo ?? disk.sizeGib;
      await lasting(latencies.grow, caller, () => world.growDisk(disk.id, sizeGib));
      disk.sizeGib = sizeGib;
      disk.growsTo = undefined;
    };
    void perform({ disk, doing: 'growDisk', work, failed: () => (disk.growsTo = undefined) });
  }

  function restore(disk: UdiskRecord): void {
    const work = async (): Promise<void> => {
      const { restoresTo } = disk;
      if (restoresTo !== undefined)
        await lasting(latencies.restore, caller, () => world.restoreDisk(disk.id, restoresTo));
      disk.at = 'ready';
      disk.restoresTo = undefined;
    };
    const failed = (): void => {
      disk.at = 'restore-failed';
      disk.restoresTo = undefined;
    };
    void perform({ disk, doing: 'restoreDisk', work, failed });
  }

  async function leave(machine: string, what: 'keep' | 'release'): Promise<void> {
    await Promise.all(
      attachmentsIn(machine, state.udisks).map(async ({ disk, attachment }) => {
        const work = async (): Promise<void> => {
          if ((await world.unplugDisk(machine, disk.id)) === 'in-use') throw new Error(`${machine} uses it`);
        };
        await perform({ disk, doing: 'leaveMachine', work, failed: () => undefined });
        leaveMachine(disk, attachment);
        if (what === 'release' && disk.attachments.length === 0) remove(disk);
      }),
    );
  }

  return {
    make,
    grow,
    restore,
    attach,
    detach,
    remove,
    leave,
    areUsed: (machine, { id }) => world.usesDisk(machine, id),
    async install(machine) {
      for (const { disk, attachment } of attachmentsIn(machine, state.udisks)) {
        await world.makeDisk({ id: disk.id, sizeGib: disk.sizeGib, copyOf: undefined });
        await world.plugDisk(machine, { id: disk.id, device: attachment.shownAs });
      }
    },
    resume() {
      for (const disk of state.udisks) {
        if (disk.at === 'making') {
          make(disk);
          continue;
        }
        if (disk.at === 'restoring') restore(disk);
        if (disk.growsTo !== undefined) grow(disk);
        for (const attachment of disk.attachments) {
          if (attachment.at === 'attaching') attach(disk, attachment);
          if (attachment.at === 'detaching') detach(disk, attachment);
        }
      }
    },
  };
}

interface DiskWork {
  readonly disk: UdiskRecord;
  readonly doing: string;
  readonly work: () => Promise<void>;
  readonly failed: () => void;
}

function leaveMachine(disk: UdiskRecord, attachment: AttachmentRecord): void {
  disk.attachments = disk.attachments.filter((one) => one !== attachment);
}
