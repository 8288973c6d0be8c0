import { expect, test } from 'vitest';
import { type Instant, minutes, ms, seconds } from '#unit/clock.ts';
import { at, emptyPods, making, member, policy, unmade, workingNode } from './group.example.ts';
import { heldBy, type MemberPlan, planMember } from './plan-member.ts';
import type { MemberNode, MemberSeen } from './seen.ts';

const node = (change: Partial<MemberNode> = {}): MemberNode => ({ ...workingNode, ...change });
const leaving = { reason: 'ScaledIn', says: 'too many', since: '2026-11-30T09:59:00.000Z' };
/** One that leaves, and whose Node is marked and cordoned. */
const going = (change: Partial<MemberSeen> = {}, marked: Partial<MemberNode> = {}): MemberSeen =>
  member({ node: node({ marked: true, cordoned: true, pods: emptyPods, ...marked }), ...change }, { leaving });
const gone = (change: Partial<MemberSeen> = {}): MemberSeen =>
  member({ node: undefined, machine: 'absent', ...change }, { leaving: { ...leaving, ended: true } });
const unmadeGoing = (change: Partial<MemberSeen> = {}): MemberSeen =>
  making({ recorded: { ...unmade, leaving }, ...change });
const refusal = (until: number) => ({ says: 'no such image', until: until as Instant });
const joiningSince = (since: number, says = 'it has not reported any progress yet') => ({
  lastProgress: (at - since) as Instant,
  says,
});
/** One that boots. */
const joining = (since: number, change: Partial<MemberSeen> = {}): MemberSeen =>
  member({ node: undefined, join: joiningSince(since), ...change }, { joined: false });

const isMade = { why: 'Making', says: 'burst-a is being made' } as const;
const leaves = { why: 'Leaving', says: 'burst-a leaves: too many' } as const;
const joins = { why: 'Joining', says: 'burst-a (uhost-1) is joining: it has not reported any progress yet' } as const;
const notReady = { why: 'NotReady', says: 'node burst-a (uhost-1) is not ready' } as const;

