import { expect, test } from 'vitest';
import { type Condition, complaintsOf, conditionAfter } from './condition.ts';

const before: Condition = {
  type: 'PodNetwork',
  status: 'False',
  lastTransitionTime: '2026-11-28T10:00:00Z',
  reason: 'NoPodRange',
  message: 'this node has no PodRange yet',
};

test('the time of the last change stays while only the reason changes', () => {
  const { lastTransitionTime: _, ...said } = { ...before, reason: 'NoAddress' };
  expect(conditionAfter([before], said, '2026-11-28T11:00:00Z')).toEqual({ ...before, reason: 'NoAddress' });
});

test('the time of the last change is now when the status changes, or was never told', () => {
  const said = { type: 'PodNetwork', status: 'True', reason: 'Working', message: '' } as const;
  const at = '2026-11-28T11:00:00Z';
  expect(conditionAfter([before], said, at).lastTransitionTime).toBe(at);
  expect(conditionAfter([{ ...before, type: 'Addresses', status: 'True' }], said, at).lastTransitionTime).toBe(at);
  expect(conditionAfter(undefined, said, at).lastTransitionTime).toBe(at);
});

test('only what is False is a complaint', () => {
  const well: Condition = { ...before, type: 'Addresses', status: 'True', message: 'enough' };
  expect(complaintsOf([before, well])).toEqual(['this node has no PodRange yet']);
  expect(complaintsOf(undefined)).toEqual([]);
});
