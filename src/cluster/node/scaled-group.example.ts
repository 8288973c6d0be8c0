import type { GroupMember, NodeGroupObject, NodeGroupSpec } from '#kube/api/node-group.ts';

/** A recorded machine of a group that works, for tests that say what is otherwise. */
export const memberNamed = (name: string, change: Partial<GroupMember> = {}): GroupMember => ({
  name,
  cpu: 2,
  memory: '4Gi',
  zone: 'z1',
  subnet: 's1',
  asked: '2026-11-30T09:00:00.000Z',
  id: `uhost-${name}`,
  joined: true,
  ...change,
});

export const leaving = { reason: 'ScaledIn', says: 'too many', since: '2026-11-30T09:59:00.000Z' };

/** A group that has these machines and says this. */
export const groupWith = (
  members: readonly GroupMember[],
  spec: Partial<NodeGroupSpec> = {},
  {
    name = 'burst',
    said,
    deleted = false,
  }: { name?: string; said?: readonly [string, string]; deleted?: boolean } = {},
): NodeGroupObject => ({
  metadata: { name, ...(deleted && { deletionTimestamp: '2026-11-30T10:00:00Z' }) },
  spec: {
    shapes: [{ cpu: 2, memory: '4Gi' }],
    image: 'i',
    disk: '40Gi',
    charge: 'hour',
    min: 0,
    max: 5,
    desired: members.length,
    ...spec,
  },
  status: {
    members: [...members],
    ...(said && {
      conditions: [{ type: 'Scaled', status: 'False', reason: said[0], message: said[1], lastTransitionTime: '' }],
    }),
  },
});
