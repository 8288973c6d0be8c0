import { messageOf } from '#unit/message-of.ts';
import { lasting, type WorldCaller } from '../engine/world-caller.ts';
import { latencies } from './latency.ts';
import type { SnapshotRecord, UdiskState } from './state.ts';
import type { UdiskWorld } from './world.ts';

/** The snapshots' side of the world: each is a copy of a disk as it was when the call was answered. */
export interface Snapshots {
  make(snapshot: SnapshotRecord): void;
  /** Forgets a snapshot at once; its bytes are removed a little later. */
  remove(snapshot: SnapshotRecord): void;
  /** Takes up the work that a snapshot was made in the middle of. */
  resume(): void;
}

export function createSnapshots(state: UdiskState, caller: WorldCaller<UdiskWorld>): Snapshots {
  const { world, queue, note } = caller;

  /** In the disk's own queue: nothing else is done to the disk meanwhile. */
  async function make(snapshot: SnapshotRecord): Promise<void> {
    const { id, disk } = snapshot;
    try {
      await queue.add(disk, () => lasting(latencies.snapshot, caller, () => world.makeSnapshot(id, disk)));
      snapshot.at = 'Normal';
      note({ doing: 'makeSnapshot', disk, snapshot: id });
    } catch (e) {
      if (e === caller.closing.reason) return;
      snapshot.at = 'Failed';
      snapshot.trouble = messageOf(e);
      note({ doing: 'makeSnapshot', disk, snapshot: id, error: messageOf(e) });
    }
  }

  async function remove({ id }: SnapshotRecord): Promise<void> {
    try {
      await queue.add(id, () => world.removeSnapshot(id));
      note({ doing: 'removeSnapshot', snapshot: id });
    } catch (e) {
      note({ doing: 'removeSnapshot', snapshot: id, error: messageOf(e) });
    }
  }

  return {
    make: (snapshot) => void make(snapshot),
    remove(snapshot) {
      state.snapshots.splice(state.snapshots.indexOf(snapshot), 1);
      void remove(snapshot);
    },
    resume() {
      for (const snapshot of state.snapshots) if (snapshot.at === 'Creating') void make(snapshot);
    },
  };
}
