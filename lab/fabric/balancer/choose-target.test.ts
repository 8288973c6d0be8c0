import { describe, expect, test } from 'vitest';
import { webListener } from '../../ucloud/ulb/network/world.example.ts';
import type { WorldListener } from '../../ucloud/ulb/network/world.ts';
import { createChooser, formatProxyLine } from './choose-target.ts';

const [a, b] = [
  { ip: '10.9.0.5', port: 80, weight: 3 },
  { ip: '10.9.0.6', port: 80, weight: 1 },
] as const;

function listener(wanted: Partial<WorldListener> = {}): WorldListener {
  return { ...webListener, forwardSource: 'ProxyProto', targets: [a, b], ...wanted };
}

/** The targets of so many connections, `a` or `b`, none of which ends. */
function taken(times: number, wanted: Partial<WorldListener>, client = '203.0.113.10'): string {
  const choose = createChooser(() => 0);
  return Array.from({ length: times }, () => (choose.take(client, listener(wanted)) === a ? 'a' : 'b')).join('');
}

describe('a new connection', () => {
  test.each([
    ['RoundRobin', 4, 'abab'],
    ['WeightRoundRobin', 8, 'aaabaaab'],
    ['LeastConn', 4, 'abab'],
    ['WeightLeastConn', 8, 'abaaabaa'],
  ] as const)('by %s goes to each target as often as its due', (scheduler, times, to) => {
    const sorted = (text: string) => text.split('').sort().join('');
    expect(sorted(taken(times, { scheduler }))).toBe(sorted(to));
  });

  test('by SourceHash goes where the client’s others went', () => {
    const all = Array.from({ length: 20 }, (_, n) => taken(3, { scheduler: 'SourceHash' }, `203.0.113.${n}`));
    expect(new Set(all)).toEqual(new Set(['aaa', 'bbb']));
  });

  test('goes to the target that has the fewest, those that have ended left out', () => {
    const choose = createChooser(() => 0);
    const by = listener({ scheduler: 'LeastConn', targets: [a] });
    for (let n = 0; n < 3; n++) choose.take('c', by);
    const both = listener({ scheduler: 'LeastConn' });
    expect([1, 2, 3].map(() => choose.take('c', both))).toEqual([b, b, b]);
    for (let n = 0; n < 3; n++) choose.giveBack(a);
    expect([1, 2, 3].map(() => choose.take('c', both))).toEqual([a, a, a]);
  });

  test('goes to the target that the client keeps, until its time is over or the target is gone', () => {
    let now = 0;
    const choose = createChooser(() => now);
    const sticky = listener({ stickiness: 60 });
    const first = choose.take('c', sticky);
    expect([choose.take('c', sticky), choose.take('c', sticky)]).toEqual([first, first]);
    now = 59_000;
    expect(choose.take('c', sticky)).toBe(first);
    now = 59_000 + 60_000;
    expect(new Set([1, 2].map(() => choose.take(`d${now++}`, listener())))).toEqual(new Set([a, b]));
    expect(choose.take('c', listener({ stickiness: 60, targets: [b] }))).toBe(b);
  });

  test('stays with the second target as with the first, and leaves it in the moment when its time is over', () => {
    let now = 0;
    const choose = createChooser(() => now);
    const sticky = listener({ stickiness: 60 });
    choose.take('other', sticky);
    expect([1, 2, 3].map(() => choose.take('c', sticky))).toEqual([b, b, b]);
    now = 60_000;
    // Its turn is that of the third connection that was asked about.
    expect(choose.take('c', sticky)).toBe(a);
  });

  test('keeps nothing where keeping is not wished', () => {
    const choose = createChooser(() => -1);
    expect([1, 2, 3].map(() => choose.take('c', listener()))).toEqual([a, b, a]);
  });

  test.each(['RoundRobin', 'SourceHash', 'LeastConn'] as const)(
    'by %s goes nowhere where there is no target',
    (scheduler) => {
      expect(createChooser(() => 0).take('c', listener({ scheduler, targets: [] }))).toBeUndefined();
    },
  );
});

test('the line before a client’s bytes tells both ends, and nothing of a client that has hung up', () => {
  const ends = { remoteAddress: '203.0.113.10', remotePort: 4711, localAddress: '198.18.0.2', localPort: 80 };
  expect(formatProxyLine(ends)).toBe('PROXY TCP4 203.0.113.10 198.18.0.2 4711 80\r\n');
  for (const end of [{}, { remoteAddress: '203.0.113.10' }, { localAddress: '198.18.0.2' }])
    expect(formatProxyLine(end)).toBe('PROXY UNKNOWN\r\n');
});
