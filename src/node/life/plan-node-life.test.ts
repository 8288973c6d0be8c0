import { expect, test } from 'vitest';
import type { MachineLook } from '#cloud/look-at-machine.ts';
import { type Ms, ms, seconds } from '#unit/clock.ts';
import {
  type FleetSeen,
  type LifeStep,
  lifeAfter,
  type MachineLife,
  type NodeSeen,
  planNextLook,
  planNodeLife,
  usualPolicy,
} from './plan-node-life.ts';

const known: MachineLife = { at: 'known' };
const missing = (notFounds: number, counted: number, unclear?: string): MachineLife => ({
  at: 'missing',
  notFounds,
  counted: seconds(counted),
  unclear,
});
const gone: MachineLook = { says: 'gone' };
const away: MachineLook = { says: 'unclear', why: 'it timed out' };

test('the policy is that of the design: three not-founds, a minute apart, a tenth at once', () => {
  expect(usualPolicy).toEqual({
    notFounds: 3,
    apart: seconds(60),
    young: seconds(120),
    unclearFor: seconds(15),
    share: 0.1,
  });
});

test.each<[string, MachineLife, MachineLook, number, MachineLife]>([
  ['the first not-found', known, gone, 100, missing(1, 100)],
  ['one a minute later counts', missing(1, 100), gone, 160, missing(2, 160)],
  ['one sooner does not', missing(1, 100), gone, 159.999, missing(1, 100)],
  ['one after a long time counts once', missing(2, 160), gone, 900, missing(3, 900)],
  [
    'an unclear answer counts for nothing and proves nothing',
    missing(2, 160),
    away,
    220,
    missing(2, 160, 'it timed out'),
  ],
  ['a not-found after it counts', missing(2, 160, 'it timed out'), gone, 235, missing(3, 235)],
  ['one that comes too soon after it is clear again', missing(2, 160, 'it timed out'), gone, 175, missing(2, 160)],
  ['an unclear answer about a machine that is known', known, away, 100, known],
  ['a machine that runs', missing(2, 160), { says: 'on' }, 220, known],
  ['a machine that is off is there', missing(2, 160), { says: 'off' }, 220, known],
  ['a machine that starts is there', missing(2, 160), { says: 'changing' }, 220, known],
  ['a machine under this id that is not ours', missing(2, 160), { says: 'not-ours', why: 'another mark' }, 220, known],
])('%s', (_title, before, look, asked, after) => {
  expect(lifeAfter(before, look, { at: seconds(asked), age: seconds(120) }, usualPolicy)).toEqual(after);
});

test('a list that does not have the machine of a new node yet counts for nothing', () => {
  const asked = { at: seconds(100), age: ms(119_999) };
  expect(lifeAfter(known, gone, asked, usualPolicy)).toEqual(known);
});

test.each<[string, MachineLife, { at: Ms; isClear: boolean } | undefined, number, Ms]>([
  ['a node that nobody was asked about', known, undefined, 100, ms(0)],
  ['a machine that is known', known, { at: seconds(100), isClear: true }, 110, seconds(50)],
  ['a machine that is missing', missing(1, 100), { at: seconds(130), isClear: true }, 130, seconds(30)],
  ['an unclear answer', missing(1, 100), { at: seconds(130), isClear: false }, 135, seconds(10)],
  ['an unclear answer about a known machine', known, { at: seconds(130), isClear: false }, 130, seconds(15)],
  ['what is overdue', known, { at: seconds(100), isClear: true }, 500, ms(0)],
])('the next look: %s', (_title, life, asked, now, wait) => {
  expect(planNextLook(life, asked, seconds(now), usualPolicy)).toBe(wait);
});

const worker: NodeSeen = { answers: false, isControlPlane: false, life: missing(3, 220) };
const ten: FleetSeen = { nodes: 10, missing: 0, deleted: 0 };
const leave: LifeStep = { do: 'leave' };
const deleted: LifeStep = {
  do: 'delete',
  why: 'DeletingNode',
  says: 'the cloud has said 3 times that it does not know the machine, so the Node is deleted',
};
const tooMany = (others: string, all: number, most: number): LifeStep => ({
  do: 'hold',
  why: 'TooManyMissing',
  says: `the cloud does not know the machine, nor those of ${others}, of ${all} in all: no more than ${most} at once are deleted, so check the keys, region and project of the controller; kubectl delete node removes a Node whose machine is gone for good`,
});

test.each<[string, NodeSeen, FleetSeen, LifeStep]>([
  ['a machine that is known', { ...worker, life: known }, ten, leave],
  ['a node that is ready, whatever the cloud says', { ...worker, answers: true }, ten, leave],
  [
    'once',
    { ...worker, life: missing(1, 100) },
    ten,
    {
      do: 'hold',
      why: 'ConfirmingMissing',
      says: 'the cloud does not know the machine, and is asked again: 1 of 3 times so far',
    },
  ],
  [
    'twice',
    { ...worker, life: missing(2, 160) },
    ten,
    {
      do: 'hold',
      why: 'ConfirmingMissing',
      says: 'the cloud does not know the machine, and is asked again: 2 of 3 times so far',
    },
  ],
  ['three times', worker, ten, deleted],
  [
    'three times, and then no clear answer',
    { ...worker, life: missing(3, 220, 'it timed out') },
    ten,
    { do: 'hold', why: 'AnswerUnclear', says: 'whether the machine is gone is not known: it timed out' },
  ],
  [
    'a control plane node',
    { ...worker, isControlPlane: true },
    ten,
    {
      do: 'hold',
      why: 'ControlPlaneMissing',
      says: 'the cloud does not know the machine of this control plane node: its Node stays, because a person must decide what happens to the data of the cluster',
    },
  ],
  ['the only node of the cloud', worker, { nodes: 1, missing: 0, deleted: 0 }, deleted],
  ['two of ten', worker, { ...ten, missing: 1 }, tooMany('1 other nodes', 10, 1)],
  [
    'one of ten just after another',
    worker,
    { ...ten, deleted: 1 },
    tooMany('0 other nodes and 1 deleted a moment ago', 10, 1),
  ],
  ['two of nineteen', worker, { nodes: 19, missing: 1, deleted: 0 }, tooMany('1 other nodes', 19, 1)],
  ['two of twenty', worker, { nodes: 20, missing: 1, deleted: 0 }, deleted],
  ['one of twenty just after another', worker, { nodes: 20, missing: 0, deleted: 1 }, deleted],
  [
    'three of twenty',
    worker,
    { nodes: 20, missing: 1, deleted: 1 },
    tooMany('1 other nodes and 1 deleted a moment ago', 20, 2),
  ],
])('planNodeLife: %s', (_title, node, fleet, step) => {
  expect(planNodeLife(node, fleet, usualPolicy)).toEqual(step);
});
