import { type Ms, ms, seconds } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import type { WorldCaller } from '../engine/world-caller.ts';
import type { UnetState } from '../unet/state.ts';
import { latencies } from './latency.ts';
import type { Placed } from './state.ts';
import type { VpcWorld } from './world.ts';
import { networkOf } from './world-network.ts';

/** The network's side of the world: routes and filters become what the records say, some time after they said it. */
export interface Network {
  /** Routes or groups have changed: packets follow when the time that it takes has passed. */
  changed(what: 'routes' | 'groups'): void;
  /** Makes the world as the records are now; nothing happens where it is so already. @fails as the world does */
  apply(): Promise<void>;
  /** As `apply`; what the world fails at is noted, and tried again until it succeeds. */
  applySoon(): void;
  /** Begins with what the records say. */
  resume(): void;
}

export function createNetwork(state: Placed & UnetState, region: string, caller: WorldCaller<VpcWorld>): Network {
  let applied: string | undefined;

  function apply(): Promise<void> {
    return caller.queue.add('network', async () => {
      const wanted = networkOf(state, region);
      const text = JSON.stringify(wanted);
      if (text === applied) return;
      await caller.world.shapeNetwork(wanted);
      applied = text;
      caller.note({ doing: 'shapeNetwork' });
    });
  }

  async function applyAfter(span: Ms): Promise<void> {
    for (let next = span; ; next = untilNextTry) {
      try {
        await caller.wait(next);
      } catch (e) {
        // Closed meanwhile: the next cloud begins with what the records say.
        if (e === caller.closing.reason) return;
        throw e;
      }
      try {
        return await apply();
      } catch (e) {
        caller.note({ doing: 'shapeNetwork', error: messageOf(e) });
      }
    }
  }

  return {
    apply,
    applySoon: () => void applyAfter(ms(0)),
    resume: () => void applyAfter(ms(0)),
    changed: (what) => void applyAfter(caller.latencyOf(latencies[what])),
  };
}

const untilNextTry = seconds(1);

/** The same world, where groups as peers know every address as soon as it is carried, and an interface meets its filter with its first packet. */
export function withNetwork(world: VpcWorld, network: Network): VpcWorld {
  return {
    ...world,
    async attach(id, port) {
      await network.apply();
      await world.attach(id, port);
    },
    async giveAddress(id, ip) {
      await world.giveAddress(id, ip);
      network.applySoon();
    },
    async takeAddress(id, ip) {
      await world.takeAddress(id, ip);
      network.applySoon();
    },
  };
}
