import { expect, test } from 'vitest';
import type { Instant } from '#unit/clock.ts';
import { at, emptyPods, group, making, member, policy, unmade, workingNode } from './group.example.ts';
import { type GroupPlan, planGroup, wantedOf } from './plan-group.ts';
import type { GroupSeen, MemberSeen } from './seen.ts';

const named = (name: string, change: Partial<MemberSeen> = {}, record = {}): MemberSeen =>
  member(change, { name, id: `uhost-${name}`, ...record });
const bounds = (desired: number | undefined, change: Partial<GroupSeen['bounds']> = {}): GroupSeen['bounds'] => ({
  min: 0,
  max: 10,
  initial: undefined,
  desired,
  ...change,
});
const place = { cpu: 2, memory: '4Gi', zone: 'z1', subnet: 's1' };
const short = (zones: readonly string[], cpus: readonly number[] = [2, 4]): GroupSeen['shortages'] =>
  zones.flatMap((zone) =>
    cpus.map((cpu) => ({
      place: { cpu, memory: cpu === 2 ? '4Gi' : '8Gi', zone, subnet: zone.replace('z', 's') },
      until: (at + 1) as Instant,
      says: `no stock in ${zone}`,
    })),
  );
const leaving = { reason: 'ScaledIn', says: 'too many', since: '2026-11-30T09:59:00.000Z' };
const held = { ...workingNode, pods: { ...emptyPods, held: ['default/job'] } };
const nothing = { records: [], acts: [] };

