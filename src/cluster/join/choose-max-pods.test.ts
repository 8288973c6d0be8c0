import { expect, test } from 'vitest';
import { chooseMaxPods } from './choose-max-pods.ts';

test.each([
  [28, 14],
  [26, 62],
  [25, 110],
  [24, 110],
  [16, 110],
])('a site machine with a /%i for its pods takes %i pods', (perMachine, pods) => {
  expect(chooseMaxPods(perMachine)).toBe(pods);
});
