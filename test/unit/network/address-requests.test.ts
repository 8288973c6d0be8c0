import { afterEach, expect, test, vi } from 'vitest';
import { seconds } from '#unit/clock.ts';
import { RangeWorld, standStill } from '../../support/range-world.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('requests for addresses that fail again and again stand on the PodRange, and no longer when one is answered', async () => {
  standStill();
  const world = new RangeWorld();
  const last = (): unknown => world.published.at(-1);
  // The empty range comes first.
  await world.tend();
  for (let i = 0; i < 3; i++) {
    world.trouble.set('extend', 'refused');
    await world.tend();
    world.pass(seconds(1));
  }
  expect(last()).toMatchObject({ type: 'Addresses', status: 'False', reason: 'CloudFails' });
  expect(last()).toMatchObject({ message: expect.stringContaining('Extend: unavailable: planted') });
  world.trouble.clear();
  await world.tend();
  await world.tend();
  expect(last()).toMatchObject({ status: 'True', reason: 'Enough' });
});

test('one request that fails is repeated without a word', async () => {
  standStill();
  const world = new RangeWorld();
  await world.tend();
  world.trouble.set('extend', 'refused');
  await world.tend();
  await world.tend();
  expect(world.published.filter(({ status }) => status === 'False')).toEqual([]);
});
