import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { lapsingSignal } from './lapsing-signal.ts';

// The clock alone: a process that stands still comes to no timer.
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

function lapsing(within: number) {
  const [stop, lost] = [new AbortController(), new AbortController()];
  let lapsesAt = performance.now() + within;
  const signal = lapsingSignal(
    [stop.signal, lost.signal],
    () => lapsesAt,
    () => lost.abort(new Error('too late')),
  );
  return { signal, stop, renew: (more: number) => (lapsesAt = performance.now() + more) };
}

function standStill(span: number): void {
  vi.advanceTimersByTime(span);
}

test('after standing still past its time the very first look finds it aborted, and listeners have been told', () => {
  const { signal } = lapsing(20);
  const heard: unknown[] = [];
  signal.addEventListener('abort', () => heard.push(signal.reason));
  expect(signal.aborted).toBe(false);
  standStill(40);
  expect(signal.aborted).toBe(true);
  expect(heard).toEqual([new Error('too late')]);
});

test('a check that throws gives the reason, whether time is over or somebody said stop', () => {
  const late = lapsing(20);
  standStill(40);
  expect(() => late.signal.throwIfAborted()).toThrow('too late');
  const stopped = lapsing(60_000);
  stopped.signal.throwIfAborted();
  stopped.stop.abort(new Error('enough'));
  expect(() => stopped.signal.throwIfAborted()).toThrow('enough');
});

test('a renewal in time keeps it', () => {
  const { signal, renew } = lapsing(20);
  renew(60_000);
  standStill(40);
  expect(signal.aborted).toBe(false);
});

test('a signal made from it ends with it', () => {
  const { signal } = lapsing(20);
  const both = AbortSignal.any([signal, new AbortController().signal]);
  standStill(40);
  expect(() => signal.throwIfAborted()).toThrow('too late');
  expect(both.aborted).toBe(true);
});
