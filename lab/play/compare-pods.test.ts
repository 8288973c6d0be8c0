import { expect, test } from 'vitest';
import { comparePods, type PlayPod, parsePods } from './compare-pods.ts';

const pod = (uid: string, more: Partial<PlayPod> = {}): PlayPod => ({
  uid,
  name: `pod-${uid}`,
  node: 'base-1',
  address: '172.16.0.2',
  isReady: true,
  isGoing: false,
  containers: [`c-${uid}`],
  restarts: 0,
  ...more,
});
const nothing = { deleted: [], made: [], restarted: [] };

test.each<[string, readonly PlayPod[], readonly PlayPod[], object]>([
  ['nothing happened', [pod('1'), pod('2')], [pod('2'), pod('1', { isReady: false })], nothing],
  ['one is gone', [pod('1'), pod('2')], [pod('2')], { ...nothing, deleted: ['pod-1'] }],
  ['one is about to go', [pod('1')], [pod('1', { isGoing: true })], { ...nothing, deleted: ['pod-1'] }],
  ['one is new', [pod('1')], [pod('1'), pod('2')], { ...nothing, made: ['pod-2'] }],
  [
    'one was made anew under its name',
    [pod('1')],
    [pod('2', { name: 'pod-1' })],
    { ...nothing, deleted: ['pod-1'], made: ['pod-1'] },
  ],
  ['one was started again', [pod('1')], [pod('1', { restarts: 1 })], { ...nothing, restarted: ['pod-1'] }],
  ['one has another container', [pod('1')], [pod('1', { containers: ['c-9'] })], { ...nothing, restarted: ['pod-1'] }],
])('%s', (_title, before, now, change) => {
  expect(comparePods(before, now)).toEqual(change);
});

test('pods are read as kubectl prints them', () => {
  const ready = { conditions: [{ type: 'Ready', status: 'True' }] };
  const items = [
    {
      metadata: { uid: '1', name: 'a', deletionTimestamp: '2026-11-30T10:00:00Z' },
      spec: { nodeName: 'base-1' },
      status: {
        ...ready,
        podIP: '172.16.0.2',
        containerStatuses: [
          { containerID: 'containerd://z', restartCount: 1 },
          { containerID: 'containerd://b', restartCount: 2 },
        ],
      },
    },
    { metadata: { uid: '2', name: 'b' }, spec: {}, status: { conditions: [{ type: 'Ready', status: 'False' }] } },
    { metadata: { uid: '3', name: 'c' }, spec: {}, status: { containerStatuses: [{ restartCount: 0 }] } },
  ];
  expect(parsePods(JSON.stringify({ items }))).toEqual([
    {
      uid: '1',
      name: 'a',
      node: 'base-1',
      address: '172.16.0.2',
      isReady: true,
      isGoing: true,
      containers: ['b', 'z'],
      restarts: 3,
    },
    { uid: '2', name: 'b', node: '', address: '', isReady: false, isGoing: false, containers: [], restarts: 0 },
    { uid: '3', name: 'c', node: '', address: '', isReady: false, isGoing: false, containers: [''], restarts: 0 },
  ]);
});
