import { expect, test } from 'vitest';
import { seconds } from '#unit/clock.ts';
import { planCheckLook } from './plan-check-look.ts';

test('checks are looked at at once, then every two seconds, and after a minute seldom', () => {
  expect([1, 2, 20, 21].map(planCheckLook)).toEqual([50, seconds(2), seconds(2), seconds(30)]);
});
