import { describe, expect, test } from 'vitest';
import type { Taint, Toleration } from '#kube/resources.ts';
import { type Ms, ms, seconds } from '#unit/clock.ts';
import {
  type EvictionStep,
  noExecute,
  type Patience,
  patienceAfter,
  planEviction,
  type Unreachable,
} from './plan-eviction.ts';

/*
 * The case tables of upstream's taint eviction, run against what decides here.
 * @source kubernetes v1.36.3 (Apache License 2.0), pkg/controller/tainteviction/taint_eviction_test.go. A further column, where there is one, is what
 *         is expected here instead, with the reason.
 * Ported: TestFilterNoExecuteTaints, TestCreatePod, TestUpdatePod, TestCreateNode, TestUpdateNode, TestUpdateNodeWithMultipleTaints,
 *         TestUpdateNodeWithMultiplePods, TestGetMinTolerationTime, TestEventualConsistency.
 * Against a real API server in test/lab/node/eviction.test.ts: TestDeletePod, TestDeleteNode and TestPodDeletionEvent.
 * Not ported: the tests of timed_workers_test.go, whose timers are the work queue's here.
 */

const taint = (index: number): Taint => ({ key: `testTaint${index}`, value: `test${index}`, effect: 'NoExecute' });
/** Seconds below 0 are for ever, as in upstream's helper. */
const tolerating = (index: number, tolerationSeconds: number): Toleration => ({
  key: `testTaint${index}`,
  value: `test${index}`,
  effect: 'NoExecute',
  ...(tolerationSeconds >= 0 && { tolerationSeconds }),
});

/** What a pod and its node are like from a moment on. */
interface Look {
  readonly at: number;
  readonly node?: string;
  readonly taints: readonly Taint[];
  readonly tolerations: readonly Toleration[];
  readonly unreachable?: Unreachable;
}

/** When the pod goes, in seconds, if nothing more changes; `never`. */
function fateOf(looks: readonly Look[]): number | 'never' {
  let patience: Patience = new Map();
  let step: EvictionStep = { do: 'leave' };
  for (const { at, node = 'node1', taints, tolerations, unreachable = 'usual' } of looks) {
    if (step.do === 'wait' && step.until <= seconds(at)) return step.until / 1000;
    patience = node === '' ? new Map() : patienceAfter(patience, { taints, tolerations, unreachable }, seconds(at));
    step = planEviction(patience, seconds(at));
    if (step.do === 'evict') return at;
  }
  return step.do === 'wait' ? step.until / 1000 : 'never';
}

const look = (at: number, taints: readonly number[], tolerations: readonly Toleration[] = []): Look => ({
  at,
  taints: taints.map(taint),
  tolerations,
});

test('TestFilterNoExecuteTaints', () => {
  const one = { key: 'one', value: 'one', effect: 'NoExecute' };
  expect(noExecute([one, { key: 'two', value: 'two', effect: 'NoSchedule' }])).toEqual([one]);
});

describe('TestCreatePod', () => {
  test.each<[string, Look, number | 'never']>([
    ['not scheduled - ignore', { ...look(0, []), node: '' }, 'never'],
    ['scheduled on untainted Node', look(0, []), 'never'],
    ['schedule on tainted Node', look(0, [1]), 0],
    ['schedule on tainted Node with finite toleration', look(0, [1], [tolerating(1, 100)]), 100],
    ['schedule on tainted Node with infinite toleration', look(0, [1], [tolerating(1, -1)]), 'never'],
    ['schedule on tainted Node with infinite invalid toleration', look(0, [1], [tolerating(2, -1)]), 0],
  ])('%s', (_title, one, fate) => {
    expect(fateOf([one])).toBe(fate);
  });
});

describe('TestUpdatePod', () => {
  test.each<[string, Look, Look, number | 'never']>([
    ['scheduling onto tainted Node', { ...look(0, []), node: '' }, look(1, [1]), 1],
    [
      'scheduling onto tainted Node with toleration',
      { ...look(0, [], [tolerating(1, -1)]), node: '' },
      look(1, [1], [tolerating(1, -1)]),
      'never',
    ],
    ['removing toleration', look(0, [1], [tolerating(1, 100)]), look(0.5, [1]), 0.5],
    [
      "lengthening toleration shouldn't work",
      look(0, [1], [tolerating(1, 1)]),
      look(0.5, [1], [tolerating(1, 100)]),
      1,
    ],
  ])('%s', (_title, before, after, fate) => {
    expect(fateOf([before, after])).toBe(fate);
  });
});

