import { type Ms, sleep } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import type { CloudResult } from '../failure.ts';
import { type Deadline, shareOf } from './wire/deadline.ts';

/** So often the cloud is looked at where its answers leave in doubt whether something is there. */
export const looksAtDoubt = 5;

/**
 * One thing for one wish. No create of UCloud takes a token: the thing is looked for before, and again after an answer that was
 * lost, because it may appear in the lists some seconds later; the request itself is never sent a second time.
 * @unit look: what is there of this wish; ask: the request; sight: the thing as the cloud shows it after its answer
 */
export async function makeOnce<Answer, T>(
  {
    look,
    ask,
    sight,
    poll,
  }: {
    readonly look: () => Promise<CloudResult<T | undefined>>;
    readonly ask: (deadline: Deadline) => Promise<CloudResult<Answer>>;
    readonly sight: (answer: Answer) => CloudResult<T> | Promise<CloudResult<T>>;
    /** Pause between two looks. */
    readonly poll: Ms;
  },
  deadline: Deadline,
): Promise<CloudResult<T>> {
  const before = await look();
  if (!before.ok) return before;
  if (before.value !== undefined) return ok(before.value);
  // A lost answer must leave time to look.
  const answer = await ask(shareOf(deadline, 0.7));
  if (answer.ok) return sight(answer.value);
  // What is in its way may be what an earlier request has made.
  if (answer.failure.kind !== 'unknown' && answer.failure.kind !== 'inUse') return answer;
  for (let looks = 0; looks < looksAtDoubt && deadline.left() > poll; looks++) {
    await sleep(poll);
    const seen = await look();
    if (seen.ok && seen.value !== undefined) return ok(seen.value);
    if (!seen.ok && seen.failure.kind === 'inUse') return seen;
  }
  return fail(answer.failure);
}

/**
 * Whether what was asked for came to be, although its answer was no success: an earlier request may have done it, or this one did and its answer
 * was lost, and lists show it some seconds later.
 */
export async function cameToBe(isSo: () => Promise<boolean>, poll: Ms, deadline: Deadline): Promise<boolean> {
  for (let looks = 1; ; looks++) {
    if (await isSo()) return true;
    if (looks === looksAtDoubt || deadline.left() <= poll) return false;
    await sleep(poll);
  }
}

/** Two wishes for one thing in this process must not both find nothing and both create: the later one shares the answer. */
export function oneAtATime(): <T>(key: string, ask: () => Promise<T>) => Promise<T> {
  const running = new Map<string, Promise<unknown>>();
  return async <T>(key: string, ask: () => Promise<T>) => {
    const begun = running.get(key) ?? ask().finally(() => running.delete(key));
    running.set(key, begun);
    return begun as Promise<T>;
  };
}
