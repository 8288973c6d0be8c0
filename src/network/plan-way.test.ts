import { expect, test } from 'vitest';
import { planWay } from './plan-way.ts';

const at = { pods: '172.16.3.0/24', node: '192.168.50.13', peer: '10.9.0.2' };

test('nothing is said before anybody has answered', () => {
  expect(planWay(undefined, at)).toBe('unknown');
});

test('one lost answer may be chance, two in a row are a missing way back', () => {
  expect(planWay({ lost: 1, answered: false }, at)).toBe('open');
  const way = planWay({ lost: 2, answered: false }, at);
  for (const words of [at.pods, at.node, at.peer, 'isthmus routes'])
    expect(way).toEqual({ fault: expect.stringContaining(words) });
});

test('an answer makes it well again', () => {
  expect(planWay({ lost: 0, answered: true }, at)).toBe('open');
});
