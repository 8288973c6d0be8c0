import { expect, test } from 'vitest';
import type { Place } from '../place.ts';
import { planPlaces } from './plan-places.ts';

const inZone = (zone: string): Place => ({ ground: 'cloud', zone });
const onMachine = (machine: string): Place => ({ ground: 'site', machine });

test.each<[string, Readonly<Record<string, Place>>, Readonly<Record<string, Place>> | undefined]>([
  ['no volume', {}, undefined],
  ['all in one zone, one of them not made yet', { b: inZone('z1'), a: { ground: 'cloud' } }, undefined],
  ['two zones', { b: inZone('z1'), a: inZone('z2') }, { a: inZone('z2'), b: inZone('z1') }],
  [
    'both sides, and one beside them',
    { c: { ground: 'cloud' }, a: { ground: 'site' }, b: inZone('z1') },
    { a: { ground: 'site' }, b: inZone('z1'), c: { ground: 'cloud' } },
  ],
  [
    'two machines',
    { a: onMachine('base-1'), b: onMachine('base-2') },
    { a: onMachine('base-1'), b: onMachine('base-2') },
  ],
  ['one machine', { a: onMachine('base-1'), b: onMachine('base-1'), c: { ground: 'site' } }, undefined],
])('%s', (_title, places, wanted) => {
  const planned = planPlaces(new Map(Object.entries(places)));
  expect(planned).toEqual(wanted);
  expect(Object.keys(planned ?? {})).toEqual(Object.keys(wanted ?? {}));
});
