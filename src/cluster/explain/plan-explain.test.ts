import { expect, test } from 'vitest';
import type { EventObject } from '#kube/events.ts';
import { planExplainNode, planExplainPod, planWarnings } from './plan-explain.ts';

const metadata = { name: 'web-1' };

test('a node that works has nothing against it, one that does not says why', () => {
  const condition = (type: string, status: string, message: string) => ({ type, status, message });
  const well = [condition('Ready', 'True', 'fine'), condition('DiskPressure', 'False', 'enough')];
  expect(planExplainNode({ metadata, status: { conditions: well } })).toEqual([]);
  expect(planExplainNode({ metadata })).toEqual(['its kubelet has not reported yet']);
  const conditions = [
    condition('Ready', 'False', 'cni plugin not initialized'),
    condition('DiskPressure', 'True', 'full'),
  ];
  expect(planExplainNode({ metadata, spec: { unschedulable: true }, status: { conditions } })).toEqual([
    'not ready: cni plugin not initialized',
    'DiskPressure: full',
    'cordoned: no pods are scheduled to it until kubectl uncordon',
  ]);
});

test('a pod tells what keeps it from being scheduled, and one that has finished tells nothing', () => {
  const conditions = [
    { type: 'PodScheduled', status: 'False', message: '0/3 nodes are available' },
    { type: 'Initialized', status: 'True', message: 'done' },
    { type: 'Ready', status: 'False' },
  ];
  expect(planExplainPod({ metadata, status: { phase: 'Pending', conditions } })).toEqual([
    'PodScheduled is False: 0/3 nodes are available',
  ]);
  expect(planExplainPod({ metadata, status: { phase: 'Succeeded', conditions } })).toEqual([]);
});

test('of many Events only warnings are shown, the newest first and each once', () => {
  const event = (type: string, note: string, eventTime: string): EventObject => ({
    metadata,
    type,
    reason: 'Failed',
    note,
    eventTime,
  });
  expect(
    planWarnings([
      event('Normal', 'started', '2026-01-01T00:00:09Z'),
      event('Warning', 'old', '2026-01-01T00:00:01Z'),
      {
        ...event('Warning', 'again', '2026-01-01T00:00:00Z'),
        series: { count: 2, lastObservedTime: '2026-01-01T00:00:08Z' },
      },
      event('Warning', 'old', '2026-01-01T00:00:02Z'),
      ...[3, 4, 5, 6].map((n) => event('Warning', `fault ${n}`, `2026-01-01T00:00:0${n}Z`)),
    ]),
  ).toEqual(['Failed: again', 'Failed: fault 6', 'Failed: fault 5', 'Failed: fault 4', 'Failed: fault 3']);
});
