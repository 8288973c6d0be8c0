import { expect, test } from 'vitest';
import type { Instant } from '#unit/clock.ts';
import { chooseLeaving } from './choose-leaving.ts';
import { emptyPods, member, unmade, workingNode } from './group.example.ts';
import type { MemberNode, MemberSeen } from './seen.ts';

const node = (change: Partial<MemberNode>): MemberNode => ({ ...workingNode, ...change });
const named = (name: string, change: Partial<MemberSeen> = {}, record = {}): MemberSeen =>
  member(change, { name, ...record });

const worst: readonly MemberSeen[] = [
  member({ recorded: { ...unmade, name: 'not-made' }, node: undefined }),
  named('not-joined', { node: undefined }, { joined: false }),
  named('not-ready', { node: node({ ready: false }) }),
  named('cordoned', { node: node({ cordoned: true, pods: { ...emptyPods, toLeave: 3 }, since: 7 as Instant }) }),
  named('empty', { node: node({ pods: emptyPods, since: 5 as Instant }) }),
  named('young', { node: node({ pods: { ...emptyPods, toLeave: 1 }, since: 9 as Instant }) }),
  named('old-a', { node: node({ pods: { ...emptyPods, toLeave: 1 }, since: 8 as Instant }) }),
  named('old-b', { node: node({ pods: { ...emptyPods, toLeave: 1 }, since: 8 as Instant }) }),
  named('full', { node: node({ pods: { ...emptyPods, toLeave: 2 }, since: 99 as Instant }) }),
];
const names = (chosen: readonly MemberSeen[]): readonly string[] => chosen.map(({ recorded }) => recorded.name);

test('what does least for the cluster goes first, and of equals the youngest', () => {
  expect(names(chooseLeaving(worst.toReversed(), worst.length, []))).toEqual(names(worst));
});

test('as many go as are too many', () => {
  expect(names(chooseLeaving(worst, 2, []))).toEqual(['not-made', 'not-joined']);
});

test('of two that were asked for and have no Node the younger one goes first', () => {
  const asked = (name: string, time: string): MemberSeen =>
    named(name, { node: undefined }, { asked: time, joined: false });
  const chosen = chooseLeaving([asked('a', '2026-11-30T09:00:00Z'), asked('b', '2026-11-30T09:01:00Z')], 1, []);
  expect(names(chosen)).toEqual(['b']);
});

const held = named('held', { node: node({ pods: { ...emptyPods, held: ['default/job'] } }) });
const full = named('full', { node: node({ pods: { ...emptyPods, toLeave: 9 } }) });

test('one with a pod that is not to be disturbed stays', () => {
  expect(names(chooseLeaving([held, full], 2, []))).toEqual(['full']);
});

test('those that were named go before all others', () => {
  expect(names(chooseLeaving(worst, 1, ['full']))).toEqual(['full']);
  expect(names(chooseLeaving(worst, 3, ['full', 'empty', 'no-such']))).toEqual(['empty', 'full', 'not-made']);
  expect(names(chooseLeaving(worst, 1, ['full', 'empty']))).toEqual(['empty']);
});

test('no other goes in the place of one that was named and has to stay', () => {
  expect(names(chooseLeaving([held, full], 1, ['held']))).toEqual([]);
  expect(names(chooseLeaving([held, full], 2, ['held']))).toEqual(['full']);
  expect(names(chooseLeaving([held, full], 2, ['held', 'full']))).toEqual(['full']);
});
