import { type Ms, ms, sleep } from '#unit/clock.ts';
import type { Deadline } from './deadline.ts';

/**
 * Who goes first when many wait. `addresses`: pods wait for them. `changes`: machines that are made, started and removed.
 * `audits`: what is looked at to be sure, and can be looked at later.
 */
export type Priority = 'addresses' | 'changes' | 'audits';

/** What every call to one cloud passes through: so many at once, and a rest for all when the cloud asks for one. */
export interface Limiter {
  /** @shape gives the turn back when called; `undefined` if the turn did not come before the deadline */
  turn(priority: Priority, deadline: Deadline): Promise<(() => void) | undefined>;
  /** No call starts before this span is over. */
  rest(span: Ms): void;
}

/**
 * Each priority leaves a turn free for those before it, because a call that runs can take a minute: with four at once,
 * changes have three of them at most and audits two. Of those who wait the first in rank goes first, and of one rank who
 * came first.
 */
export function limiter(atOnce: number): Limiter {
  let free = atOnce;
  let restUntil = 0;
  const queues: Readonly<Record<Priority, (() => void)[]>> = { addresses: [], changes: [], audits: [] };

  /** At least one of each kind may run, or it would wait for ever. */
  const mayStart = (priority: Priority): boolean => free > Math.min(kept[priority], atOnce - 1);

  function startNext(): void {
    for (const priority of ranks)
      while (mayStart(priority)) {
        const next = queues[priority].shift();
        if (next === undefined) break;
        free--;
        next();
      }
  }

  function giveBack(): void {
    free++;
    startNext();
  }

  async function slot(priority: Priority, within: Ms): Promise<boolean> {
    return new Promise((resolve) => {
      const queue = queues[priority];
      const granted = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        queue.splice(queue.indexOf(granted), 1);
        resolve(false);
      }, within);
      queue.push(granted);
      startNext();
    });
  }

  async function rested(deadline: Deadline): Promise<boolean> {
    // Asked again after each wait: another call may have prolonged the rest meanwhile.
    for (let wait = restUntil - performance.now(); wait > 0; wait = restUntil - performance.now()) {
      if (wait >= deadline.left()) return false;
      await sleep(ms(wait));
    }
    return deadline.left() > 0;
  }

  return {
    async turn(priority, deadline) {
      if (!(await slot(priority, deadline.left()))) return undefined;
      if (await rested(deadline)) return giveBack;
      giveBack();
      return undefined;
    },
    rest(span) {
      restUntil = Math.max(restUntil, performance.now() + span);
    },
  };
}

const ranks = ['addresses', 'changes', 'audits'] as const;
/** Turns that are left free for those before. */
const kept: Readonly<Record<Priority, number>> = { addresses: 0, changes: 1, audits: 2 };
