import { formatMs, type Ms } from '#unit/clock.ts';

export interface Bounds {
  readonly within: Ms;
  readonly signal?: AbortSignal | undefined;
  /** What is said when the time is over; `not done within 2.0 s` unless told. */
  readonly late?: string;
  /** The error of work that is given up. */
  readonly fault: (why: string) => Error;
}

export interface Settle<T> {
  done(this: void, value: T): void;
  fail(this: void, error: Error): void;
}

/**
 * Work that settles by itself, or is given up when its time is over or its signal is aborted. It does not begin when that is
 * aborted already.
 * @shape begin starts the work and gives back what gives it up; that hears the fault, and must bring the work to settle
 */
export async function bounded<T>(bounds: Bounds, begin: (settle: Settle<T>) => (fault: Error) => void): Promise<T> {
  const { within, signal, late = `not done within ${formatMs(within)}`, fault } = bounds;
  if (signal?.aborted) throw fault('interrupted');
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const giveUp = begin({ done: resolve, fail: reject });
  const interrupt = (): void => giveUp(fault('interrupted'));
  const limit = setTimeout(() => giveUp(fault(late)), within);
  signal?.addEventListener('abort', interrupt, { once: true });
  return promise.finally(() => {
    clearTimeout(limit);
    signal?.removeEventListener('abort', interrupt);
  });
}
