import { expect, test } from 'vitest';
import { chooseMaxPods } from './choose-max-pods.ts';

test.each([
  [14, 14],
  [109, 109],
  [110, 110],
  [111, 110],
  [254, 110],
])('a site machine with %i addresses for its pods takes %i pods', (addresses, pods) => {
  expect(chooseMaxPods(addresses)).toBe(pods);
});
