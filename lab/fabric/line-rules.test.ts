import { expect, test } from 'vitest';
import { explainLine, formatLineRate, formatLineRules, parseLoss, parseRate, wholeLine } from './line-rules.ts';

test('a cut line drops whatever comes in at either end', () => {
  expect(formatLineRules('lab', { ...wholeLine, cut: true })).toBe(
    `table bridge lab
delete table bridge lab
table bridge lab {
  chain line {
    type filter hook forward priority 0; policy accept;
    iifname { "line-vpc", "line-site" } drop
  }
}
`,
  );
});

test('a lossy line drops its share by chance', () => {
  expect(formatLineRules('lab', { ...wholeLine, lossPercent: 2.5 })).toContain('numgen random mod 10000 < 250 drop');
});

test('a whole line has no rule and no limit', () => {
  expect(formatLineRules('lab', wholeLine)).toBe(
    `table bridge lab
delete table bridge lab
table bridge lab {
  chain line {
    type filter hook forward priority 0; policy accept;
  }
}
`,
  );
  expect(formatLineRate('line-vpc', wholeLine)).toBe('tc qdisc replace dev line-vpc root noqueue');
});

test('a line with a rate holds ten milliseconds of it back, and never less than some full packets', () => {
  expect(formatLineRate('line-vpc', { ...wholeLine, rateKbit: 100_000 })).toBe(
    'tc qdisc replace dev line-vpc root tbf rate 100000kbit burst 125000 latency 100ms',
  );
  expect(formatLineRate('line-site', { ...wholeLine, rateKbit: 512 })).toBe(
    'tc qdisc replace dev line-site root tbf rate 512kbit burst 16000 latency 100ms',
  );
});

test('rates and losses are read with their units, and anything else is refused with an example', () => {
  expect([parseRate('512kbit'), parseRate('10mbit'), parseRate('1gbit'), parseRate('off')]).toEqual([
    512,
    10_000,
    1_000_000,
    undefined,
  ]);
  expect(['5%', '0.25%', '100%', 'off'].map(parseLoss)).toEqual([5, 0.25, 100, 0]);
  for (const bad of ['10', '0mbit', '10 mbit', '10mbits', '+10mbit', 'fast'])
    expect(() => parseRate(bad)).toThrow('such as 10mbit');
  for (const bad of ['5', '101%', '-1%', '5%5']) expect(() => parseLoss(bad)).toThrow('such as 5%');
});

test('the state of the line is told in words', () => {
  expect(explainLine(wholeLine)).toBe('whole');
  expect(explainLine({ cut: true, rateKbit: 10_000, lossPercent: 5 })).toBe('cut');
  expect(explainLine({ cut: false, rateKbit: 10_000, lossPercent: 5 })).toBe('at most 10 Mbit/s, 5 % of packets lost');
});
