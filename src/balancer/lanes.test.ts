import { expect, test } from 'vitest';
import { Lanes } from './lanes.ts';

/** What is under way until it is ended. */
function work(lanes: Lanes, told: string[]) {
  const ends = new Map<string, () => void>();
  return {
    begin: (kind: string, name: string) =>
      lanes.through(kind, async (hasWaited) => {
        told.push(`${name}${hasWaited ? ' after waiting' : ''}`);
        await new Promise<void>((resolve) => ends.set(name, resolve));
      }),
    end: (name: string) => ends.get(name)?.(),
  };
}

test('two of a kind go at once, the third after the first, and it hears that it has waited', async () => {
  const told: string[] = [];
  const { begin, end } = work(new Lanes(2), told);
  const first = begin('drop', 'a');
  for (const name of ['b', 'c', 'd']) void begin('drop', name);
  expect(told).toEqual(['a', 'b']);
  end('a');
  await first;
  expect(told).toEqual(['a', 'b', 'c after waiting']);
});

test('one kind does not wait for another', async () => {
  const told: string[] = [];
  const { begin } = work(new Lanes(1), told);
  for (const kind of ['drop', 'add']) void begin(kind, kind);
  expect(told).toEqual(['drop', 'add']);
});

test('whoever comes when a place becomes free is behind those who wait', async () => {
  const told: string[] = [];
  const { begin, end } = work(new Lanes(1), told);
  const first = begin('drop', 'a');
  void begin('drop', 'b');
  end('a');
  void first.then(() => begin('drop', 'c'));
  await first;
  await Promise.resolve();
  expect(told).toEqual(['a', 'b after waiting']);
});

test('a failure makes room', async () => {
  const lanes = new Lanes(1);
  await expect(lanes.through('drop', () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
  expect(await lanes.through('drop', (hasWaited) => Promise.resolve(hasWaited))).toBe(false);
});
