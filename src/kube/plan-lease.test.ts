import { expect, test } from 'vitest';
import { type Instant, ms, seconds } from '#unit/clock.ts';
import { type LeaseSeen, type LeaseTurn, planLease, planRelease } from './plan-lease.ts';

const at = Date.UTC(2026, 10, 22, 15, 29, 36, 780) as Instant;
const stamp = '2026-11-22T15:29:36.780000Z';
const earlier = '2026-11-22T15:00:00.000000Z';
const held = (holderIdentity: string): LeaseSeen['spec'] => ({
  holderIdentity,
  leaseDurationSeconds: 15,
  acquireTime: earlier,
  renewTime: earlier,
  leaseTransitions: 3,
});
const ours = {
  holderIdentity: 'me',
  leaseDurationSeconds: 15,
  renewTime: stamp,
  acquireTime: stamp,
  leaseTransitions: 4,
};

test.each<[string, LeaseSeen['spec'], number, LeaseTurn]>([
  [
    'a lease that is not there is made',
    undefined,
    0,
    { do: 'write', why: 'free', spec: { ...ours, leaseTransitions: 0 } },
  ],
  ['one given back is taken at once', held(''), 0, { do: 'write', why: 'free', spec: ours }],
  [
    'our own is renewed and keeps its beginning',
    held('me'),
    0,
    { do: 'write', why: 'mine', spec: { ...ours, acquireTime: earlier, leaseTransitions: 3 } },
  ],
  ['one that names no holder is free', { leaseTransitions: 3 }, 0, { do: 'write', why: 'free', spec: ours }],
  [
    'our own gets a beginning when it has none',
    { holderIdentity: 'me' },
    0,
    { do: 'write', why: 'mine', spec: { ...ours, leaseTransitions: 0 } },
  ],
  [
    "another's that names no duration is taken, and counts as the first change",
    { holderIdentity: 'other' },
    0,
    { do: 'write', why: 'expired', spec: { ...ours, leaseTransitions: 1 } },
  ],
  ["another's is left alone, however old its own stamp is", held('other'), 14_999, { do: 'wait', why: 'held' }],
  [
    "another's that stood still for its duration is taken",
    held('other'),
    15_000,
    { do: 'write', why: 'expired', spec: ours },
  ],
])('%s', (_, spec, unchanged, turn) => {
  expect(planLease({ spec, unchanged: ms(unchanged), at }, 'me', seconds(15))).toEqual(turn);
});

test.each([
  [1000, 1],
  [1001, 2],
  [1500, 2],
  [15_000, 15],
])('a lease of %i ms is written as %i s: a record that ran out sooner would let two lead', (duration, written) => {
  const turn = planLease({ spec: undefined, unchanged: ms(0), at }, 'me', ms(duration));
  expect(turn).toMatchObject({ do: 'write', spec: { leaseDurationSeconds: written } });
});

test('only our own lease is given back', () => {
  const seen = { unchanged: ms(0), at };
  expect(planRelease({ ...seen, spec: held('me') }, 'me')).toEqual({
    holderIdentity: '',
    leaseDurationSeconds: 1,
    renewTime: stamp,
    acquireTime: earlier,
    leaseTransitions: 3,
  });
  expect(planRelease({ ...seen, spec: { holderIdentity: 'me' } }, 'me')).toEqual({
    holderIdentity: '',
    leaseDurationSeconds: 1,
    renewTime: stamp,
    acquireTime: stamp,
    leaseTransitions: 0,
  });
  expect(planRelease({ ...seen, spec: held('other') }, 'me')).toBeUndefined();
  expect(planRelease({ ...seen, spec: undefined }, 'me')).toBeUndefined();
});
