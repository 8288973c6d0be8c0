import { expect, test } from 'vitest';
import { ms, seconds } from '#unit/clock.ts';
import { type NextWatch, planWatch, type WatchEnd } from './plan-watch.ts';

const end = (facts: Partial<WatchEnd>): WatchEnd => ({
  how: 'ended',
  lasted: seconds(300),
  lived: true,
  version: '7',
  retryAfter: undefined,
  ...facts,
});

test.each<[string, WatchEnd, number, NextWatch]>([
  ['a watch that ended in good order goes on at once', end({}), 8000, { version: '7', wait: ms(0), delay: ms(500) }],
  [
    'a server that ends watches at once is asked with pauses',
    end({ lasted: ms(5), lived: false }),
    1000,
    { version: '7', wait: ms(1000), delay: ms(2000) },
  ],
  [
    'one that lasted five seconds was none of them',
    end({ lasted: seconds(5), lived: false }),
    1000,
    { version: '7', wait: ms(0), delay: ms(500) },
  ],
  [
    'one that lasted a moment less was',
    end({ lasted: ms(4999), lived: false }),
    1000,
    { version: '7', wait: ms(1000), delay: ms(2000) },
  ],
  [
    'a break goes on from its version after the delay',
    end({ how: 'broken', lived: false }),
    1000,
    { version: '7', wait: ms(1000), delay: ms(2000) },
  ],
  [
    'a break after events starts with the first delay again',
    end({ how: 'broken' }),
    8000,
    { version: '7', wait: ms(500), delay: ms(1000) },
  ],
  [
    'a break amid the first events starts over',
    end({ how: 'broken', version: undefined }),
    500,
    { version: undefined, wait: ms(500), delay: ms(1000) },
  ],
  [
    'an expired version starts over at once',
    end({ how: 'expired', lived: false }),
    2000,
    { version: undefined, wait: ms(0), delay: ms(2000) },
  ],
  [
    'a start that is refused as expired waits',
    end({ how: 'expired', lived: false, version: undefined }),
    2000,
    { version: undefined, wait: ms(2000), delay: ms(4000) },
  ],
  [
    'the delay has an upper bound',
    end({ how: 'broken', lived: false }),
    15_000,
    { version: '7', wait: ms(15_000), delay: ms(15_000) },
  ],
  [
    'a server that asks to stay away longer is obeyed',
    end({ how: 'broken', lived: false, retryAfter: seconds(30) }),
    500,
    { version: '7', wait: ms(30_000), delay: ms(1000) },
  ],
])('%s', (_, seen, delay, next) => {
  expect(planWatch(seen, ms(delay), 0.5)).toEqual(next);
});

test('chance spreads a wait from half to one and a half', () => {
  const broken = end({ how: 'broken', lived: false });
  expect([0, 1].map((chance) => planWatch(broken, ms(1000), chance).wait)).toEqual([500, 1500]);
});