describe('TestCreateNode', () => {
  test.each<[string, Look, number | 'never']>([
    ['Creating Node matching already assigned Pod', look(0, []), 'never'],
    ['Creating tainted Node matching already assigned Pod', look(0, [1]), 0],
    ['Creating tainted Node matching already assigned tolerating Pod', look(0, [1], [tolerating(1, -1)]), 'never'],
  ])('%s', (_title, one, fate) => {
    expect(fateOf([one])).toBe(fate);
  });
});

describe('TestUpdateNode', () => {
  test.each<[string, readonly Toleration[], readonly number[], readonly number[], number | 'never']>([
    ['Added taint, expect node patched and deleted', [], [], [1], 1],
    ['Added tolerated taint', [tolerating(1, 100)], [], [1], 101],
    ['Only one added taint tolerated', [tolerating(1, 100)], [], [1, 2], 1],
    ['Taint removed', [tolerating(1, 2)], [1], [], 'never'],
    [
      'Pod with multiple tolerations are evicted when first one runs out',
      [tolerating(1, 1), tolerating(2, 100)],
      [],
      [1, 2],
      2,
    ],
  ])('%s', (_title, tolerations, before, after, fate) => {
    expect(fateOf([look(0, before, tolerations), look(1, after, tolerations)])).toBe(fate);
  });
});

test('TestUpdateNodeWithMultipleTaints', () => {
  const exists = { operator: 'Exists', effect: 'NoExecute' };
  const tolerations = [
    { ...exists, key: 'testTaint1' },
    { ...exists, key: 'testTaint2', tolerationSeconds: 60 },
  ];
  const fates = [[], [1], [1, 2], [1]].map((_taints, i, all) =>
    fateOf(all.slice(0, i + 1).map((taints, at) => look(at, taints, tolerations))),
  );
  expect(fates).toEqual(['never', 'never', 62, 'never']);
});

describe('TestUpdateNodeWithMultiplePods', () => {
  const pods = [[], [tolerating(1, 1)], [tolerating(1, -1)]];
  test.each<[string, readonly number[], readonly (number | 'never')[]]>([
    ['Pods with different toleration times are evicted appropriately', [1], [1, 2, 'never']],
    ['Evict all pods not matching all taints instantly', [1, 2], [1, 1, 1]],
  ])('%s', (_title, taints, fates) => {
    expect(pods.map((tolerations) => fateOf([look(0, [], tolerations), look(1, taints, tolerations)]))).toEqual(fates);
  });
});

describe('TestGetMinTolerationTime, of a pod with one taint for each toleration', () => {
  test.each<[string, readonly number[], number | 'never']>([
    ['for ever', [-1], 'never'],
    ['one and two seconds', [1, 2], 1],
    ['one second and for ever', [1, -1], 1],
    ['for ever and one second', [-1, 1], 1],
  ])('%s', (_title, spans, fate) => {
    const tolerations = spans.map((span, i) => tolerating(i, span));
    const taints = spans.map((_span, i) => i);
    expect(fateOf([look(0, taints, tolerations)])).toBe(fate);
  });
});

describe('TestEventualConsistency, of the pod that comes late', () => {
  test.each<[string, readonly Look[], number]>([
    ['existing pod2 scheduled onto tainted Node', [{ ...look(0, [1]), node: '' }, look(1, [1])], 1],
    [
      'existing pod2 with taint toleration scheduled onto tainted Node',
      [{ ...look(0, [1], [tolerating(1, 100)]), node: '' }, look(1, [1], [tolerating(1, 100)])],
      101,
    ],
    ['new pod2 created on tainted Node', [look(1, [1])], 1],
    ['new pod2 with tait toleration created on tainted Node', [look(1, [1], [tolerating(1, 100)])], 101],
  ])('%s', (_title, looks, fate) => {
    expect(fateOf(looks)).toBe(fate);
  });
});

const unreachable: Taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' };

