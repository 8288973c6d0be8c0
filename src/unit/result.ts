/** What a call may give back when trouble is expected: the value, or the failure as a value that keeps its evidence. */
export type Result<T, F> = Ok<T> | Fail<F>;
export interface Ok<T> {
  readonly ok: true;
  readonly value: T;
}
export interface Fail<F> {
  readonly ok: false;
  readonly failure: F;
}

export function ok(): Ok<void>;
export function ok<T>(value: T): Ok<T>;
export function ok<T>(value?: T): Ok<T | undefined> {
  return { ok: true, value };
}

export function fail<F>(failure: F): Fail<F> {
  return { ok: false, failure };
}
