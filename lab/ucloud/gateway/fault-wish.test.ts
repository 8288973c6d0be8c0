import assert from 'node:assert/strict';
import { test } from 'vitest';
import { parseFault } from './fault-wish.ts';

test('a fault is read with its spans in any unit', () => {
  assert.deepEqual(parseFault({ action: 'Describe*', kind: 'slow', after: '1.5s', for: '2m', delay: '250ms' }), {
    action: 'Describe*',
    kind: 'slow',
    skip: 0,
    chance: 1,
    after: 1500,
    for: 120_000,
    delay: 250,
  });
});

const wrong: readonly [string, object, RegExp][] = [
  ['a kind that there is not', { action: '*', kind: 'broken' }, /kind: write one of throttle, timeout/],
  ['a span without its unit', { action: '*', kind: 'throttle', after: '5' }, /after: write a number with its unit/],
  ['a refusal without its code', { action: '*', kind: 'refuse' }, /code: a RetCode such as 8224/],
  ['a code where it means nothing', { action: '*', kind: 'throttle', code: 153 }, /code: .* belongs to kind refuse/],
  ['a delay where it means nothing', { action: '*', kind: 'throttle', delay: '1s' }, /delay: belongs to kind slow/],
  ['a stale list of what lists nothing', { action: 'CreateVPC', kind: 'stale-list' }, /action: stale-list needs an/],
  ['a failed installation of no machine', { action: '*', kind: 'install-fail' }, /needs CreateUHostInstance/],
  ['a late device of no attach', { action: 'DetachUDisk', kind: 'late-device' }, /late-device needs AttachUDisk/],
  ['a slow detach of an attach', { action: 'AttachUDisk', kind: 'slow-detach' }, /slow-detach needs DetachUDisk/],
  [
    'another cluster for no machine',
    { action: 'CreateUDisk', kind: 'other-rdma-cluster' },
    /needs CreateUHostInstance/,
  ],
  ['a chance above 1', { action: '*', kind: 'throttle', chance: 2 }, /chance/],
  ['an unknown key', { action: '*', kind: 'throttle', colour: 'red' }, /colour/],
];
test.each(wrong)('%s is refused with its place and a cure', (_, wish, message) => {
  assert.throws(() => parseFault(wish), message);
});