test.each<[string, Toleration, Taint, number | 'never']>([
  [
    'the default of 300 seconds',
    { key: unreachable.key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    unreachable,
    300,
  ],
  ['a DaemonSet’s, for ever', { key: unreachable.key, operator: 'Exists', effect: 'NoExecute' }, unreachable, 'never'],
  ['a static pod’s: every taint of the effect', { operator: 'Exists', effect: 'NoExecute' }, unreachable, 'never'],
  ['every taint whatever its effect', { operator: 'Exists' }, unreachable, 'never'],
  ['another effect', { key: unreachable.key, operator: 'Exists', effect: 'NoSchedule' }, unreachable, 0],
  ['another key', { key: 'node.kubernetes.io/not-ready', operator: 'Exists' }, unreachable, 0],
  ['the value of a taint without one', { key: unreachable.key, operator: 'Equal' }, unreachable, 'never'],
  ['a value where the taint has none', { key: unreachable.key, value: 'x' }, unreachable, 0],
  ['no value where the taint has one', { key: 'testTaint1' }, taint(1), 0],
  ['an operator that is not known', { key: unreachable.key, operator: 'Gt' }, unreachable, 0],
  ['no time', { key: unreachable.key, operator: 'Exists', tolerationSeconds: 0 }, unreachable, 0],
  ['less than no time', { key: unreachable.key, operator: 'Exists', tolerationSeconds: -5 }, unreachable, 0],
])('what a toleration is worth: %s', (_title, toleration, one, fate) => {
  expect(fateOf([{ at: 0, taints: [one], tolerations: [toleration] }])).toBe(fate);
});

test('the first toleration that matches counts, so one for ever behind the default of 300 seconds changes nothing', () => {
  const first = { key: 'testTaint1', operator: 'Exists', tolerationSeconds: 300 };
  expect(fateOf([look(0, [1], [first, tolerating(1, -1)])])).toBe(300);
  expect(fateOf([look(0, [1], [tolerating(1, -1), first])])).toBe('never');
});

test('each taint has its own time: a second one neither prolongs nor shortens that of the first', () => {
  const tolerations = [tolerating(1, 300), tolerating(2, 60)];
  expect(fateOf([look(0, [1], tolerations), look(290, [1, 2], tolerations)])).toBe(300);
  expect(fateOf([look(0, [1], tolerations), look(10, [1, 2], tolerations)])).toBe(70);
  expect(fateOf([look(0, [1, 2], tolerations), look(30, [1], tolerations)])).toBe(300);
});

test('a toleration that becomes shorter counts from when the taint came', () => {
  expect(fateOf([look(0, [1], [tolerating(1, 300)]), look(10, [1], [tolerating(1, 60)])])).toBe(60);
  expect(fateOf([look(0, [1], [tolerating(1, 300)]), look(100, [1], [tolerating(1, 60)])])).toBe(100);
});

test('a taint that goes and comes back is a new one, and so is one with another value', () => {
  const tolerations = [{ key: 'testTaint1', operator: 'Exists', tolerationSeconds: 100 }];
  expect(fateOf([look(0, [1], tolerations), look(50, [], tolerations), look(60, [1], tolerations)])).toBe(160);
  const other = { ...taint(1), value: 'other' };
  expect(fateOf([look(0, [1], tolerations), { at: 50, taints: [other], tolerations }])).toBe(150);
});

const byDefault = { key: unreachable.key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 };
const chosen = { ...byDefault, tolerationSeconds: 301 };
const forEver = { key: unreachable.key, operator: 'Exists' };

test.each<[string, readonly Toleration[], Unreachable, readonly Taint[], number | 'never']>([
  ['one that stays', [byDefault], 'stays', [unreachable], 'never'],
  ['one that stays and tolerates nothing', [], 'stays', [unreachable], 'never'],
  ['one that stays, and a taint of the operator', [byDefault], 'stays', [unreachable, taint(1)], 0],
  [
    'one that stays while its kubelet says that it is not ready',
    [{ ...byDefault, key: 'node.kubernetes.io/not-ready' }],
    'stays',
    [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }],
    300,
  ],
  ['one on a dead machine', [byDefault], 'at-once', [unreachable], 0],
  ['one on a dead machine that has a time of its own', [chosen], 'at-once', [unreachable], 301],
  ['one of a DaemonSet on a dead machine', [forEver], 'at-once', [unreachable], 'never'],
  ['one on a dead machine with another taint', [{ ...byDefault, key: 'testTaint1' }], 'at-once', [taint(1)], 300],
])('of a node that is not heard: %s', (_title, tolerations, how, taints, fate) => {
  expect(fateOf([{ at: 0, taints, tolerations, unreachable: how }])).toBe(fate);
});

test('a pod that stayed counts its time from when its machine was no longer taken for cut off', () => {
  const one = { taints: [unreachable], tolerations: [byDefault] };
  expect(
    fateOf([
      { ...one, at: 0 },
      { ...one, at: 100, unreachable: 'stays' },
      { ...one, at: 500 },
    ]),
  ).toBe(800);
  expect(
    fateOf([
      { ...one, at: 0 },
      { ...one, at: 60, unreachable: 'at-once' },
    ]),
  ).toBe(60);
});

test('the patience of a pod ends at its very moment', () => {
  const patience = patienceAfter(new Map(), { ...look(0, [1], [tolerating(1, 10)]), unreachable: 'usual' }, seconds(0));
  expect(planEviction(patience, ms(9_999))).toEqual({ do: 'wait', until: 10_000 as Ms });
  expect(planEviction(patience, ms(10_000))).toEqual({ do: 'evict' });
});

test('a pod that nothing waits for is left alone', () => {
  expect(planEviction(new Map(), ms(0))).toEqual({ do: 'leave' });
});
