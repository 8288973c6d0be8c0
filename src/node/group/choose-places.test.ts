import { expect, test } from 'vitest';
import type { Instant } from '#unit/clock.ts';
import { choosePlaces, samePlace } from './choose-places.ts';
import { at, group, recorded } from './group.example.ts';
import type { GroupSeen } from './seen.ts';

const short = (cpu: number, zone: string, until = at + 1): GroupSeen['shortages'][number] => ({
  place: { cpu, memory: cpu === 2 ? '4Gi' : '8Gi', zone, subnet: zone.replace('z', 's') },
  until: until as Instant,
  says: 'none left',
});
const places = (seen: Partial<GroupSeen>, there: readonly string[], count: number): readonly string[] =>
  choosePlaces(
    group(seen),
    there.map((zone) => recorded({ zone, subnet: zone.replace('z', 's') })),
    count,
  ).map(({ cpu, memory, zone, subnet }) => `${cpu} ${memory} ${zone} ${subnet}`);

test.each<[string, Partial<GroupSeen>, readonly string[], number, readonly string[]]>([
  ['none is asked for', {}, [], 0, []],
  ['they are spread, in the order of the zones', {}, [], 3, ['2 4Gi z1 s1', '2 4Gi z2 s2', '2 4Gi z1 s1']],
  ['the zone that has the fewest comes first', {}, ['z1', 'z1', 'z2'], 2, ['2 4Gi z2 s2', '2 4Gi z1 s1']],
  ['a zone that is short is passed over', { shortages: [short(2, 'z1')] }, [], 2, ['2 4Gi z2 s2', '2 4Gi z2 s2']],
  [
    'the next shape comes when every zone is short of the first',
    { shortages: [short(2, 'z1'), short(2, 'z2')] },
    [],
    2,
    ['4 8Gi z1 s1', '4 8Gi z2 s2'],
  ],
  ['a shortage that is over counts no more', { shortages: [short(2, 'z1', at)] }, [], 1, ['2 4Gi z1 s1']],
  [
    'nothing is chosen where there is none of anything',
    { shortages: [short(2, 'z1'), short(2, 'z2'), short(4, 'z1'), short(4, 'z2')] },
    [],
    1,
    [],
  ],
])('%s', (_title, seen, there, count, chosen) => {
  expect(places(seen, there, count)).toEqual(chosen);
});

test.each([{ cpu: 3 }, { memory: '8Gi' }, { zone: 'z2' }, { subnet: 's2' }])(
  'a place that differs in %o is another',
  (other) => {
    expect(samePlace(recorded(), recorded())).toBe(true);
    expect(samePlace(recorded(), recorded(other))).toBe(false);
  },
);
