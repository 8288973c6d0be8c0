import { expect, test } from 'vitest';
import { chooseZone, type Segments, segmentsOf, type ZoneAsked, type ZoneChoice } from './choose-zone.ts';

function uk8s(zone: string, region = 'cn-bj2'): Segments {
  return { 'topology.udisk.csi.ucloud.cn/region': region, 'topology.udisk.csi.ucloud.cn/zone': zone };
}
const neutral: Segments = { 'topology.isthmus.dev/zone': 'cn-bj2-05' };
const at = { region: 'cn-bj2', usual: 'cn-bj2-04', only: undefined };

const rows: readonly (readonly [string, Partial<ZoneAsked>, string | undefined, ZoneChoice])[] = [
  ['nothing told', {}, undefined, { ok: true, zone: 'cn-bj2-04' }],
  ['nothing told of a copy', {}, 'cn-bj2-05', { ok: true, zone: 'cn-bj2-05' }],
  [
    'the zone of the chosen node',
    { preferred: [uk8s('cn-bj2-05')], requisite: [uk8s('cn-bj2-04'), uk8s('cn-bj2-05')] },
    undefined,
    { ok: true, zone: 'cn-bj2-05' },
  ],
  ['the neutral name', { requisite: [neutral] }, undefined, { ok: true, zone: 'cn-bj2-05' }],
  [
    'a region alone',
    { requisite: [{ 'topology.udisk.csi.ucloud.cn/region': 'cn-bj2' }] },
    undefined,
    { ok: true, zone: 'cn-bj2-04' },
  ],
  [
    'a copy where its source is',
    { preferred: [uk8s('cn-bj2-04')], requisite: [uk8s('cn-bj2-05')] },
    'cn-bj2-05',
    { ok: true, zone: 'cn-bj2-05' },
  ],
  [
    'a copy elsewhere',
    { requisite: [uk8s('cn-bj2-04')] },
    'cn-bj2-05',
    { ok: false, fault: 'what it is copied from is in zone cn-bj2-05, and the volume is wanted in cn-bj2/cn-bj2-04' },
  ],
  [
    'another region',
    { requisite: [uk8s('cn-sh2-02', 'cn-sh2')] },
    undefined,
    {
      ok: false,
      fault: 'cloud disks of this cluster are in region cn-bj2, and the volume is wanted in cn-sh2/cn-sh2-02',
    },
  ],
  [
    'other regions, for a copy',
    {
      requisite: [
        { 'topology.udisk.csi.ucloud.cn/zone': 'cn-sh2-02', 'topology.udisk.csi.ucloud.cn/region': 'cn-sh2' },
        uk8s('cn-gd-02', 'cn-gd'),
      ],
    },
    'cn-bj2-05',
    {
      ok: false,
      fault:
        'cloud disks of this cluster are in region cn-bj2, and the volume is wanted in cn-sh2/cn-sh2-02, cn-gd/cn-gd-02',
    },
  ],
];

test.each(rows)('%s', (_title, asked, only, choice) => {
  expect(chooseZone({ preferred: [], requisite: [], ...asked }, { ...at, only })).toEqual(choice);
});

test('a disk can be used in its zone, as UK8S names it', () => {
  expect(segmentsOf('cn-bj2', 'cn-bj2-04')).toEqual(uk8s('cn-bj2-04'));
});
