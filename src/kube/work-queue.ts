import { type Ms, minutes, ms } from '#unit/clock.ts';
import { type Backoff, planBackoff } from './plan-backoff.ts';

export interface WorkQueueOptions {
  /** Brings one key's part of the world to what it should be; with `again` it is called once more after that time. */
  readonly tend: (key: string) => Promise<void | { readonly again: Ms }>;
  /** How many keys at a time; one unless told. */
  readonly workers?: number;
  /** Hears of every failure of `tend`, and when the key is tried again. Must not throw. */
  readonly onError: (
    error: unknown,
    about: { readonly key: string; readonly failures: number; readonly wait: Ms },
  ) => void;
  /** From 200 ms to 1 min unless told. */
  readonly backoff?: Backoff;
}

export interface WorkQueue {
  /**
   * Asks for a key to be tended, as soon as a worker is free, whatever it waits for. A key that waits already is not doubled;
   * one that is being tended is tended once more afterwards.
   */
  add(key: string): void;
  /** Starts nothing more; resolves when what is being tended has ended. */
  stop(): Promise<void>;
}

/** Tends keys, each by one worker at a time; a failed key comes back after a growing wait until it succeeds. */
export function workQueue({ tend, workers = 1, onError, backoff = patient }: WorkQueueOptions): WorkQueue {
  const ready = new Set<string>();
  const working = new Map<string, Promise<void>>();
  const later = new Map<string, NodeJS.Timeout>();
  const failures = new Map<string, number>();
  let stopped = false;

  const add = (key: string): void => {
    if (stopped) return;
    clearTimeout(later.get(key));
    later.delete(key);
    ready.add(key);
    // Not here: the caller of add must be done first, and may add the same key again.
    queueMicrotask(startNext);
  };

  const startNext = (): void => {
    for (const key of ready) {
      if (working.size >= workers) return;
      if (working.has(key)) continue;
      ready.delete(key);
      working.set(key, work(key));
    }
  };

  const work = async (key: string): Promise<void> => {
    const wait = await attempt(key);
    working.delete(key);
    if (stopped) return;
    // An add that came meanwhile knows more than our own wish to come back.
    if (wait !== undefined && !ready.has(key))
      later.set(
        key,
        setTimeout(() => add(key), Math.min(wait, longestTimer)),
      );
    startNext();
  };

  /** How long until the key wants to be tended again; `undefined` when it is as it should be. */
  const attempt = async (key: string): Promise<Ms | undefined> => {
    try {
      const wish = await tend(key);
      failures.delete(key);
      return wish?.again;
    } catch (error) {
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      const wait = planBackoff(count, backoff, Math.random());
      onError(error, { key, failures: count, wait });
      return wait;
    }
  };

  return {
    add,
    async stop() {
      stopped = true;
      for (const timer of later.values()) clearTimeout(timer);
      ready.clear();
      await Promise.all(working.values());
    },
  };
}

const patient = { first: ms(200), most: minutes(1) };
/** What a timer of Node can hold; a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1;
