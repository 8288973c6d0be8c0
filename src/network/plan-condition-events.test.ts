import { expect, test } from 'vitest';
import { type ConditionSeen, planConditionEvents } from './plan-condition-events.ts';

const working: ConditionSeen = {
  type: 'PodNetwork',
  status: 'True',
  reason: 'Working',
  message: 'pods have a network',
};
const closed: ConditionSeen = { ...working, status: 'False', reason: 'KernelSetting', message: 'ip_forward is 0' };
const quota: ConditionSeen = { type: 'Addresses', status: 'False', reason: 'CloudRefuses', message: 'quota of 40' };

test('a fault is told when it comes, when it is another one, and when it has passed; never twice', () => {
  expect(planConditionEvents([working], [closed])).toEqual([
    { type: 'Warning', reason: 'KernelSetting', action: 'PodNetwork', note: 'ip_forward is 0' },
  ]);
  expect(planConditionEvents([closed], [closed])).toEqual([]);
  const other = { ...closed, message: 'ip_forward is 0, and no default route' };
  expect(planConditionEvents([closed], [other])).toMatchObject([{ type: 'Warning', note: other.message }]);
  expect(planConditionEvents([closed], [{ ...closed, reason: 'NodeAddressMissing' }])).toMatchObject([
    { reason: 'NodeAddressMissing' },
  ]);
  expect(planConditionEvents([closed], [working])).toEqual([
    { type: 'Normal', reason: 'Working', action: 'PodNetwork', note: 'pods have a network' },
  ]);
});

test('after a start faults are told and nothing that works', () => {
  expect(planConditionEvents(undefined, [working, quota])).toMatchObject([{ reason: 'CloudRefuses' }]);
  expect(planConditionEvents(undefined, [{ ...working, status: 'Unknown' }])).toEqual([]);
});

test('each condition is held against itself alone', () => {
  expect(planConditionEvents([closed], [closed, quota])).toMatchObject([{ action: 'Addresses' }]);
  expect(planConditionEvents([closed, quota], [closed, quota])).toEqual([]);
});
