import { expect, test } from 'vitest';
import { ms } from '#unit/clock.ts';
import { parseFault } from '../ucloud/gateway/fault-wish.ts';
import { faultsOfLies, lies } from './false-answers.ts';

test('each way of answering falsely is one that the simulated cloud knows', () => {
  for (const { fault } of lies) expect(parseFault(fault)).toMatchObject(fault);
});

test('what a scenario of false answers ends with: nodes that were deleted, and lies that nobody heard', () => {
  const lie = { says: 'lists no machine', met: 3, deleted: [], told: [] };
  const outcome = (...all: readonly (typeof lie | { deleted: readonly string[] })[]) =>
    faultsOfLies({ machine: 'web-1', lies: all.map((one) => ({ ...lie, ...one })), back: ms(1) });
  expect(outcome(lie, lie)).toEqual([]);
  expect(outcome(lie, { ...lie, deleted: ['cp-1', 'web-1'] }, { ...lie, met: 0 })).toEqual([
    'node cp-1 was deleted while the cloud lists no machine, and its machine runs',
    'node web-1 was deleted while the cloud lists no machine, and its machine runs',
    'nobody asked the cloud while it lists no machine: this proves nothing, try it for longer',
  ]);
});
