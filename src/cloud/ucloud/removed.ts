import { type Ms, uptime } from '#unit/clock.ts';
import type { CloudResult } from '../failure.ts';

/**
 * What this process has removed, for as long as a list may still show it: whoever looks for something to adopt must not find what is gone.
 * After a restart nothing is known here, and the caller waits for the lists before it asks for anything.
 */
export interface Removed {
  has(id: string): boolean;
  /** @unit removing: the call that removes it; only one that was taken counts */
  note(id: string, removing: Promise<CloudResult<void>>): Promise<CloudResult<void>>;
}

/** @unit lag: how late lists may be */
export function rememberRemoved(lag: Ms): Removed {
  const until = new Map<string, number>();
  return {
    has: (id) => (until.get(id) ?? 0) > uptime(),
    async note(id, removing) {
      const answer = await removing;
      for (const [one, end] of until) if (end <= uptime()) until.delete(one);
      if (answer.ok) until.set(id, uptime() + lag);
      return answer;
    },
  };
}
