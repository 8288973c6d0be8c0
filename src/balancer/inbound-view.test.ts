import { expect, test } from 'vitest';
import type { Inbound } from '#cloud/inbound.ts';
import { hours } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import { InboundView } from './inbound-view.ts';

const open: Inbound = { guarded: false };

test('machines are read once, a new one alone, and one that cannot be read is left out and not asked for again', async () => {
  const asked: (readonly string[])[] = [];
  const notes: string[] = [];
  const view = new InboundView(
    {
      async inbound(machines) {
        asked.push(machines);
        if (machines.includes('c')) return fail({ kind: 'denied', raw: { action: 'Any', code: '1', message: 'no' } });
        return ok(new Map(machines.map((machine) => [machine, open])));
      },
    },
    hours(1),
    (_facts, doing) => void notes.push(doing),
  );
  expect([...(await view.of(['a'], ['a', 'b']))]).toEqual([
    ['a', open],
    ['b', open],
  ]);
  await view.of(['b'], ['a', 'b']);
  expect([...(await view.of(['c'], ['a', 'b', 'c'])).keys()]).toEqual(['a', 'b']);
  await view.of(['c'], ['a', 'b', 'c']);
  // What was read a moment ago is not read again.
  view.lookAgain();
  await view.of(['a'], ['a', 'b', 'c']);
  expect(asked).toEqual([['a', 'b'], ['c']]);
  expect(notes).toEqual(['reading what security groups let in failed']);
});
