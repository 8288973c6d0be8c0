import { messageOf } from '#unit/message-of.ts';
import { lasting, type WorldCaller } from '../engine/world-caller.ts';
import type { WorkPlace } from '../gateway/product.ts';
import { latencies } from './latency.ts';
import type { MountPointRecord, ShareRecord, UfsState } from './state.ts';
import type { UfsWorld } from './world.ts';

/** What file systems do to the world. */
export type UfsWorks = {
  readonly shares: Shares;
};

export interface Shares {
  make(share: ShareRecord): void;
  /** Forgets it at once; its files are removed a little later. */
  remove(share: ShareRecord): void;
  open(share: ShareRecord, at: MountPointRecord): void;
  close(share: ShareRecord, at: MountPointRecord): void;
  /** @unit GiB that its files take, the last one begun counted whole */
  usedGib(share: ShareRecord): Promise<number>;
  /** Takes up the work that a snapshot was made in the middle of. */
  resume(): void;
}

export function createUfsWorks({ state, caller }: WorkPlace<UfsState, UfsWorld, unknown>): UfsWorks {
  return { shares: createShares(state, caller) };
}

function createShares(state: UfsState, caller: WorldCaller<UfsWorld>): Shares {
  const { world, queue, note } = caller;

  async function perform(share: ShareRecord, doing: string, work: () => Promise<void>): Promise<void> {
    try {
      await queue.add(share.id, work);
      share.trouble = undefined;
      note({ doing, share: share.id });
    } catch (e) {
      if (e === caller.closing.reason) return;
      share.trouble = `${doing}: ${messageOf(e)}`;
      if (share.at === 'making') share.at = 'failed';
      note({ doing, share: share.id, error: messageOf(e) });
    }
  }

  function make(share: ShareRecord): void {
    void perform(share, 'makeShare', async () => {
      await lasting(latencies.make, caller, () => world.makeShare(share.id));
      share.at = 'ready';
    });
  }

  function open(share: ShareRecord, at: MountPointRecord): void {
    void perform(share, 'openMountPoint', async () => {
      await lasting(latencies.open, caller, () => world.openMountPoint(share.id, at.ip));
      at.at = 'open';
    });
  }

  function close(share: ShareRecord, at: MountPointRecord): void {
    void perform(share, 'closeMountPoint', async () => {
      await lasting(latencies.close, caller, () => world.closeMountPoint(share.id, at.ip));
      share.mountPoints = share.mountPoints.filter((one) => one !== at);
    });
  }

  return {
    make,
    open,
    close,
    remove(share) {
      state.shares.splice(state.shares.indexOf(share), 1);
      void perform(share, 'removeShare', () => world.removeShare(share.id));
    },
    usedGib: async (share) => (share.at === 'ready' ? Math.ceil((await world.shareUsage(share.id)) / 2 ** 30) : 0),
    resume() {
      for (const share of state.shares) {
        if (share.at === 'making') make(share);
        for (const at of share.mountPoints) {
          if (at.at === 'opening') open(share, at);
          if (at.at === 'closing') close(share, at);
        }
      }
    },
  };
}
