import type { GroupMember } from '#kube/api/node-group.ts';
import { type Instant, minutes, ms } from '#unit/clock.ts';
import type { GroupPolicy, GroupSeen, MemberNode, MemberPods, MemberSeen } from './seen.ts';

/** A group of machines that work, for tests that say what is otherwise. */
export const at = Date.parse('2026-11-30T10:00:00Z') as Instant;
export const policy: GroupPolicy = { untilNode: minutes(3), untilReady: minutes(10) };

export const recorded = (change: Partial<GroupMember> = {}): GroupMember => ({
  name: 'burst-a',
  cpu: 2,
  memory: '4Gi',
  zone: 'z1',
  subnet: 's1',
  asked: '2026-11-30T09:00:00.000Z',
  id: 'uhost-1',
  joined: true,
  ...change,
});

export const workingNode: MemberNode = {
  ready: true,
  labelled: true,
  cordoned: false,
  marked: false,
  sends: undefined,
  connections: ms(0),
  since: (at - 3_000_000) as Instant,
  pods: undefined,
};

export const emptyPods: MemberPods = { toLeave: 0, held: [], refused: [] };

/** One that works. */
export const member = (change: Partial<MemberSeen> = {}, record: Partial<GroupMember> = {}): MemberSeen => ({
  recorded: recorded(record),
  busy: false,
  mayAsk: false,
  notMade: false,
  settled: true,
  refusal: undefined,
  machine: { id: record.id ?? 'uhost-1', state: 'running' },
  doubles: [],
  gone: false,
  node: workingNode,
  join: undefined,
  done: { tokens: false, machine: false },
  ...change,
});

const { id: _id, joined: _joined, ...rest } = recorded();
/** What is recorded of one that the cloud has not made yet. */
export const unmade: GroupMember = rest;

export const making = (change: Partial<MemberSeen> = {}): MemberSeen =>
  member({ recorded: unmade, machine: 'absent', node: undefined, ...change });

export const group = (change: Partial<GroupSeen> = {}): GroupSeen => ({
  at,
  name: 'burst',
  isDeleted: false,
  isHeld: true,
  bounds: { min: 0, max: 10, initial: undefined, desired: 1 },
  leaveFirst: [],
  shapes: [
    { cpu: 2, memory: '4Gi' },
    { cpu: 4, memory: '8Gi' },
  ],
  zones: [
    { zone: 'z1', subnet: 's1' },
    { zone: 'z2', subnet: 's2' },
  ],
  members: [member()],
  shortages: [],
  pause: undefined,
  ...change,
});
