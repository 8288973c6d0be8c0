import { type Ms, ms } from '#unit/clock.ts';
import type { World } from '../world.ts';
import type { Latency } from './latency.ts';
import type { WorkQueue } from './work-queue.ts';

/** What the loops behind the API need: the world, order, time, and somewhere to say what went wrong. */
export interface WorldCaller {
  readonly world: World;
  readonly queue: WorkQueue;
  /** Draws the latency. */
  readonly latencyOf: (what: Latency) => Ms;
  /** @fails with the reason of `closing` when the cloud is closed meanwhile */
  readonly wait: (span: Ms) => Promise<void>;
  readonly closing: AbortSignal;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly note: (entry: WorldNote) => void;
}

/** Something that the cloud did to the world, or failed to do. */
export interface WorldNote {
  readonly doing: string;
  /** Its id, or that of the interface whose address it is about. */
  readonly machine?: string;
  readonly nic?: string;
  readonly image?: string;
  readonly ip?: string;
  readonly error?: string;
}

/** Work that ends no sooner than the cloud would. */
export async function lasting(what: Latency, caller: WorldCaller, work: () => Promise<void>): Promise<void> {
  const end = caller.now() + caller.latencyOf(what);
  await work();
  await caller.wait(ms(Math.max(0, end - caller.now())));
}
