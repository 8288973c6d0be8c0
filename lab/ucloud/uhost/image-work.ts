import { messageOf } from '#unit/message-of.ts';
import type { WorldCaller } from '../engine/world-caller.ts';
import type { Placed } from '../vpc/state.ts';
import { latencies } from './latency.ts';
import type { ImageRecord } from './state.ts';
import type { UhostWorld } from './world.ts';

/** The images' side of the world: each is a copy of a machine's disk. */
export interface Images {
  /** Begins to copy the disk of the machine that a record names. */
  make(record: ImageRecord): void;
  /** Forgets an image; machines that were made from it have a disk of their own. */
  remove(record: ImageRecord): void;
  /** Takes up the work that a snapshot was made in the middle of. */
  resume(): void;
}

export function createImages(state: Placed, caller: WorldCaller<UhostWorld>): Images {
  return {
    make: (record) => void make(record, caller),
    remove: (record) => {
      state.images.splice(state.images.indexOf(record), 1);
      void remove(record.id, caller);
    },
    resume() {
      for (const record of state.images) if (record.at === 'Making') void make(record, caller);
    },
  };
}

async function make(record: ImageRecord, caller: WorldCaller<UhostWorld>): Promise<void> {
  const machine = record.madeOf ?? '';
  try {
    // In the machine's own queue: a start that is asked for meanwhile waits until its disk is copied.
    await caller.queue.add(machine, async () => {
      await caller.wait(caller.latencyOf(latencies.makeImage));
      await caller.world.makeImage(machine, record.id);
    });
    record.at = 'Available';
    caller.note({ doing: 'makeImage', machine, image: record.id });
  } catch (e) {
    if (e === caller.closing.reason) return;
    record.at = 'Unavailable';
    record.trouble = messageOf(e);
    caller.note({ doing: 'makeImage', machine, image: record.id, error: messageOf(e) });
  }
}

async function remove(image: string, { world, queue, note }: WorldCaller<UhostWorld>): Promise<void> {
  try {
    await queue.add(image, () => world.removeImage(image));
    note({ doing: 'removeImage', image });
  } catch (e) {
    note({ doing: 'removeImage', image, error: messageOf(e) });
  }
}
