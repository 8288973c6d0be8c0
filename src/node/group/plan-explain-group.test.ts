import { expect, test } from 'vitest';
import type { NodeGroupObject } from '#kube/api/node-group.ts';
import { planGroupComplaints } from './plan-explain-group.ts';

const group = (status: 'True' | 'False', reason: string): NodeGroupObject =>
  ({
    metadata: { name: 'burst' },
    spec: {},
    status: { conditions: [{ type: 'Scaled', status, reason, message: '1 of 2 machines are Ready; no stock' }] },
  }) as unknown as NodeGroupObject;

test.each([
  ['all are there', group('True', 'AsWanted'), []],
  ['nobody has looked at it yet', { metadata: { name: 'burst' } } as NodeGroupObject, []],
  [
    'its numbers are there and nothing is said of them',
    { metadata: { name: 'burst' }, status: {} } as NodeGroupObject,
    [],
  ],
  [
    'another condition comes before',
    {
      ...group('False', 'Exhausted'),
      status: {
        conditions: [{ type: 'Other', status: 'True' }, ...(group('False', 'Exhausted').status?.conditions ?? [])],
      },
    } as NodeGroupObject,
    ['node group burst: 1 of 2 machines are Ready; no stock (Exhausted)'],
  ],
  ['machines are being made', group('False', 'Making'), []],
  ['machines join', group('False', 'Joining'), []],
  ['machines leave', group('False', 'Leaving'), []],
  [
    'the cloud has none left',
    group('False', 'Exhausted'),
    ['node group burst: 1 of 2 machines are Ready; no stock (Exhausted)'],
  ],
])('status tells of a group what does not pass by itself: %s', (_title, seen, says) => {
  expect(planGroupComplaints(seen)).toEqual(says);
});
