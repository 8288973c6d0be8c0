import { expect, test } from 'vitest';
import type { GroupMember } from '#kube/api/node-group.ts';
import { applyRecords } from './apply-records.ts';
import { recorded, unmade } from './group.example.ts';
import type { GroupRecord } from './plan-group.ts';

const now = '2026-11-30T10:00:00.000Z';
const there = { cpu: 4, memory: '8Gi', zone: 'z2', subnet: 's2' };
const leaving = { reason: 'ScaledIn', says: 'too many', since: now };
const other = recorded({ name: 'burst-b', id: 'uhost-2' });

test.each<[string, GroupMember, GroupRecord, readonly GroupMember[]]>([
  ['its id', unmade, { do: 'adopt', member: 'burst-a', id: 'uhost-7' }, [{ ...unmade, id: 'uhost-7' }]],
  ['when it is asked for again', unmade, { do: 'ask-again', member: 'burst-a' }, [{ ...unmade, asked: now }]],
  [
    'where it is asked for now',
    unmade,
    { do: 'move', member: 'burst-a', place: { ...there, extra: 1 } as typeof there },
    [{ ...unmade, ...there, asked: now }],
  ],
  [
    'that it has joined',
    recorded({ joined: false }),
    { do: 'note-joined', member: 'burst-a' },
    [recorded({ joined: true })],
  ],
  [
    'why it leaves',
    recorded(),
    { do: 'leave', member: 'burst-a', why: 'ScaledIn', says: 'too many' },
    [recorded({ leaving })],
  ],
  [
    'no more of that than fits',
    recorded(),
    { do: 'leave', member: 'burst-a', why: 'ScaledIn', says: 'x'.repeat(2000) },
    [recorded({ leaving: { ...leaving, says: 'x'.repeat(1024) } })],
  ],
  [
    'that it has ended',
    recorded({ leaving }),
    { do: 'note-ended', member: 'burst-a' },
    [recorded({ leaving: { ...leaving, ended: true } })],
  ],
  ['which one that stays has not', recorded(), { do: 'note-ended', member: 'burst-a' }, [recorded()]],
  ['that it is no more', recorded({ leaving }), { do: 'forget', member: 'burst-a' }, []],
])('of a machine is written down %s, and nothing of another one', (_title, member, record, members) => {
  expect(applyRecords([member, other], [record], now, () => 'never')).toEqual([...members, other]);
});

test('each new machine gets a name of its own', () => {
  let next = 0;
  const place = { cpu: 2, memory: '4Gi', zone: 'z1', subnet: 's1' };
  const records: readonly GroupRecord[] = [
    { do: 'add', place },
    { do: 'add', place: there },
  ];
  expect(applyRecords([other], records, now, () => `burst-${++next}`)).toEqual([
    other,
    { name: 'burst-1', ...place, asked: now },
    { name: 'burst-2', ...there, asked: now },
  ]);
});
