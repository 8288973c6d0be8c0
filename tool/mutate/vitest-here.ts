/**
 * The part of vitest that tests of decisions need, without its runner: tests are only collected. in-one-process.ts gives this to test files in
 * the place of `vitest`, and leaves those to vitest itself that import more of it than is here.
 */
import type * as vitest from 'vitest';

// Not by its name: that leads back here. Its assertions work outside of its runner.
const real = (await import(import.meta.resolve('vitest'))) as typeof vitest;
export const { expect, assert } = real;

type Body = () => unknown;
export interface Collected {
  readonly title: string;
  /** With what comes before and after each test. */
  readonly run: () => Promise<void>;
}

let collected: Collected[] = [];
let around: { readonly before: readonly Body[]; readonly after: readonly Body[]; readonly titles: readonly string[] };
let first: Body[] = [];

/** Forgets the tests so far. */
export function startCollecting(): void {
  collected = [];
  first = [];
  startFile();
}

/** What one file has to be done around its tests is not done around those of the next. */
export function startFile(): void {
  around = { before: [], after: [], titles: [] };
}

/** The tests since then, and what is to be done once before them. */
export function endCollecting(): { readonly tests: readonly Collected[]; readonly first: readonly Body[] } {
  return { tests: collected, first };
}

function addTest(title: string, body: Body): void {
  const { before, after, titles } = around;
  const run = async (): Promise<void> => {
    for (const one of before) await one();
    try {
      await body();
    } finally {
      for (const one of after) await one();
    }
  };
  collected.push({ title: [...titles, title].join(' '), run });
}

/** A title, and the body with or without options, of which a time limit is no matter here. */
export const test = Object.assign((title: string, ...rest: readonly unknown[]): void => addTest(title, bodyOf(rest)), {
  each:
    (rows: readonly unknown[]) =>
    (title: string, ...rest: readonly unknown[]): void => {
      const body = bodyOf(rest) as (...row: readonly unknown[]) => unknown;
      for (const row of rows) addTest(title, () => body(...(Array.isArray(row) ? row : [row])));
    },
});

export function describe(title: string, ...rest: readonly unknown[]): void {
  const outside = around;
  around = { ...around, titles: [...around.titles, title] };
  bodyOf(rest)();
  around = outside;
}

export function beforeEach(body: Body): void {
  around = { ...around, before: [...around.before, body] };
}

export function afterEach(body: Body): void {
  around = { ...around, after: [...around.after, body] };
}

export function beforeAll(body: Body): void {
  first.push(body);
}

function bodyOf(rest: readonly unknown[]): Body {
  const body = rest.find((one) => typeof one === 'function');
  if (body === undefined) throw new Error('a test without a body');
  return body as Body;
}
