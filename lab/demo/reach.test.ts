import { expect, test } from 'vitest';
import { holds } from './proof.ts';
import { judgeReach } from './reach.ts';

const pods = [
  { pod: 'web-a', node: 'web-1' },
  { pod: 'web-b', node: 'base-1' },
];

test('the world reaches the application only when every pod has answered it', () => {
  const all = judgeReach('http://198.18.0.2/', pods, new Set(['web-a', 'web-b']), '');
  expect(all).toEqual({
    title: 'client on the internet -> http://198.18.0.2/ -> every pod, on both sides',
    good: 2,
    of: 2,
    faults: [],
  });
  const half = judgeReach('http://198.18.0.2/', pods, new Set(['web-a', 'somebody else']), 'curl ended with 28');
  expect(half).toMatchObject({ good: 1, faults: ['pod web-b on base-1 never answered; curl ended with 28'] });
  expect([holds([all]), holds([half]), holds([judgeReach('http://x/', [], new Set(), '')])]).toEqual([
    true,
    false,
    false,
  ]);
});
