import { expect, test } from 'vitest';
import type { EventObject } from '#kube/events.ts';
import { planExplainNode, planExplainPod, planWarnings } from './plan-explain.ts';

const metadata = { name: 'web-1' };

test('a node that works has nothing against it, one that does not says why', () => {
  const condition = (type: string, status: string, message: string) => ({ type, status, message });
  const well = [condition('DiskPressure', 'False', 'enough'), condition('Ready', 'True', 'fine')];
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

test('a machine that gives folders to volumes, all of which can be used, has nothing against it', () => {
  const condition = (type: string, status: string, message: string) => ({ type, status, message });
  const conditions = [
    condition('Ready', 'True', 'fine'),
    condition('isthmus.dev/LocalVolumes', 'True', 'folder /srv/volumes has room for 20Gi'),
  ];
  expect(planExplainNode({ metadata, status: { conditions } })).toEqual([]);
});

test('a node whose removal stopped half-way says how it can stay', () => {
  const taints = [{ key: 'ToBeDeletedByClusterAutoscaler', value: '1', effect: 'NoSchedule' }];
  const conditions = [{ type: 'Ready', status: 'True' }];
  expect(planExplainNode({ metadata, spec: { unschedulable: true, taints }, status: { conditions } })).toEqual([
    'cordoned: no pods are scheduled to it until kubectl uncordon',
    'marked as about to be removed: no load balancer sends to it; kubectl uncordon web-1 and kubectl taint node web-1 ToBeDeletedByClusterAutoscaler- if it is to stay',
  ]);
});

test('a node whose conditions have no message tells their reason, or that none is given', () => {
  const notReady = (more: object) => ({
    metadata,
    status: {
      conditions: [
        { type: 'Ready', status: 'Unknown', ...more },
        { type: 'PIDPressure', status: 'True' },
      ],
    },
  });
  expect(planExplainNode(notReady({ reason: 'NodeStatusUnknown' }))).toEqual([
    'not ready: NodeStatusUnknown',
    'PIDPressure: no message given',
  ]);
  expect(planExplainNode(notReady({}))).toEqual(['not ready: no reason given', 'PIDPressure: no message given']);
});

test('a pod that nobody has reported on yet has nothing against it', () => {
  expect(planExplainPod({ metadata })).toEqual([]);
});

test('a warning that says when it was comes before one that does not, and both are told on one line', () => {
  const warning: EventObject = { metadata, type: 'Warning', reason: 'Failed', note: 'undated' };
  expect(planWarnings([warning, { ...warning, note: ' dated\n', eventTime: '2026-01-01T00:00:01Z' }])).toEqual([
    'Failed: dated',
    'Failed: undated',
  ]);
});

test('a warning that says nothing is told by its reason', () => {
  expect(planWarnings([{ metadata, type: 'Warning', reason: 'Failed' }])).toEqual(['Failed']);
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
