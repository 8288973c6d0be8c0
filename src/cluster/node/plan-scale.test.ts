import { expect, test } from 'vitest';
import type { NodeGroupObject } from '#kube/api/node-group.ts';
import { fail, ok } from '#unit/result.ts';
import { explainShrinking, groupOf, planGrowth, planShrinking, type Scale, type Shrinking } from './plan-scale.ts';
import { groupWith, leaving, memberNamed } from './scaled-group.example.ts';

const [a, b, c] = [memberNamed('a'), memberNamed('b'), memberNamed('c')];
const groups = [groupWith([], {}, { name: 'web' }), groupWith([a, b])];

test.each<[string, number, Scale]>([
  ['one more', 1, { group: 'burst', from: 2, to: 3, says: 'node group burst: 3 machines instead of 2 (at most 5)' }],
  [
    'as many as it may have',
    3,
    { group: 'burst', from: 2, to: 5, says: 'node group burst: 5 machines instead of 2 (at most 5)' },
  ],
])('a group gets %s', (_title, count, scale) => {
  expect(planGrowth('burst', count, { groups, ofFile: [] })).toEqual(ok(scale));
});

test('a group that nobody has scaled yet begins with what it says', () => {
  const first = groupWith([], { desired: undefined, min: 0, initial: 0 });
  expect(planGrowth('burst', 1, { groups: [first], ofFile: [] })).toEqual(
    ok({ group: 'burst', from: 0, to: 1, says: 'node group burst: 1 machine instead of 0 (at most 5)' }),
  );
});

test.each<[string, string, number, readonly NodeGroupObject[], readonly string[], string]>([
  [
    'a group that is at its most',
    'burst',
    4,
    groups,
    [],
    'node group burst may have at most 5 machines and is to have 2 already, so 4 more are too many; raise max with kubectl edit nodegroup burst, then run this again',
  ],
  [
    'a group of cluster.yaml that is at its most',
    'burst',
    1,
    [groupWith([a], { max: 1 })],
    ['burst'],
    'node group burst may have at most 1 machines and is to have 1 already, so 1 more is too many; raise max in cluster.yaml and run isthmus up, then run this again',
  ],
  [
    'a group that is almost named so',
    'brst',
    1,
    groups,
    [],
    'the cluster has no node group brst; it has: burst, web. Did you mean burst?',
  ],
  [
    'a group that does not exist',
    'quite-another',
    1,
    groups,
    [],
    'the cluster has no node group quite-another; it has: burst, web',
  ],
  [
    'any group where there is none',
    'burst',
    1,
    [],
    [],
    'the cluster has no node group burst; it has none; docs/guide/node-groups.md tells how to make one',
  ],
  [
    'a group that is in cluster.yaml alone',
    'new',
    1,
    groups,
    ['new'],
    'the cluster does not have node group new of cluster.yaml yet; run isthmus up',
  ],
  [
    'a group that is being deleted',
    'burst',
    1,
    [groupWith([a], {}, { deleted: true })],
    [],
    'node group burst is being deleted; its machines leave',
  ],
])('%s is refused', (_title, name, count, there, ofFile, why) => {
  expect(planGrowth(name, count, { groups: there, ofFile })).toEqual(fail(why));
});

const scaleTo = (from: number, to: number, min = 0): Scale => ({
  group: 'burst',
  from,
  to,
  says: `node group burst: ${to} ${to === 1 ? 'machine' : 'machines'} instead of ${from} (at least ${min})`,
});

test.each<[string, NodeGroupObject, Shrinking]>([
  [
    'is named first, so that no other leaves',
    groupWith([a, b, c]),
    { do: 'name', scale: scaleTo(3, 2), leaveFirst: ['b'] },
  ],
  [
    'is named beside another one that leaves',
    groupWith([a, b, c], { desired: 2, leaveFirst: ['a'] }),
    { do: 'name', scale: scaleTo(2, 1), leaveFirst: ['a', 'b'] },
  ],
  [
    'that is named makes the group smaller then',
    groupWith([a, b, c], { leaveFirst: ['b'] }),
    { do: 'scale', scale: scaleTo(3, 2), leaveFirst: ['b'] },
  ],
  [
    'makes it smaller also where another one that was named leaves for it',
    groupWith([a, b, c], { desired: 2, leaveFirst: ['a', 'b'] }),
    { do: 'scale', scale: scaleTo(2, 1), leaveFirst: ['a', 'b'] },
  ],
  [
    'for which an earlier run has done so is waited for',
    groupWith([a, b, c], { desired: 1, leaveFirst: ['a', 'b'] }),
    { do: 'follow', group: 'burst' },
  ],
  [
    'counts beside those that leave already',
    groupWith([memberNamed('a', { leaving }), b, c], { desired: 2, leaveFirst: ['b'] }),
    { do: 'scale', scale: scaleTo(2, 1), leaveFirst: ['b'] },
  ],
  [
    'that leaves already is waited for, also in a group at its least',
    groupWith([a, memberNamed('b', { leaving })], { min: 1, desired: 1 }),
    { do: 'follow', group: 'burst' },
  ],
  [
    'of a group that is being deleted is waited for',
    groupWith([a, b], { min: 2 }, { deleted: true }),
    { do: 'follow', group: 'burst' },
  ],
])('a machine that %s', (_title, group, step) => {
  expect(planShrinking('b', group, [])).toEqual(ok(step));
});

test('a machine of a group at its least is not removed', () => {
  expect(planShrinking('b', groupWith([a, b], { min: 2 }), ['burst'])).toEqual(
    fail(
      'node group burst has its minimum of 2 machines; lower min in cluster.yaml and run isthmus up, then run this again',
    ),
  );
  expect(planShrinking('b', groupWith([b], { min: 1 }), [])).toEqual(
    fail(
      'node group burst has its minimum of 1 machine; lower min with kubectl edit nodegroup burst, then run this again',
    ),
  );
  const { status: _, ...bare } = groupWith([], { min: 1 });
  expect(planShrinking('b', bare, [])).toMatchObject({ ok: false });
});

test('the group of a machine is the one that has it recorded', () => {
  const burst = groupWith([a, b]);
  expect(groupOf('b', [groupWith([], {}, { name: 'web' }), burst])).toEqual({ group: burst, member: b });
  expect(groupOf('x', [burst])).toBeUndefined();
  const { status: _, ...fresh } = burst;
  expect(groupOf('b', [fresh])).toBeUndefined();
  expect(groupOf('b', [{ ...fresh, status: {} }])).toBeUndefined();
});

test('a person reads which machine goes, and what becomes of the group', () => {
  const group = groupWith([a, b]);
  const goes = 'of node group burst: drain its node, end the machine with its disk, delete the node';
  expect(explainShrinking({ do: 'name', scale: scaleTo(2, 1), leaveFirst: ['b'] }, { group, member: b })).toEqual([
    'node group burst: 1 machine instead of 2 (at least 0)',
    `remove b (uhost-b) ${goes}`,
  ]);
  const { id: _, ...unmade } = b;
  expect(explainShrinking({ do: 'follow', group: 'burst' }, { group, member: unmade })).toEqual([
    `remove b ${goes}; this has begun already`,
  ]);
});
