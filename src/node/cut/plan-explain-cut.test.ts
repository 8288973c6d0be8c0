import { expect, test } from 'vitest';
import type { NodeObject, PodObject } from '#kube/resources.ts';
import type { WhenCut } from './choose-when-cut.ts';
import { planCutComplaints, planCutPod } from './plan-explain-cut.ts';

function node(status?: string, rest: object = { reason: 'LineCut', message: 'the line is cut' }): NodeObject {
  const ready = { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message: 'silent' };
  const conditions = [ready, ...(status === undefined ? [] : [{ type: 'isthmus.dev/Cut', status, ...rest }])];
  return { metadata: { name: 'base-1' }, status: { conditions } };
}

test.each<[string, NodeObject, readonly string[]]>([
  ['one that is heard', node(), []],
  ['one that has reported nothing', { metadata: { name: 'base-1' } }, []],
  ['one without conditions', { metadata: { name: 'base-1' }, status: {} }, []],
  ['one that is cut off', node('True'), ['LineCut: the line is cut']],
  ['one whose condition says nothing', node('Unknown', {}), ['silent: ']],
])('status and explain repeat what the Node says: %s', (_title, seen, says) => {
  expect(planCutComplaints(seen)).toEqual(says);
});

const pod: PodObject = { metadata: { name: 'shop' } };
const going: PodObject = { metadata: { name: 'shop', deletionTimestamp: '2026-11-30T10:00:00Z' } };
const stay: WhenCut = { does: 'stay', why: 'nothing says so' };
const move: WhenCut = { does: 'move', why: 'its namespace says so' };
const ends = 'what may still run of it there ends when base-1 is heard again';

test.each<[string, PodObject, NodeObject, WhenCut, readonly string[]]>([
  ['a machine that is heard', pod, node(), stay, []],
  ['a Node that has reported nothing', pod, { metadata: { name: 'base-1' } }, stay, []],
  ['a Node without conditions', pod, { metadata: { name: 'base-1' }, status: {} }, stay, []],
  ['one that stays', pod, node('True'), stay, ['stays on base-1, which is only cut off: nothing says so']],
  [
    'one that moves',
    pod,
    node('True'),
    move,
    ['is deleted when its tolerations end, because base-1 is cut off and its namespace says so'],
  ],
  [
    'one that has moved',
    going,
    node('True'),
    move,
    [`deleted because base-1 was cut off and its namespace says so; ${ends}`],
  ],
  ['a dead machine', pod, node('False'), stay, ['is deleted now, because base-1 is dead']],
  [
    'one deleted on a dead machine',
    going,
    node('False', { reason: 'MachineDead' }),
    stay,
    [`deleted because base-1 did not answer (MachineDead); ${ends}`],
  ],
  [
    'one deleted, nobody knows why',
    going,
    node('Unknown', {}),
    stay,
    [`deleted because base-1 did not answer (silent); ${ends}`],
  ],
  [
    'nobody knows',
    pod,
    node('Unknown'),
    stay,
    ['is deleted when its tolerations end: nobody knows whether base-1 is dead'],
  ],
])('explain says what happens to a pod: %s', (_title, one, where, whenCut, says) => {
  expect(planCutPod(one, where, whenCut)).toEqual(says);
});
