import { expect, test } from 'vitest';
import type { NodeSelectorTerm } from '#kube/resources.ts';
import { areApart, explainPlace, type Place, placeOfVolume } from './place.ts';

const volume = (driver: string, nodeSelectorTerms?: readonly NodeSelectorTerm[]) => ({
  metadata: { name: 'pv-1' },
  spec: {
    csi: { driver, volumeHandle: 'bsr-1' },
    ...(nodeSelectorTerms && { nodeAffinity: { required: { nodeSelectorTerms } } }),
  },
});
const isIn = (key: string, ...values: string[]): NodeSelectorTerm => ({
  matchExpressions: [{ key, operator: 'In', values }],
});
const udisk = 'udisk.csi.ucloud.cn';
const udiskZone = 'topology.udisk.csi.ucloud.cn/zone';

test.each<[string, ReturnType<typeof volume>, Place | undefined]>([
  ['a cloud disk with its zone', volume(udisk, [isIn(udiskZone, 'cn-bj2-04')]), { ground: 'cloud', zone: 'cn-bj2-04' }],
  ['one of before topology', volume(udisk), { ground: 'cloud' }],
  ['one that two zones can use', volume(udisk, [isIn(udiskZone, 'cn-bj2-04', 'cn-bj2-05')]), { ground: 'cloud' }],
  [
    'one whose alternatives say the same',
    volume(udisk, [isIn(udiskZone, 'cn-bj2-04'), isIn('topology.kubernetes.io/zone', 'cn-bj2-04')]),
    { ground: 'cloud', zone: 'cn-bj2-04' },
  ],
  [
    'one with an alternative that demands no zone',
    volume(udisk, [isIn(udiskZone, 'cn-bj2-04'), isIn('disk', 'ssd')]),
    { ground: 'cloud' },
  ],
  [
    'a disk of a machine',
    volume('local.isthmus.dev', [isIn('kubernetes.io/hostname', 'base-1')]),
    { ground: 'site', machine: 'base-1' },
  ],
  [
    'one that names its machine as its driver does',
    volume('local.isthmus.dev', [isIn('topology.local.isthmus.dev/node', 'base-1')]),
    { ground: 'site', machine: 'base-1' },
  ],
  ['a driver of somebody else', volume('nfs.csi.k8s.io'), undefined],
])('where a volume can be used: %s', (_title, seen, place) => {
  expect(placeOfVolume(seen)).toEqual(place);
});

test('a volume without a driver is not ours to judge', () => {
  expect(placeOfVolume({ metadata: { name: 'pv-1' } })).toBeUndefined();
});

test.each<[Place, Place, boolean]>([
  [{ ground: 'cloud' }, { ground: 'site' }, true],
  [{ ground: 'cloud' }, { ground: 'cloud', zone: 'a' }, false],
  [{ ground: 'cloud', zone: 'b' }, { ground: 'cloud', zone: 'a' }, true],
  [{ ground: 'site', machine: 'base-1' }, { ground: 'site' }, false],
  [{ ground: 'site', machine: 'base-1' }, { ground: 'site', machine: 'base-2' }, true],
  [{ ground: 'site', machine: 'base-1' }, { ground: 'site', machine: 'base-1' }, false],
])('volumes %j and %j apart: %s', (a, b, apart) => {
  expect(areApart(a, b)).toBe(apart);
  expect(areApart(b, a)).toBe(apart);
});

test('a place is told in words', () => {
  const places: Place[] = [
    { ground: 'site', machine: 'base-1' },
    { ground: 'cloud', zone: 'cn-bj2-04' },
    { ground: 'cloud' },
    { ground: 'site' },
  ];
  expect(places.map(explainPlace)).toEqual([
    'on machine base-1',
    'in zone cn-bj2-04 of the cloud',
    'in the cloud',
    'on a machine of the site',
  ]);
});
