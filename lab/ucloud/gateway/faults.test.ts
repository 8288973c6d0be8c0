import assert from 'node:assert/strict';
import { test } from 'vitest';
import { type FaultText, parseFault } from './fault-wish.ts';
import { isSpent, meetFault, plantFault } from './faults.ts';

const planted = (text: FaultText, seed = 7) => plantFault(parseFault(text), { seed, number: 1, at: 1000 });

/** Which of the calls, a second apart from the planting on, meet the fault. */
function meets(text: FaultText, actions: readonly string[], seed?: number): readonly boolean[] {
  const faults = [planted(text, seed)];
  return actions.map((action, n) => meetFault(faults, action, 1000 + n * 1000) !== undefined);
}

const [yes, no] = [true, false];
const rows: readonly [string, FaultText, readonly string[], readonly boolean[]][] = [
  ['as often as asked', { action: 'A', kind: 'throttle', times: 2 }, ['A', 'A', 'A'], [yes, yes, no]],
  ['only its action', { action: 'A', kind: 'throttle' }, ['B', 'A', 'AB'], [no, yes, no]],
  ['every action with its beginning', { action: 'A*', kind: 'throttle' }, ['B', 'A', 'AB'], [no, yes, yes]],
  ['after some calls', { action: 'A', kind: 'throttle', skip: 1 }, ['A', 'B', 'A'], [no, no, yes]],
  ['from some time on', { action: 'A', kind: 'throttle', after: '2s' }, ['A', 'A', 'A', 'A'], [no, no, yes, yes]],
  ['until some time', { action: 'A', kind: 'throttle', after: '1s', for: '1s' }, ['A', 'A', 'A'], [no, yes, no]],
];
test.each(rows)('a fault meets calls: %s', (_, text, actions, expected) => {
  assert.deepEqual(meets(text, actions), expected);
});

test('chance is repeatable by the seed, whatever else is called in between', () => {
  const text: FaultText = { action: 'A', kind: 'throttle', chance: 0.4 };
  const calls = Array.from({ length: 40 }, () => 'A');
  const once = meets(text, calls);
  assert.deepEqual(meets(text, calls), once);
  const between = calls.flatMap((action) => [action, 'B']);
  assert.deepEqual(
    meets(text, between).filter((_, n) => n % 2 === 0),
    once,
  );
  assert.notDeepEqual(meets(text, calls, 8), once);
  const share = once.filter(Boolean).length / once.length;
  assert.ok(share > 0.2 && share < 0.6, `${share} of the calls met a fault of chance 0.4`);
});

test('of two faults the first planted is met, and the other waits', () => {
  const faults = [
    plantFault(parseFault({ action: 'A', kind: 'throttle', times: 1 }), { seed: 7, number: 1, at: 0 }),
    plantFault(parseFault({ action: 'A', kind: 'internal', times: 1 }), { seed: 7, number: 2, at: 0 }),
  ];
  assert.deepEqual(
    [1, 2, 3].map(() => meetFault(faults, 'A', 1)?.wish.kind),
    ['throttle', 'internal', undefined],
  );
  assert.ok(faults.every((fault) => isSpent(fault, 1)));
});