const rows: readonly [string, MemberSeen, MemberPlan][] = [
  ['one that works needs nothing', member(), {}],

  // Making
  [
    'the cloud is asked for one that was recorded just now',
    making({ mayAsk: true, settled: false }),
    { act: { do: 'create', member: 'burst-a' }, wait: isMade },
  ],
  ['one that another process may have asked for is waited for', making({ settled: false }), { wait: isMade }],
  [
    'one that never came is recorded anew before it is asked for again',
    making(),
    { record: { do: 'ask-again', member: 'burst-a' }, wait: isMade },
  ],
  [
    'what the cloud made is adopted',
    making({ machine: { id: 'uhost-7', state: 'creating' } }),
    { record: { do: 'adopt', member: 'burst-a', id: 'uhost-7' }, wait: isMade },
  ],
  [
    'as long as the cloud does not say whether it made one, it is not asked',
    making({ machine: 'unknown', mayAsk: true }),
    { wait: { why: 'CloudUnclear', says: 'the cloud does not say whether there is burst-a' } },
  ],
  [
    'a cloud that refuses is left alone for a while',
    making({ refusal: refusal(at + 1), mayAsk: true }),
    { wait: { why: 'Refused', says: 'burst-a was not made: no such image' } },
  ],
  [
    'and asked again then',
    making({ refusal: refusal(at) }),
    {
      record: { do: 'ask-again', member: 'burst-a' },
      wait: { why: 'Refused', says: 'burst-a was not made: no such image' },
    },
  ],
  ['what is being done comes to its end first', making({ mayAsk: true, busy: true }), { wait: isMade }],
  ['of one that works nothing waits while something is done', member({ busy: true, doubles: ['uhost-2'] }), {}],

  // Joining
  ['one that boots is waited for', joining(minutes(3) - 1), { wait: joins }],
  [
    'one of which nobody knows yet whether it boots too',
    joining(0, { join: undefined, machine: { id: 'uhost-1', state: 'creating' } }),
    { wait: { why: 'Joining', says: 'burst-a (uhost-1) is joining' } },
  ],
  [
    'one that has made no progress for three minutes is replaced, and what is known of it is kept',
    joining(minutes(3)),
    {
      record: {
        do: 'leave',
        member: 'burst-a',
        why: 'NotJoined',
        says: 'burst-a (uhost-1) has not joined, without progress for 3 min 00 s: the cloud says that it is running; it has not reported any progress yet',
      },
      wait: joins,
    },
  ],
  [
    'one whose Node is there has ten minutes to be ready',
    joining(minutes(10) - 1, { node: node({ ready: false }) }),
    { wait: joins },
  ],
  [
    'and is replaced after them',
    joining(minutes(10), { node: node({ ready: false }), machine: 'unknown' }),
    {
      record: {
        do: 'leave',
        member: 'burst-a',
        why: 'NotJoined',
        says: 'burst-a (uhost-1) has joined and has never been ready, without progress for 10 min 00 s: it has not reported any progress yet',
      },
      wait: joins,
    },
  ],
  [
    'the Node of one that has joined gets the label of the group',
    member({ node: node({ labelled: false }) }),
    { act: { do: 'label-node', member: 'burst-a' } },
  ],
  [
    'also before it is ready',
    joining(0, { node: node({ labelled: false, ready: false }) }),
    { act: { do: 'label-node', member: 'burst-a' }, wait: joins },
  ],
  [
    'the token of one that is ready for the first time is removed',
    joining(0, { node: node() }),
    { act: { do: 'remove-tokens', member: 'burst-a' } },
  ],
  [
    'and then it has joined',
    joining(0, { node: node(), done: { tokens: true, machine: false } }),
    { record: { do: 'note-joined', member: 'burst-a' } },
  ],
  [
    'a double of one that is known is removed',
    member({ doubles: ['uhost-2', 'uhost-3'] }),
    { act: { do: 'remove-double', member: 'burst-a', id: 'uhost-2' } },
  ],
  [
    'also while it joins',
    joining(0, { doubles: ['uhost-2'] }),
    { act: { do: 'remove-double', member: 'burst-a', id: 'uhost-2' }, wait: joins },
  ],
  [
    'what the cloud refused to do about it is told and left for a while',
    member({ doubles: ['uhost-2'], refusal: refusal(at + 1) }),
    { wait: { why: 'Refused', says: 'burst-a (uhost-1): no such image' } },
  ],
  [
    'and tried again then',
    member({ doubles: ['uhost-2'], refusal: refusal(at) }),
    { act: { do: 'remove-double', member: 'burst-a', id: 'uhost-2' } },
  ],

  // Trouble
  ['one that is not ready is told', member({ node: node({ ready: false }) }), { wait: notReady }],
  [
    'one that has joined long ago is not replaced for want of progress',
    member({ node: node({ ready: false }), join: joiningSince(minutes(60)) }),
    { wait: notReady },
  ],
  [
    'one whose installation failed is replaced',
    joining(0, { machine: { id: 'uhost-1', state: 'failed' } }),
    {
      record: {
        do: 'leave',
        member: 'burst-a',
        why: 'InstallFailed',
        says: 'the cloud reports that the installation of burst-a (uhost-1) failed',
      },
      wait: joins,
    },
  ],
  [
    'one that is switched off is replaced',
    member({ machine: { id: 'uhost-1', state: 'stopped' }, node: node({ ready: false }) }),
    {
      record: {
        do: 'leave',
        member: 'burst-a',
        why: 'SwitchedOff',
        says: 'burst-a (uhost-1) is switched off in the cloud, and its node is not ready',
      },
      wait: notReady,
    },
  ],
  [
    'one that works is not replaced, whatever the cloud says',
    member({ machine: { id: 'uhost-1', state: 'stopped' }, gone: true }),
    {},
  ],
  [
    'one that is gone for certain is replaced once it has no Node',
    member({ machine: 'absent', gone: true, node: undefined }),
    {
      record: {
        do: 'leave',
        member: 'burst-a',
        why: 'MachineGone',
        says: 'the cloud does not know the machine of burst-a (uhost-1) any more',
      },
      wait: notReady,
    },
  ],
  [
    'and as long as there is a Node only told',
    member({ machine: 'absent', gone: true, node: node({ ready: false }) }),
    { wait: { why: 'MachineMissing', says: 'the cloud does not know uhost-1 of burst-a' } },
  ],
  ['that a list lacks it is no proof', member({ machine: 'absent', node: undefined }), { wait: notReady }],
  [
    'a cloud that does not answer about one without a Node is told',
    member({ machine: 'unknown', node: undefined }),
    { wait: { why: 'CloudUnclear', says: 'the cloud does not say how uhost-1 of burst-a is' } },
  ],
  [
    'of one with a Node its Node is told',
    member({ machine: 'unknown', node: node({ ready: false }) }),
    { wait: notReady },
  ],

  // Leaving
  [
    'one that leaves is marked, so that load balancers leave it out',
    going({}, { marked: false }),
    { act: { do: 'mark-leaving', member: 'burst-a' }, wait: leaves },
  ],
  ['and cordoned', going({}, { cordoned: false }), { act: { do: 'mark-leaving', member: 'burst-a' }, wait: leaves }],
  [
    'it stays while load balancers may send to it',
    going({}, { sends: 'load balancer lb-1 sends to this node' }),
    { wait: { why: 'Leaving', says: 'burst-a leaves: load balancer lb-1 sends to this node' } },
  ],
  ['while its pods are not known nothing is done', going({}, { pods: undefined }), { wait: leaves }],
  [
    'a pod that is not to be disturbed keeps it',
    going({}, { pods: { toLeave: 2, held: ['default/job', 'default/job-2'], refused: [] } }),
    {
      wait: {
        why: 'HeldByPods',
        says: 'burst-a stays because of pod default/job, which says isthmus.dev/do-not-disrupt',
      },
    },
  ],
  [
    'its pods are evicted',
    going({}, { pods: { ...emptyPods, toLeave: 2 } }),
    {
      act: { do: 'evict', member: 'burst-a' },
      wait: { why: 'Leaving', says: 'burst-a leaves: 2 of its pods are still there' },
    },
  ],
  [
    'as far as their budgets allow',
    going({}, { pods: { ...emptyPods, toLeave: 1, refused: ['default/web: budget'] } }),
    {
      act: { do: 'evict', member: 'burst-a' },
      wait: { why: 'HeldByBudgets', says: 'burst-a cannot leave yet: default/web: budget' },
    },
  ],
  [
    'connections have their time',
    going({}, { connections: seconds(1) }),
    { wait: { why: 'Leaving', says: 'burst-a leaves: connections from load balancers have their time to end' } },
  ],
  [
    'then the machine ends',
    going({}, { connections: ms(0) }),
    { act: { do: 'remove-machine', member: 'burst-a' }, wait: leaves },
  ],
  [
    'one that is not ready has nothing to be emptied of',
    going({}, { ready: false, marked: false, pods: { ...emptyPods, toLeave: 3 } }),
    { act: { do: 'remove-machine', member: 'burst-a' }, wait: leaves },
  ],
  [
    'nor has one without a Node',
    going({ node: undefined }),
    { act: { do: 'remove-machine', member: 'burst-a' }, wait: leaves },
  ],
  [
    'that it has ended is recorded',
    going({ done: { tokens: false, machine: true } }),
    { record: { do: 'note-ended', member: 'burst-a' }, wait: leaves },
  ],
  [
    'then a double goes',
    gone({ doubles: ['uhost-2'], node: node() }),
    { act: { do: 'remove-double', member: 'burst-a', id: 'uhost-2' }, wait: leaves },
  ],
  ['then its Node', gone({ node: node() }), { act: { do: 'delete-node', member: 'burst-a' }, wait: leaves }],
  ['then its token', gone(), { act: { do: 'remove-tokens', member: 'burst-a' }, wait: leaves }],
  [
    'and the record of it last',
    gone({ done: { tokens: true, machine: true } }),
    { record: { do: 'forget', member: 'burst-a' }, wait: leaves },
  ],
  ['one that leaves and may be on its way is waited for', unmadeGoing({ settled: false }), { wait: leaves }],
  [
    'and adopted when it comes',
    unmadeGoing({ machine: { id: 'uhost-7', state: 'running' } }),
    { record: { do: 'adopt', member: 'burst-a', id: 'uhost-7' }, wait: leaves },
  ],
  [
    'one that never came is forgotten, its token first',
    unmadeGoing(),
    { act: { do: 'remove-tokens', member: 'burst-a' }, wait: leaves },
  ],
  [
    'then its record',
    unmadeGoing({ done: { tokens: true, machine: false } }),
    { record: { do: 'forget', member: 'burst-a' }, wait: leaves },
  ],
  [
    'and never while the cloud does not say',
    unmadeGoing({ machine: 'unknown', done: { tokens: true, machine: false } }),
    { wait: { why: 'CloudUnclear', says: 'the cloud does not say whether there is burst-a' } },
  ],
];

test.each(rows)('%s', (_title, seen, plan) => {
  expect(planMember(seen, at, policy)).toStrictEqual(plan);
});

test('the pod that keeps a machine is named', () => {
  expect(heldBy('burst-a', ['default/job'])).toEqual({
    why: 'HeldByPods',
    says: 'burst-a stays because of pod default/job, which says isthmus.dev/do-not-disrupt',
  });
});
