import { messageOf } from './message-of.ts';

declare const msBrand: unique symbol;
/** A length of time in milliseconds. */
export type Ms = number & { readonly [msBrand]: true };
declare const sinceBootBrand: unique symbol;
/** A point in time by the kernel's clock that nobody sets: milliseconds since the computer was started. */
export type SinceBoot = number & { readonly [sinceBootBrand]: true };
declare const instantBrand: unique symbol;
/** A point in time: milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number & { readonly [instantBrand]: true };

export const ms = (n: number): Ms => n as Ms;
export const seconds = (n: number): Ms => (n * 1000) as Ms;
export const minutes = (n: number): Ms => (n * 60_000) as Ms;
export const hours = (n: number): Ms => (n * 3_600_000) as Ms;
export const now = (): Instant => Date.now() as Instant;
/** How long this process has lived: for spans that a correction of the computer's clock must not stretch. */
export const uptime = (): Ms => performance.now() as Ms;

/**
 * For what one process writes down and the next one reads: the same for all processes, and no correction of the computer's clock
 * moves it. After a restart of the computer it begins anew.
 */
export const sinceBoot = (): SinceBoot => Math.floor(Number(process.hrtime.bigint()) / 1e6) as SinceBoot;

/** `850 ms`, `12.3 s`, `2 min 05 s`: for people. */
export function formatMs(span: Ms): string {
  if (span < 1000) return `${Math.round(span)} ms`;
  if (span < 60_000) return `${(span / 1000).toFixed(1)} s`;
  const whole = Math.round(span / 1000);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

/**
 * Waits on the global `setTimeout`, so that a test's clock moves it.
 * @fails rejects with the signal's reason when it is aborted
 */
export function sleep(span: Ms, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const done = (): void => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    };
    const timer = setTimeout(done, span);
    const aborted = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

/** Resolves when the signal is aborted. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A wait that came to its end: says what was waited for, for how long, and what was seen last. */
export class WaitedTooLong extends Error {
  constructor(what: string, within: Ms, last: string) {
    super(`waited ${formatMs(within)} for ${what}${last ? `; last seen: ${last}` : ''}`);
    this.name = 'WaitedTooLong';
  }
}

/**
 * Asks again and again until `look` gives a value. An error thrown by `look` counts as "not yet" and is told if time runs out.
 * @unit within: the whole wait; every: pause between looks
 * @fails WaitedTooLong, with what was seen last
 */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  { within, every = ms(250), signal }: { within: Ms; every?: Ms; signal?: AbortSignal },
): Promise<T> {
  const end = performance.now() + within;
  let last = '';
  for (;;) {
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value;
    } catch (e) {
      last = messageOf(e);
    }
    if (performance.now() >= end) throw new WaitedTooLong(what, within, last);
    await sleep(every, signal);
  }
}
