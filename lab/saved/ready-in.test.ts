import { expect, test } from 'vitest';
import type { NodeObject, PodObject } from '#kube/resources.ts';
import type { Instant } from '#unit/clock.ts';
import { readyIn } from './ready-in.ts';

const since = Date.parse('2026-11-28T12:00:00.400Z') as Instant;
const [before, after] = ['2026-11-28T11:59:58Z', '2026-11-28T12:00:00Z'];

const node = (name: string, status: string, lastHeartbeatTime: string): NodeObject => ({
  metadata: { name },
  status: { conditions: [{ type: 'Ready', status, lastHeartbeatTime }] },
});
const pod = (name: string, status: string, started: readonly string[]): PodObject => ({
  metadata: { name, namespace: 'default' },
  status: {
    conditions: [{ type: 'Ready', status, lastHeartbeatTime: null }],
    containerStatuses: started.map((startedAt) => ({ name: startedAt, state: { running: { startedAt } } })),
  },
});
const nodes = [
  node('told-before', 'True', before),
  node('told-after', 'True', after),
  node('not-ready', 'False', after),
];
const pods = [
  pod('of-before', 'True', [after, before]),
  pod('of-after', 'True', [after, after]),
  pod('not-ready', 'False', [after]),
];

test('what is Ready is listed, whenever its node told so', () => {
  expect(readyIn({ nodes, pods })).toEqual({
    nodes: ['told-before', 'told-after'],
    pods: ['default/of-before', 'default/of-after'],
  });
});

test('what the API server only remembers of the time before is not ready again', () => {
  expect(readyIn({ nodes, pods }, since)).toEqual({ nodes: ['told-after'], pods: ['default/of-after'] });
});

test('a pod that is being deleted is not waited for', () => {
  const going = pod('going', 'True', [after]);
  const leaving = { ...going, metadata: { ...going.metadata, deletionTimestamp: after } };
  expect(readyIn({ nodes: [], pods: [leaving] })).toEqual({ nodes: [], pods: [] });
});
