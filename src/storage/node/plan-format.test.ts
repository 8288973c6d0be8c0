import { expect, test } from 'vitest';
import type { Signature } from '#host/signatures.ts';
import { gibi } from '#unit/bytes.ts';
import type { FormatMark } from './format-mark.ts';
import { type DeviceLook, type FormatRefusal, type FormatStep, type FormatWish, planFormat } from './plan-format.ts';

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

const several: DeviceLook['probe'] = { sees: 'several' };
const nothing: DeviceLook['probe'] = { sees: 'nothing' };
const mounted: FormatStep = { do: 'mount', why: 'holds-it', fileSystem: { type: 'ext4', uuid, size: gibi(10) } };
const first: FormatStep = { do: 'format', why: 'blank' };
const anew: FormatStep = { do: 'format', why: 'never-finished', uuid };

function refused(why: FormatRefusal, message: string): FormatStep {
  return { do: 'refuse', why, message };
}
const notRecorded = refused(
  'not-recorded-blank',
  'looks blank, but it was not made by this driver, or was made as a copy: format it by hand if it holds nothing that you need',
);
const readOnly = refused('read-only', 'is blank and is to be mounted read-only: write to it once first');
const lost = refused(
  'lost-file-system',
  'was formatted as ext4 for volume bsr-1, and its file system can no longer be read',
);
function other(what: string): FormatStep {
  return refused('other-content', `holds ${what}`);
}
function now(what: string): FormatStep {
  return refused('other-content', `was being formatted, and now holds something else (${what})`);
}

function withFound(look: DeviceLook, ...found: readonly Signature[]): DeviceLook {
  return { ...look, scan: { ...look.scan, found } };
}
const [own] = ext4.scan.found as readonly [Signature];
const luks: Signature = { what: 'LUKS', at: 0 };

type Row = readonly [title: string, look: DeviceLook, wish: Partial<FormatWish>, step: FormatStep];
const rows: readonly Row[] = [
  ['blank, and recorded as made blank', blank, {}, first],
  ['blank, and grown since it was made', { ...blank, size: gibi(20) }, {}, first],
  ['blank, and not recorded: a copy, or a disk of somebody else', blank, { madeBlank: undefined }, notRecorded],
  [
    'smaller than it was made',
    { ...blank, size: gibi(9) },
    {},
    refused('too-small', 'has 9Gi, and was made with 10Gi'),
  ],
  [
    'blank with partitions',
    { ...blank, users: ['vdb1', 'vdb2'] },
    {},
    refused('in-use', 'is blank, but in use by vdb1, vdb2'),
  ],
  ['blank and read-only', { ...blank, isReadOnly: true }, {}, readOnly],
  ['blank, for a reader', blank, { isWritable: false }, readOnly],
  ['the file system', ext4, {}, mounted],
  ['the file system of a copy', ext4, { madeBlank: undefined }, mounted],
  ['the file system, for a reader', ext4, { isWritable: false }, mounted],
  ['the file system with its own copies of the superblock', withFound(ext4, own, copy), {}, mounted],
  ['the same, whichever is seen first', withFound(ext4, copy, own), {}, mounted],
  [
    'another file system than was asked for',
    holding('xfs', 'xfs'),
    {},
    refused('other-type', 'holds xfs and is to be mounted as ext4: give the PersistentVolume spec.csi.fsType: xfs'),
  ],
  ['LUKS', holding('LUKS'), {}, other('LUKS')],
  ['a file system and LUKS', withFound(ext4, own, luks), {}, other('ext4, LUKS')],
  [
    'signatures of several, as blkid sees it',
    { ...ext4, probe: several },
    {},
    refused('other-content', 'holds signatures of several kinds (ext4)'),
  ],
  [
    'signatures of several, of which our own scan knows none',
    { ...blank, probe: several },
    {},
    refused('other-content', 'holds signatures of several kinds (nothing that has a name)'),
  ],
  [
    'a file system that blkid alone sees',
    { ...blank, probe: ext4.probe },
    {},
    refused('looks-disagree', 'holds ext4 as blkid sees it, and nothing as our own scan does'),
  ],
  [
    'a file system that blkid does not see',
    { ...ext4, probe: nothing },
    {},
    refused('looks-disagree', 'holds ext4 as our own scan sees it, and nothing as blkid does'),
  ],
  [
    'one that the two looks name differently',
    { ...ext4, probe: { sees: 'one', what: 'xfs', uuid } },
    {},
    other('ext4, xfs'),
  ],
  [
    'a broken superblock with a copy of it',
    { ...blank, scan: { found: [copy], nonZeroAt: 5 } },
    {},
    refused('looks-disagree', 'holds a copy of an ext superblock as our own scan sees it, and nothing as blkid does'),
  ],
  [
    'something that nobody knows',
    garbage,
    {},
    refused('unknown-content', 'holds something at byte 4096 that is no known file system'),
  ],
  [
    'something where the mark would be',
    { ...blank, mark: { is: 'other' } },
    {},
    refused('unknown-content', 'holds something where its mark would be that is no known file system'),
  ],
  ['a file system that has grown over its mark', { ...ext4, mark: { is: 'other' } }, {}, mounted],
  ['the mark of a finished format and the file system', marked('done', ext4), {}, mounted],
  ['the mark of a finished format and zeros', marked('done', blank), {}, lost],
  ['the mark of a finished format and rubbish', marked('done', garbage), {}, lost],
  ['a format that was killed before it wrote anything', marked('begun', blank), {}, anew],
  ['a format that was killed half-way', marked('begun', garbage), {}, anew],
  ['a format that was killed after its end', marked('begun', ext4), {}, anew],
  [
    'a format that was killed when only copies of its superblock were there',
    marked('begun', { ...blank, scan: { found: [copy], nonZeroAt: 5 } }),
    {},
    anew,
  ],
  ['a killed format, for a reader', marked('begun', garbage), { isWritable: false }, readOnly],
  ['a killed format, and another file system now', marked('begun', holding('ext4', 'ext4', 'other')), {}, now('ext4')],
  [
    'a killed format, and another file system that our own scan alone knows',
    marked('begun', { ...holding('ext4', 'ext4', 'other'), probe: ext4.probe }),
    {},
    now('ext4'),
  ],
  [
    'a killed format, and another file system that blkid alone knows',
    marked('begun', { ...ext4, probe: { sees: 'one', what: 'ext4', uuid: 'other' } }),
    {},
    now('ext4'),
  ],
  [
    'a killed format, and what blkid takes for another type',
    marked('begun', { ...ext4, probe: { sees: 'one', what: 'ext3', uuid } }),
    {},
    now('ext4, ext3'),
  ],
  ['a killed format, and LUKS now', marked('begun', holding('LUKS')), {}, now('LUKS')],
  [
    'a killed format, and several things now',
    marked('begun', { ...garbage, probe: several }),
    {},
    now('nothing that has a name'),
  ],
  [
    'a killed format of another volume',
    marked('begun', garbage, { volume: 'bsr-2' }),
    {},
    refused('unfinished-of-another', 'holds a file system of volume bsr-2 whose making was interrupted'),
  ],
  [
    'a copy of a killed format',
    marked('begun', ext4),
    { madeBlank: undefined },
    refused('unfinished-of-another', 'holds a file system of volume bsr-1 whose making was interrupted'),
  ],
];

test.each(rows)('%s', (_title, look, change, step) => {
  expect(planFormat(look, { ...wish, ...change })).toEqual(step);
});
