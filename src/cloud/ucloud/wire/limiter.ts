import type { Ms } from '#unit/clock.ts';
import type { Deadline } from './deadline.ts';
import {
  lately,
  nextStart,
  type Pace,
  type PaceSeen,
  paceAfterAnswer,
  paceAfterRefusal,
  paceWhileWaiting,
} from './plan-pace.ts';

/**
 * Who goes first when many wait. `addresses`: pods wait for them. `changes`: machines that are made, started and removed.
 * `audits`: what is looked at to be sure, and can be looked at later.
 */
export type Priority = 'addresses' | 'changes' | 'audits';

/** What every call to one cloud passes through: so many at once, and of each action no more within a second than the cloud takes. */
export interface Limiter {
  /** @shape `undefined` if the turn did not come before the deadline */
  turn(action: string, priority: Priority, deadline: Deadline): Promise<Turn | undefined>;
}

export interface Turn {
  /** The call is over. @unit refused: as one too many; all calls of its action then wait for their pace */
  end(how: { readonly refused: boolean }): void;
}

/**
 * Each priority leaves a turn free for those before it, because a call that runs can take a minute: with four at once,
 * changes have three of them at most and audits two. Of those who wait, and whose action may be called, the first in rank goes
 * first, and of one rank who came first.
 * @unit pause: how long an action rests after its first refusal
 */
export function limiter(atOnce: number, pause: Ms): Limiter {
  let free = atOnce;
  let timer: NodeJS.Timeout | undefined;
  const queues: Readonly<Record<Priority, Set<Waiting>>> = {
    addresses: new Set(),
    changes: new Set(),
    audits: new Set(),
  };
  const lanes = new Map<string, Lane>();

  /** At least one of each kind may run, or it would wait for ever. */
  const mayStart = (priority: Priority): boolean => free > Math.min(kept[priority], atOnce - 1);

  function startNext(): void {
    let next = Number.POSITIVE_INFINITY;
    const at = performance.now();
    for (const priority of ranks)
      for (const waiting of queues[priority]) {
        if (!mayStart(priority)) break;
        const opens = openingOf(waiting.lane, at);
        if (opens <= at) start(priority, waiting);
        else next = Math.min(next, opens);
      }
    clearTimeout(timer);
    if (Number.isFinite(next)) timer = setTimeout(startNext, Math.ceil(next - at));
  }

  function start(priority: Priority, waiting: Waiting): void {
    queues[priority].delete(waiting);
    free--;
    waiting.lane.running++;
    waiting.granted(turnOf(waiting.lane));
  }

  function turnOf(lane: Lane): Turn {
    const sentAt = performance.now();
    return {
      end({ refused }) {
        const at = performance.now();
        free++;
        lane.running--;
        lane.ended = [...lately(lane.ended, at), ...(refused ? [] : [at])];
        lane.pace = refused
          ? paceAfterRefusal(lane.pace, seenOf(lane, at), { sentAt, pause, chance: Math.random() })
          : paceAfterAnswer(lane.pace, sentAt);
        startNext();
      },
    };
  }

  return {
    turn(action, priority, deadline) {
      const lane = lanes.get(action) ?? { running: 0, ended: [], pace: undefined };
      lanes.set(action, lane);
      return new Promise((resolve) => {
        const waiting: Waiting = {
          lane,
          granted(turn) {
            clearTimeout(tooLate);
            resolve(turn);
          },
        };
        const tooLate = setTimeout(() => {
          queues[priority].delete(waiting);
          resolve(undefined);
        }, deadline.left());
        if (deadline.left() === 0) return;
        queues[priority].add(waiting);
        startNext();
      });
    },
  };
}

/** All calls of one action. */
interface Lane {
  running: number;
  ended: readonly number[];
  pace: Pace | undefined;
}

interface Waiting {
  readonly lane: Lane;
  readonly granted: (turn: Turn) => void;
}

function seenOf({ running, ended }: Lane, at: number): PaceSeen {
  return { running, ended, at };
}

/** When a call that waits in this lane may start. */
function openingOf(lane: Lane, at: number): number {
  const opens = nextStart(lane.pace, seenOf(lane, at));
  if (lane.pace === undefined || opens <= at || lane.pace.opens > at) return opens;
  lane.pace = paceWhileWaiting(lane.pace, at);
  return nextStart(lane.pace, seenOf(lane, at));
}

const ranks = ['addresses', 'changes', 'audits'] as const;
/** Turns that are left free for those before. */
const kept: Readonly<Record<Priority, number>> = { addresses: 0, changes: 1, audits: 2 };
