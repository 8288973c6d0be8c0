import { ms, sleep } from '#unit/clock.ts';
import type { Clock } from './ucloud.ts';

/** The computer's time, with a hand that can be held: while it stands no wait of the cloud ends, however busy the computer is. */
export interface TestClock extends Clock {
  stand(): void;
  go(): void;
}

export function createTestClock(): TestClock {
  let stoodAt: number | undefined;
  let lost = 0;
  let moving = Promise.withResolvers<void>();
  moving.resolve();
  const now = (): number => stoodAt ?? Date.now() - lost;
  return {
    now,
    async sleep(span, signal) {
      const end = now() + span;
      // A wait that began before the clock stood comes back here when its time is over by the computer's clock.
      while (now() < end) {
        await orAborted(moving.promise, signal);
        await sleep(ms(Math.max(0, end - now())), signal);
      }
    },
    stand() {
      stoodAt = now();
      moving = Promise.withResolvers<void>();
    },
    go() {
      lost = Date.now() - now();
      stoodAt = undefined;
      moving.resolve();
    },
  };
}

function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    void promise.then(resolve);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
