/** Work in order per key: one piece at a time, in the order it was given. */
export interface WorkQueue {
  /** @fails as `work` does; what comes after it runs all the same */
  add<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Resolves when everything given so far has ended, well or badly. */
  idle(): Promise<void>;
}

export function createWorkQueue(): WorkQueue {
  const tails = new Map<string, Promise<unknown>>();
  return {
    add(key, work) {
      const before = tails.get(key) ?? Promise.resolve();
      const mine = before.then(work);
      // The tail never rejects: a failure belongs to its caller, not to the next in line.
      const tail = mine.then(nothing, nothing).then(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
      tails.set(key, tail);
      return mine;
    },
    async idle() {
      while (tails.size > 0) await Promise.all(tails.values());
    },
  };
}

function nothing(): void {}
