import { expect, test } from 'vitest';
import type { NodeObject } from '#kube/resources.ts';
import { type LeavingSeen, type LeavingStep, leavingSeen, planLeaving, type SendersSeen } from './plan-leaving.ts';

const type = 'isthmus.dev/OutOfBalancers';
const before = '2026-11-29T06:00:00.000Z';
const at = '2026-11-29T06:01:00.000Z';
const none: SendersSeen = { undecided: [], balancers: [] };
const leaving: LeavingSeen = { name: 'web-2', machine: 'uhost-2', isOut: true, said: undefined };
const out = { type, status: 'True', reason: 'NoneSends', message: 'no load balancer sends to this node' } as const;
const unknown = (message: string) => ({ type, status: 'Unknown', reason: 'NotKnownYet', message }) as const;
const sends = (message: string) => ({ type, status: 'False', reason: 'StillSending', message }) as const;
const may = 'the load balancers of these may send to this node: ';

const rows: readonly [string, Partial<LeavingSeen>, Partial<SendersSeen>, LeavingStep][] = [
  ['a node that leaves is out when nobody sends', {}, {}, { do: 'say', condition: { ...out, lastTransitionTime: at } }],
  [
    'it is not out while a Service has not come to rest without it',
    {},
    { undecided: ['a/b'] },
    { do: 'say', condition: { ...unknown(`${may}a/b`), lastTransitionTime: at } },
  ],
  [
    'three Services are named, and the rest counted',
    {},
    { undecided: ['a/a', 'a/b', 'a/c', 'a/d', 'a/e'] },
    { do: 'say', condition: { ...unknown(`${may}a/a, a/b, a/c and 2 more`), lastTransitionTime: at } },
  ],
  [
    'a balancer that has it as a back end is named, whatever Services say',
    {},
    { undecided: ['a/b'], balancers: ['nlb-1'] },
    { do: 'say', condition: { ...sends('load balancer nlb-1 sends to this node'), lastTransitionTime: at } },
  ],
  [
    'several are named too',
    {},
    { balancers: ['nlb-1', 'nlb-2'] },
    { do: 'say', condition: { ...sends('load balancers nlb-1, nlb-2 send to this node'), lastTransitionTime: at } },
  ],
  ['what was said is not said again', { said: { ...out, lastTransitionTime: before } }, {}, { do: 'hold' }],
  [
    'that it is out counts from the moment at which nobody sends any more',
    { said: { ...sends('load balancer nlb-1 sends to this node'), lastTransitionTime: before } },
    {},
    { do: 'say', condition: { ...out, lastTransitionTime: at } },
  ],
  [
    'who sends may change without the time of the change',
    { said: { ...sends('load balancers nlb-1, nlb-2 send to this node'), lastTransitionTime: before } },
    { balancers: ['nlb-2'] },
    { do: 'say', condition: { ...sends('load balancer nlb-2 sends to this node'), lastTransitionTime: before } },
  ],
  [
    'a node that stays says nothing any more',
    { isOut: false, said: { ...out, lastTransitionTime: before } },
    {},
    { do: 'withdraw' },
  ],
  ['a node that has always stayed says nothing', { isOut: false }, { balancers: ['nlb-1'] }, { do: 'hold' }],
  ['a machine of the site is never a back end, and says nothing', { machine: undefined }, {}, { do: 'hold' }],
];

test.each(rows)('%s', (_title, seen, senders, step) => {
  expect(planLeaving({ ...leaving, ...seen }, { ...none, ...senders }, at)).toEqual(step);
});

const cloud = { 'isthmus.dev/ground': 'cloud' };

test('what is said for another reason is said anew', () => {
  const said = { ...out, reason: 'Other', lastTransitionTime: before };
  expect(planLeaving({ ...leaving, said }, none, at)).toEqual({
    do: 'say',
    condition: { ...out, lastTransitionTime: before },
  });
});

test.each([{}, { status: {} }])('a node that says nothing yet is seen too: %j', (status) => {
  const metadata = { name: 'web-2', labels: cloud };
  const seen = leavingSeen({ metadata, spec: { providerID: 'ucloud://cn-bj2-04/uhost-2' }, ...status });
  expect(seen).toEqual({ ...leaving, isOut: false });
});

test.each<[string, Partial<NodeObject['metadata']>, NodeObject['spec'], Partial<LeavingSeen>]>([
  ['a node of the cloud', {}, {}, { isOut: false }],
  ['one that does not say clearly what it is', { labels: {} }, {}, { isOut: false, machine: undefined }],
  [
    'one that is about to be removed',
    {},
    { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] },
    {},
  ],
  [
    'one that its label keeps out',
    { labels: { ...cloud, 'node.kubernetes.io/exclude-from-external-load-balancers': '' } },
    {},
    {},
  ],
  ['one that is cordoned alone', {}, { unschedulable: true }, { isOut: false }],
  [
    'one of the site',
    { labels: { 'isthmus.dev/ground': 'site' } },
    { providerID: 'isthmus-site://base-1' },
    { isOut: false, machine: undefined },
  ],
])('%s is seen as such', (_title, metadata, spec, seen) => {
  const node = {
    metadata: { name: 'web-2', labels: cloud, ...metadata },
    spec: { providerID: 'ucloud://cn-bj2-04/uhost-2', ...spec },
    status: {
      conditions: [
        { type: 'Ready', status: 'True' },
        { ...out, lastTransitionTime: before },
      ],
    },
  };
  expect(leavingSeen(node)).toEqual({ ...leaving, said: { ...out, lastTransitionTime: before }, ...seen });
});
