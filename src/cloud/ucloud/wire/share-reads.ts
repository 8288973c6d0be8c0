import type { Deadline } from './deadline.ts';

/** One read that has not been sent yet, for all who ask for the same until it is. */
interface Waiting {
  readonly deadline: Deadline;
  readonly answer: Promise<unknown>;
}

/**
 * Reads that wait for their turn and ask for the same become one: it is sent after each of them asked, so all may believe its answer.
 * Many Services that are made at once look for what is there by few lists.
 */
export interface SharedReads {
  /**
   * @unit key: the same for reads that ask for the same, in the same rank; send: asks, and calls `sent` when its turn has come
   * @shape as `send`; `undefined` if no turn came before the deadline
   */
  ask<A>(key: string, deadline: Deadline, send: (sent: () => void) => Promise<A | undefined>): Promise<A | undefined>;
}

export function shareReads(): SharedReads {
  const waiting = new Map<string, Waiting>();
  return {
    async ask<A>(key: string, deadline: Deadline, send: (sent: () => void) => Promise<A | undefined>) {
      // One that may take longer than we have is not waited for.
      for (let there = waiting.get(key); there !== undefined && there.deadline.left() <= deadline.left(); ) {
        const answer = await there.answer;
        if (answer !== undefined) return answer as A;
        there = waiting.get(key);
      }
      const forget = (): void => {
        if (waiting.get(key)?.deadline === deadline) waiting.delete(key);
      };
      const answer = send(forget);
      if (!waiting.has(key)) waiting.set(key, { deadline, answer });
      return answer.finally(forget);
    },
  };
}
