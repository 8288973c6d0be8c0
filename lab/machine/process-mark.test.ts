import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { formatMark, isAlive, nameOf, observeMark, parseMark, signal } from './process-mark.ts';

test('a mark is written and read back, and a half-written one is none', () => {
  expect(parseMark(formatMark({ pid: 12, start: 345 }))).toEqual({ pid: 12, start: 345 });
  for (const torn of ['', '12', '12 ', 'x 3']) expect(parseMark(torn), torn).toBeUndefined();
});

test('a process is known until it ends', async () => {
  const child = spawn('sleep', ['60']);
  const ended = once(child, 'exit');
  const mark = observeMark(child.pid as number);
  if (mark === undefined) throw new Error('the child was not seen');
  expect(isAlive(mark)).toBe(true);
  signal(mark, 'SIGKILL');
  await ended;
  expect([isAlive(mark), nameOf(mark), observeMark(mark.pid)]).toEqual([false, '', undefined]);
});

test('a process that only has the same number is left alone', async () => {
  const child = spawn('sleep', ['60']);
  const mark = observeMark(child.pid as number);
  if (mark === undefined) throw new Error('the child was not seen');
  const earlier = { ...mark, start: mark.start - 1 };
  signal(earlier, 'SIGKILL');
  expect([isAlive(earlier), isAlive(mark)]).toEqual([false, true]);
  child.kill('SIGKILL');
  await once(child, 'exit');
});
