import { expect, test } from 'vitest';
import type { Signature } from '#host/signatures.ts';
import { gibi } from '#unit/bytes.ts';
import type { FormatMark } from './format-mark.ts';
import { type DeviceLook, type FormatStep, type FormatWish, planFormat } from './plan-format.ts';

const uuid = '6c1fa2a6-0000-4000-8000-000000000001';
const blank: DeviceLook = {
  size: gibi(10),
  isReadOnly: false,
  users: [],
  probe: { sees: 'nothing' },
  scan: { found: [], nonZeroAt: undefined },
  mark: { is: 'absent' },
};
const wish: FormatWish = { volume: 'bsr-1', type: 'ext4', madeBlank: gibi(10), isWritable: true };

function holding(what: string, type?: 'ext4' | 'xfs', own = uuid): DeviceLook {
  const found: Signature = {
    what,
    at: 0,
    ...(type !== undefined && { fileSystem: { type, uuid: own, size: gibi(10) } }),
  };
  return { ...blank, probe: { sees: 'one', what, uuid: own }, scan: { found: [found], nonZeroAt: 0 } };
}
const ext4 = holding('ext4', 'ext4');

function marked(state: FormatMark['state'], look: DeviceLook, change: Partial<FormatMark> = {}): DeviceLook {
  return { ...look, mark: { is: 'mark', mark: { state, volume: 'bsr-1', type: 'ext4', uuid, ...change } } };
}
const garbage: DeviceLook = { ...blank, scan: { found: [], nonZeroAt: 4096 } };
const copy: Signature = { what: 'a copy of an ext superblock', at: 2 ** 27 };

type Row = readonly [title: string, look: DeviceLook, wish: Partial<FormatWish>, step: string];
const rows: readonly Row[] = [
  ['blank, and recorded as made blank', blank, {}, 'format blank'],
  ['blank, and grown since it was made', { ...blank, size: gibi(20) }, {}, 'format blank'],
  [
    'blank, and not recorded: a copy, or a disk of somebody else',
    blank,
    { madeBlank: undefined },
    'refuse not-recorded-blank',
  ],
  ['smaller than it was made', { ...blank, size: gibi(9) }, {}, 'refuse too-small'],
  ['blank with partitions', { ...blank, users: ['vdb1'] }, {}, 'refuse in-use'],
  ['blank and read-only', { ...blank, isReadOnly: true }, {}, 'refuse read-only'],
  ['blank, for a reader', blank, { isWritable: false }, 'refuse read-only'],
  ['the file system', ext4, {}, 'mount holds-it'],
  ['the file system of a copy', ext4, { madeBlank: undefined }, 'mount holds-it'],
  ['the file system, for a reader', ext4, { isWritable: false }, 'mount holds-it'],
  [
    'the file system with its own copies of the superblock',
    { ...ext4, scan: { ...ext4.scan, found: [...ext4.scan.found, copy] } },
    {},
    'mount holds-it',
  ],
  ['another file system than was asked for', holding('xfs', 'xfs'), {}, 'refuse other-type'],
  ['LUKS', holding('LUKS'), {}, 'refuse other-content'],
  [
    'a file system and LUKS',
    { ...ext4, scan: { ...ext4.scan, found: [...ext4.scan.found, { what: 'LUKS', at: 0 }] } },
    {},
    'refuse other-content',
  ],
  ['signatures of several, as blkid sees it', { ...ext4, probe: { sees: 'several' } }, {}, 'refuse other-content'],
  ['a file system that blkid alone sees', { ...blank, probe: ext4.probe }, {}, 'refuse looks-disagree'],
  ['a file system that blkid does not see', { ...ext4, probe: { sees: 'nothing' } }, {}, 'refuse looks-disagree'],
  [
    'one that the two looks name differently',
    { ...ext4, probe: { sees: 'one', what: 'xfs', uuid } },
    {},
    'refuse other-content',
  ],
  [
    'a broken superblock with a copy of it',
    { ...blank, scan: { found: [copy], nonZeroAt: 5 } },
    {},
    'refuse looks-disagree',
  ],
  ['something that nobody knows', garbage, {}, 'refuse unknown-content'],
  ['something where the mark would be', { ...blank, mark: { is: 'other' } }, {}, 'refuse unknown-content'],
  ['a file system that has grown over its mark', { ...ext4, mark: { is: 'other' } }, {}, 'mount holds-it'],
  ['the mark of a finished format and the file system', marked('done', ext4), {}, 'mount holds-it'],
  ['the mark of a finished format and zeros', marked('done', blank), {}, 'refuse lost-file-system'],
  ['the mark of a finished format and rubbish', marked('done', garbage), {}, 'refuse lost-file-system'],
  ['a format that was killed before it wrote anything', marked('begun', blank), {}, 'format never-finished'],
  ['a format that was killed half-way', marked('begun', garbage), {}, 'format never-finished'],
  ['a format that was killed after its end', marked('begun', ext4), {}, 'format never-finished'],
  ['a killed format, for a reader', marked('begun', garbage), { isWritable: false }, 'refuse read-only'],
  [
    'a killed format, and another file system now',
    marked('begun', holding('ext4', 'ext4', 'other')),
    {},
    'refuse other-content',
  ],
  ['a killed format, and LUKS now', marked('begun', holding('LUKS')), {}, 'refuse other-content'],
  [
    'a killed format, and several things now',
    marked('begun', { ...garbage, probe: { sees: 'several' } }),
    {},
    'refuse other-content',
  ],
  [
    'a killed format of another volume',
    marked('begun', garbage, { volume: 'bsr-2' }),
    {},
    'refuse unfinished-of-another',
  ],
  ['a copy of a killed format', marked('begun', ext4), { madeBlank: undefined }, 'refuse unfinished-of-another'],
];

function told(step: FormatStep): string {
  return `${step.do} ${step.why}`;
}

test.each(rows)('%s', (_title, look, change, step) => {
  expect(told(planFormat(look, { ...wish, ...change }))).toBe(step);
});

test('says what it found and what helps', () => {
  expect(planFormat(holding('xfs', 'xfs'), wish)).toEqual({
    do: 'refuse',
    why: 'other-type',
    message: 'holds xfs and is to be mounted as ext4: give the PersistentVolume spec.csi.fsType: xfs',
  });
  expect(planFormat(marked('done', blank), wish)).toEqual({
    do: 'refuse',
    why: 'lost-file-system',
    message: 'was formatted as ext4 for volume bsr-1, and its file system can no longer be read',
  });
});
