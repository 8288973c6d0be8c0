import { type Ms, ms, sleep } from '#unit/clock.ts';
import type { Deadline } from './deadline.ts';

/** What every call to one cloud passes through: so many at once, and a rest for all when the cloud asks for one. */
export interface Limiter {
  /** @shape gives the turn back when called; `undefined` if the turn did not come before the deadline */
  turn(deadline: Deadline): Promise<(() => void) | undefined>;
  /** No call starts before this span is over. */
  rest(span: Ms): void;
}

export function limiter(atOnce: number): Limiter {
  let free = atOnce;
  let restUntil = 0;
  const queue: (() => void)[] = [];

  function giveBack(): void {
    const next = queue.shift();
    if (next === undefined) free++;
    else next();
  }

  async function slot(within: Ms): Promise<boolean> {
    if (free > 0) {
      free--;
      return true;
    }
    return new Promise((resolve) => {
      const granted = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        queue.splice(queue.indexOf(granted), 1);
        resolve(false);
      }, within);
      queue.push(granted);
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
    async turn(deadline) {
      if (!(await slot(deadline.left()))) return undefined;
      if (await rested(deadline)) return giveBack;
      giveBack();
      return undefined;
    },
    rest(span) {
      restUntil = Math.max(restUntil, performance.now() + span);
    },
  };
}
