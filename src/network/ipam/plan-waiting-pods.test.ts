import { expect, test } from 'vitest';
import type { PodRangeObject } from '#kube/api/pod-range.ts';
import { minutes, ms, seconds } from '#unit/clock.ts';
import type { CloudSeen, PodRangeStep } from './plan-range-steps.ts';
import { type PodTold, planWaitingPods, type WaitingPod } from './plan-waiting-pods.ts';

const cloud: CloudSeen = {
  state: 'known',
  homes: [],
  interfaces: [],
  unrecorded: [],
  missing: new Set(),
  lost: new Set(),
};
const webNode = {
  node: 'web-1',
  ground: { ground: 'cloud', provider: 'ucloud', zone: 'z', id: 'uhost-1' } as const,
  range: undefined,
  cloud,
};
const siteNode = (free: number): Parameters<typeof planWaitingPods>[0] => ({
  node: 'base-1',
  ground: { ground: 'site', machine: 'base-1' },
  cloud: undefined,
  range: {
    metadata: { name: 'base-1' },
    spec: { ground: 'site', subnet: '172.16.3.0/28' },
    status: { inUse: 14, free },
  } satisfies PodRangeObject,
});
const refused: readonly PodRangeStep[] = [{ do: 'hold', why: 'quota of 40; raise it', reason: 'CloudRefuses' }];
const inBand: readonly PodRangeStep[] = [{ do: 'hold', why: 'in band' }];
const at = minutes(60);
const pod = (name: string, waits: number): WaitingPod => ({
  namespace: 'shop',
  name,
  uid: `uid-${name}`,
  since: ms(at - waits),
});
const none: ReadonlyMap<string, PodTold> = new Map();

test('a pod that waits for an address which the cloud refuses is told why, with the cure', () => {
  const waiting = [pod('a', seconds(6))];
  expect(planWaitingPods(webNode, refused, waiting, none, at)).toEqual({
    news: [
      {
        pod: waiting[0],
        reason: 'CloudRefuses',
        note: 'node web-1 has no address for this pod: quota of 40; raise it',
      },
    ],
    next: at + minutes(5),
  });
});

test('a pod that waits because the cloud fails again and again is told so', () => {
  const cloud = { ...webNode.cloud, state: 'known', failing: 'throttled' } as Parameters<
    typeof planWaitingPods
  >[0]['cloud'];
  const more: readonly PodRangeStep[] = [{ do: 'extend', count: 3, why: 'pods-wait' }];
  expect(planWaitingPods({ ...webNode, cloud }, more, [pod('a', minutes(1))], none, at).news).toMatchObject([
    { reason: 'CloudFails', note: 'node web-1 has no address for this pod: throttled' },
  ]);
});

test('a pod that has waited no longer than any pod does is told nothing yet', () => {
  expect(planWaitingPods(webNode, refused, [pod('a', seconds(2))], none, at)).toEqual({
    news: [],
    next: at + seconds(3),
  });
});

test('nothing is told while addresses are on their way, nor when no pod waits', () => {
  const nothing = { news: [], next: undefined };
  const coming: readonly PodRangeStep[] = [{ do: 'extend', count: 3, why: 'pods-wait' }];
  expect(planWaitingPods(webNode, coming, [pod('a', minutes(1))], none, at)).toEqual(nothing);
  expect(planWaitingPods(webNode, refused, [], none, at)).toEqual(nothing);
  expect(planWaitingPods(siteNode(1), inBand, [pod('a', minutes(1))], none, at)).toEqual(nothing);
});

test('a pod on a site machine whose subnet is used up is told so', () => {
  const { news } = planWaitingPods(siteNode(0), inBand, [pod('a', minutes(1))], none, at);
  expect(news).toMatchObject([{ reason: 'SubnetFull' }]);
  expect(news[0]?.note).toBe(
    'node base-1 has no address for this pod: all 14 addresses of its subnet 172.16.3.0/28 are in use or cool down for 30 s after their last pod; delete pods on this node or move them to other nodes',
  );
});

test('of a bridged machine no subnet is used up', () => {
  const bridged = siteNode(0);
  const spec = { ground: 'site', bridged: { pods: '192.168.50.128-192.168.50.250' } } as const;
  const range = { metadata: { name: 'base-1' }, spec, status: { inUse: 14, free: 0 } } satisfies PodRangeObject;
  expect(planWaitingPods({ ...bridged, range }, inBand, [pod('a', minutes(1))], none, at).news).toEqual([]);
});

test('the same is told again only before its Event is forgotten, another reason at once', () => {
  const waiting = [pod('a', minutes(9))];
  const note = 'node web-1 has no address for this pod: quota of 40; raise it';
  const told = (ago: number): ReadonlyMap<string, PodTold> => new Map([['uid-a', { note, at: ms(at - ago) }]]);
  expect(planWaitingPods(webNode, refused, waiting, told(minutes(4)), at)).toEqual({
    news: [],
    next: at + minutes(1),
  });
  expect(planWaitingPods(webNode, refused, waiting, told(minutes(5)), at).news).toHaveLength(1);
  const other: readonly PodRangeStep[] = [{ do: 'hold', why: 'the subnet is full', reason: 'CloudRefuses' }];
  expect(planWaitingPods(webNode, other, waiting, told(minutes(1)), at).news).toHaveLength(1);
});

test('of very many pods those that wait longest are told first, and the rest a second later', () => {
  const waiting = Array.from({ length: 150 }, (_, i) => pod(`p-${i}`, seconds(10 + i)));
  const { news, next } = planWaitingPods(webNode, refused, waiting, none, at);
  expect(news.map((one) => one.pod.name)).toEqual(Array.from({ length: 100 }, (_, i) => `p-${149 - i}`));
  expect(next).toBe(at + seconds(1));
});

test.each<[string, Partial<Parameters<typeof planWaitingPods>[0]>]>([
  ['a cloud node that is about to get more', { range: siteNode(0).range, ground: webNode.ground, cloud: undefined }],
  ['a Node that is gone', { ground: undefined }],
  ['a machine whose PodRange does not exist yet', { range: undefined }],
  ['a machine whose agent has not reported', { range: { metadata: { name: 'base-1' }, spec: { ground: 'site' } } }],
])('a pod on %s is told nothing: nothing is known against its node', (_title, change) => {
  const seen = { ...siteNode(0), ...change };
  expect(planWaitingPods(seen, inBand, [pod('a', minutes(2))], none, at)).toEqual({ news: [], next: undefined });
});

test('as many as are told at once leave none for the next second, and what is due again now is not due later', () => {
  const waiting = Array.from({ length: 100 }, (_, i) => pod(`a${i}`, seconds(5)));
  const { news, next } = planWaitingPods(webNode, refused, waiting, none, at);
  expect([news.length, next]).toEqual([100, at + minutes(5)]);
});

test('while all have been told, the next look is when the first of them is told again', () => {
  const note = 'node web-1 has no address for this pod: quota of 40; raise it';
  const told = new Map([['uid-a', { note, at: ms(at - 1) }]]);
  expect(planWaitingPods(webNode, refused, [pod('a', minutes(30))], told, at)).toEqual({
    news: [],
    next: at + minutes(5) - 1,
  });
});
