import { type Ms, ms } from '#unit/clock.ts';
import type { Latency } from './latency.ts';
import type { WorkQueue } from './work-queue.ts';

/** What the loops behind the API need: the world, order, time, and somewhere to say what went wrong. */
export interface WorldCaller<World> {
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

/** Something that the cloud did to the world, or failed to do, with the ids of what it is about: `machine`, `nic`, `ip`. */
export interface WorldNote {
  readonly doing: string;
  readonly error?: string;
  readonly [about: string]: string;
}

/** Work that ends no sooner than the cloud would. */
export async function lasting(what: Latency, caller: WorldCaller<unknown>, work: () => Promise<void>): Promise<void> {
  const end = caller.now() + caller.latencyOf(what);
  await work();
  await caller.wait(ms(Math.max(0, end - caller.now())));
}
