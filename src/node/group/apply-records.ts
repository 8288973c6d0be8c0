import type { GroupMember } from '#kube/api/node-group.ts';
import type { GroupRecord } from './plan-group.ts';

/** What the records of a plan make of the members. @unit at: now, RFC 3339; fresh: gives a name that nothing else has */
export function applyRecords(
  members: readonly GroupMember[],
  records: readonly GroupRecord[],
  at: string,
  fresh: () => string,
): readonly GroupMember[] {
  const made = records.flatMap((record) =>
    record.do === 'add' ? [{ name: fresh(), ...placeOnly(record.place), asked: at }] : [],
  );
  const kept = members.flatMap((member) => {
    const own = records.filter((record) => record.do !== 'add' && record.member === member.name);
    return own.reduce<readonly GroupMember[]>(
      (now, record) => now.flatMap((one) => applied(one, record, at)),
      [member],
    );
  });
  return [...kept, ...made];
}

function applied(member: GroupMember, record: GroupRecord, at: string): readonly GroupMember[] {
  switch (record.do) {
    case 'add':
      return [member];
    case 'adopt':
      return [{ ...member, id: record.id }];
    case 'ask-again':
      return [{ ...member, asked: at }];
    case 'move':
      return [{ ...member, ...placeOnly(record.place), asked: at }];
    case 'note-joined':
      return [{ ...member, joined: true }];
    case 'leave':
      return [{ ...member, leaving: { reason: record.why, says: record.says.slice(0, 1024), since: at } }];
    case 'note-ended':
      return [member.leaving === undefined ? member : { ...member, leaving: { ...member.leaving, ended: true } }];
    case 'forget':
      return [];
  }
}

function placeOnly({ cpu, memory, zone, subnet }: Pick<GroupMember, 'cpu' | 'memory' | 'zone' | 'subnet'>) {
  return { cpu, memory, zone, subnet };
}
