import { type Ms, ms, sleep } from '#unit/clock.ts';

/**
 * One look for all who ask for one before it begins: each gets an answer that is younger than its question. Looks begin `every` apart at
 * least, and one at a time, so that a thousand who wait cost as many calls as one.
 */
export function sharedLook<T>(look: () => Promise<T>, every: Ms): () => Promise<T> {
  let next: Promise<T> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let begunAt = Number.NEGATIVE_INFINITY;

  async function begin(): Promise<T> {
    await last;
    const rest = begunAt + every - performance.now();
    if (rest > 0) await sleep(ms(rest));
    begunAt = performance.now();
    // Who asks from now on must not be told what was before.
    next = undefined;
    const answer = look();
    last = answer.catch(() => undefined);
    return answer;
  }

  return () => (next ??= begin());
}

/** The answer, or `undefined` if there is none by then: what many share may outlast the limit of one. */
export async function answerWithin<T>(asked: Promise<T>, within: Ms): Promise<T | undefined> {
  const answered = new AbortController();
  const late = sleep(within, answered.signal).catch(() => undefined);
  try {
    return (await Promise.race([asked, late])) as T | undefined;
  } finally {
    answered.abort();
  }
}