const rows: readonly [string, Partial<GroupSeen>, GroupPlan][] = [
  [
    'a group as wanted needs nothing',
    {},
    { ...nothing, says: { reason: 'AsWanted', message: '1 of 1 machines are Ready' } },
  ],
  [
    'a new group is held first, so that it is not gone before its machines are',
    { isHeld: false, bounds: bounds(undefined), members: [] },
    { ...nothing, object: { do: 'hold' }, says: { reason: 'AsWanted', message: '0 of 0 machines are Ready' } },
  ],
  [
    'then it gets the number that it begins with',
    { bounds: bounds(undefined, { min: 1, initial: 2 }), members: [] },
    {
      object: { do: 'begin', desired: 2 },
      records: [
        { do: 'add', place },
        { do: 'add', place: { ...place, zone: 'z2', subnet: 's2' } },
      ],
      acts: [],
      says: { reason: 'Making', message: '0 of 2 machines are Ready; 2 more are asked for' },
    },
  ],
  [
    'missing machines are recorded, spread over the zones',
    { bounds: bounds(3) },
    {
      records: [
        { do: 'add', place: { ...place, zone: 'z2', subnet: 's2' } },
        { do: 'add', place },
      ],
      acts: [],
      says: { reason: 'Making', message: '1 of 3 machines are Ready; 2 more are asked for' },
    },
  ],
  [
    'while some are missing none of the others leaves',
    { bounds: bounds(3), members: [named('a'), named('b', {}, { zone: 'z2', subnet: 's2' })] },
    {
      records: [{ do: 'add', place }],
      acts: [],
      says: { reason: 'Making', message: '2 of 3 machines are Ready; 1 more are asked for' },
    },
  ],
  [
    'what is recorded is asked for',
    { members: [making({ mayAsk: true })] },
    {
      records: [],
      acts: [{ do: 'create', member: 'burst-a' }],
      says: { reason: 'Making', message: '0 of 1 machines are Ready; burst-a is being made' },
    },
  ],
  [
    'a cloud that is short of everything is told, each of its words once',
    { bounds: bounds(3), shortages: short(['z1', 'z2']) },
    {
      ...nothing,
      says: {
        reason: 'Exhausted',
        message:
          '1 of 3 machines are Ready; the cloud has no machine of any shape in any zone of the group: no stock in z1, no stock in z2',
      },
    },
  ],
  [
    'and not in words of a shortage that is over',
    {
      bounds: bounds(2),
      shortages: [{ place, until: at, says: 'no stock an hour ago' }, ...short(['z1', 'z2'])],
    },
    {
      ...nothing,
      says: {
        reason: 'Exhausted',
        message:
          '1 of 2 machines are Ready; the cloud has no machine of any shape in any zone of the group: no stock in z1, no stock in z2',
      },
    },
  ],
  [
    'one that the cloud was short of is asked for elsewhere by the same name',
    { members: [making({ notMade: true, settled: false })], shortages: short(['z1'], [2]) },
    {
      records: [{ do: 'move', member: 'burst-a', place: { ...place, zone: 'z2', subnet: 's2' } }],
      acts: [],
      says: { reason: 'Making', message: '0 of 1 machines are Ready; burst-a is asked for elsewhere' },
    },
  ],
  [
    'the zone that it was asked for in is no fuller for it',
    {
      members: [making({ recorded: { ...unmade, cpu: 4, memory: '8Gi' }, notMade: true })],
      shortages: short(['z1'], [4]),
    },
    {
      records: [{ do: 'move', member: 'burst-a', place }],
      acts: [],
      says: { reason: 'Making', message: '0 of 1 machines are Ready; burst-a is asked for elsewhere' },
    },
  ],
  [
    'and it goes where the fewest others are',
    {
      bounds: bounds(2),
      members: [making({ recorded: { ...unmade, cpu: 4, memory: '8Gi' }, notMade: true }), named('b')],
      shortages: short(['z1'], [4]),
    },
    {
      records: [{ do: 'move', member: 'burst-a', place: { ...place, zone: 'z2', subnet: 's2' } }],
      acts: [],
      says: { reason: 'Making', message: '1 of 2 machines are Ready; burst-a is asked for elsewhere' },
    },
  ],
  [
    'one that the cloud made after all stays where it is',
    {
      members: [making({ notMade: true, machine: { id: 'uhost-7', state: 'running' } })],
      shortages: short(['z1'], [2]),
    },
    {
      records: [{ do: 'adopt', member: 'burst-a', id: 'uhost-7' }],
      acts: [],
      says: { reason: 'Making', message: '0 of 1 machines are Ready; burst-a is being made' },
    },
  ],
  [
    'as does one that is known, though a list of the cloud lacks it',
    {
      members: [member({ notMade: true, machine: 'absent', node: { ...workingNode, ready: false } })],
      shortages: short(['z1'], [2]),
    },
    {
      ...nothing,
      says: { reason: 'NotReady', message: '0 of 1 machines are Ready; node burst-a (uhost-1) is not ready' },
    },
  ],
  [
    'and waits where there is nowhere else',
    { members: [making({ notMade: true })], shortages: short(['z1', 'z2']) },
    {
      ...nothing,
      says: {
        reason: 'Exhausted',
        message:
          '0 of 1 machines are Ready; the cloud has no machine of any shape in any zone of the group: no stock in z1, no stock in z2',
      },
    },
  ],
  [
    'one that may have been made is not asked for elsewhere',
    { members: [making({ notMade: false, settled: false })], shortages: short(['z1'], [2]) },
    { ...nothing, says: { reason: 'Making', message: '0 of 1 machines are Ready; burst-a is being made' } },
  ],
  [
    'nor is one that is being asked for',
    { members: [making({ notMade: true, settled: false, busy: true })], shortages: short(['z1'], [2]) },
    { ...nothing, says: { reason: 'Making', message: '0 of 1 machines are Ready; burst-a is being made' } },
  ],
  [
    'once the shortage is over it is asked for there',
    { members: [making({ notMade: true })], shortages: short(['z1'], [2]).map((one) => ({ ...one, until: at })) },
    {
      records: [{ do: 'ask-again', member: 'burst-a' }],
      acts: [],
      says: { reason: 'Making', message: '0 of 1 machines are Ready; burst-a is being made' },
    },
  ],
  [
    'machines that are too many leave, and what was next about them does not matter',
    { bounds: bounds(0), members: [making()] },
    {
      records: [{ do: 'leave', member: 'burst-a', why: 'ScaledIn', says: 'there are more machines than are wanted' }],
      acts: [],
      says: {
        reason: 'Leaving',
        message: '0 of 0 machines are Ready; burst-a leaves: there are more machines than are wanted',
      },
    },
  ],
  [
    'one that leaves is not moved as well',
    { bounds: bounds(0), members: [making({ notMade: true })], shortages: short(['z1'], [2]) },
    {
      records: [{ do: 'leave', member: 'burst-a', why: 'ScaledIn', says: 'there are more machines than are wanted' }],
      acts: [],
      says: {
        reason: 'Leaving',
        message: '0 of 0 machines are Ready; burst-a leaves: there are more machines than are wanted',
      },
    },
  ],
  [
    'a pod that is not to be disturbed holds scale-in, and is told once for each machine that stays for it',
    { bounds: bounds(1), members: [named('a', { node: held }), named('b', { node: held })] },
    {
      ...nothing,
      says: {
        reason: 'HeldByPods',
        message: '2 of 1 machines are Ready; a stays because of pod default/job, which says isthmus.dev/do-not-disrupt',
      },
    },
  ],
  [
    'one that was named to go first goes, whatever it does',
    { bounds: bounds(1), leaveFirst: ['b'], members: [named('a', { node: undefined }), named('b')] },
    {
      records: [
        {
          do: 'leave',
          member: 'b',
          why: 'ScaledIn',
          says: 'there are more machines than are wanted, and this one was named to go first',
        },
      ],
      acts: [],
      says: {
        reason: 'Leaving',
        message:
          '1 of 1 machines are Ready; b leaves: there are more machines than are wanted, and this one was named to go first',
      },
    },
  ],
  [
    'one that was named and holds a pod that is not to be disturbed is told, and no other goes',
    {
      bounds: bounds(2),
      leaveFirst: ['b'],
      members: [named('a', { node: held }), named('b', { node: held }), named('c')],
    },
    {
      ...nothing,
      says: {
        reason: 'HeldByPods',
        message: '3 of 2 machines are Ready; b stays because of pod default/job, which says isthmus.dev/do-not-disrupt',
      },
    },
  ],
  [
    'names of machines that have gone are taken out of the object',
    { leaveFirst: ['gone', 'burst-a'], members: [member()] },
    {
      ...nothing,
      object: { do: 'tidy', leaveFirst: ['burst-a'] },
      says: { reason: 'AsWanted', message: '1 of 1 machines are Ready' },
    },
  ],
  [
    'the name of a machine that is there stays named',
    { leaveFirst: ['burst-a'], members: [member()] },
    { ...nothing, says: { reason: 'AsWanted', message: '1 of 1 machines are Ready' } },
  ],
  [
    'a group that is deleted takes those away that were named as well',
    { isDeleted: true, leaveFirst: ['b'], members: [named('b')], bounds: bounds(1) },
    {
      records: [{ do: 'leave', member: 'b', why: 'GroupDeleted', says: 'its group is being deleted' }],
      acts: [],
      says: {
        reason: 'Leaving',
        message: '1 of 0 machines are Ready; b leaves: its group is being deleted',
      },
    },
  ],
  [
    'and of those that stay for one no more are told than were to leave, beside those that do',
    {
      bounds: bounds(1),
      members: [named('a'), named('b', { node: held }), named('c', { node: held })],
    },
    {
      records: [{ do: 'leave', member: 'a', why: 'ScaledIn', says: 'there are more machines than are wanted' }],
      acts: [],
      says: {
        reason: 'HeldByPods',
        message: '3 of 1 machines are Ready; b stays because of pod default/job, which says isthmus.dev/do-not-disrupt',
      },
    },
  ],
  [
    'those that leave count no more, and more are made beside them',
    { members: [named('a', {}, { leaving })] },
    {
      records: [{ do: 'add', place }],
      acts: [{ do: 'mark-leaving', member: 'a' }],
      says: { reason: 'Leaving', message: '0 of 1 machines are Ready; a leaves: too many' },
    },
  ],
  [
    'after machines that did not join the next one waits',
    { members: [], pause: { until: (at + 1) as Instant, says: '2 machines in a row did not join' } },
    {
      ...nothing,
      says: { reason: 'MachinesDoNotJoin', message: '0 of 1 machines are Ready; 2 machines in a row did not join' },
    },
  ],
  [
    'but nothing waits where none is missing',
    { pause: { until: (at + 1) as Instant, says: '2 machines in a row did not join' } },
    { ...nothing, says: { reason: 'AsWanted', message: '1 of 1 machines are Ready' } },
  ],
  [
    'and is made when the wait is over',
    { members: [], pause: { until: at, says: '2 machines in a row did not join' } },
    {
      records: [{ do: 'add', place }],
      acts: [],
      says: { reason: 'Making', message: '0 of 1 machines are Ready; 1 more are asked for' },
    },
  ],
  [
    'a group that is deleted takes all its machines away',
    { isDeleted: true, members: [named('a'), named('b')], bounds: bounds(2) },
    {
      records: [
        { do: 'leave', member: 'a', why: 'GroupDeleted', says: 'its group is being deleted' },
        { do: 'leave', member: 'b', why: 'GroupDeleted', says: 'its group is being deleted' },
      ],
      acts: [],
      says: {
        reason: 'Leaving',
        message:
          '2 of 0 machines are Ready; a leaves: its group is being deleted, b leaves: its group is being deleted',
      },
    },
  ],
  [
    'and is held until they are gone',
    {
      isDeleted: true,
      members: [
        named(
          'a',
          { node: undefined, done: { tokens: true, machine: true } },
          { leaving: { ...leaving, ended: true } },
        ),
      ],
    },
    {
      records: [{ do: 'forget', member: 'a' }],
      acts: [],
      says: { reason: 'Leaving', message: '0 of 0 machines are Ready; a leaves: too many' },
    },
  ],
  [
    'then it is released',
    { isDeleted: true, members: [] },
    { ...nothing, object: { do: 'release' }, says: { reason: 'AsWanted', message: '0 of 0 machines are Ready' } },
  ],
  [
    'and never touched again',
    { isDeleted: true, isHeld: false, members: [] },
    { ...nothing, says: { reason: 'AsWanted', message: '0 of 0 machines are Ready' } },
  ],
  [
    'the heaviest reason is told, with all that have it',
    {
      bounds: bounds(3),
      members: [
        making({ refusal: { says: 'no such image', until: (at + 1) as Instant } }),
        named('b', { node: { ...workingNode, ready: false } }),
        making({ recorded: { ...unmade, name: 'burst-c' }, refusal: { says: 'quota', until: (at + 1) as Instant } }),
      ],
    },
    {
      ...nothing,
      says: {
        reason: 'Refused',
        message: '0 of 3 machines are Ready; burst-a was not made: no such image, burst-c was not made: quota',
      },
    },
  ],
];

test.each(rows)('%s', (_title, seen, plan) => {
  expect(planGroup(group(seen), policy)).toStrictEqual(plan);
});

test.each([
  [bounds(3), 3],
  [bounds(undefined), 0],
  [bounds(undefined, { min: 2 }), 2],
  [bounds(undefined, { initial: 4 }), 4],
  [bounds(12), 10],
  [bounds(1, { min: 2 }), 2],
])('as many are wanted as the bounds allow: %o', (given, wanted) => {
  expect(wantedOf({ bounds: given, isDeleted: false })).toBe(wanted);
  expect(wantedOf({ bounds: given, isDeleted: true })).toBe(0);
});

test('no more are recorded than an object may hold', () => {
  const many = Array.from({ length: 999 }, (_, i) => named(`m-${i}`, {}, { leaving }));
  const plan = planGroup(group({ members: many, bounds: bounds(5) }), policy);
  expect(plan.records.filter((record) => record.do === 'add')).toHaveLength(1);
});
