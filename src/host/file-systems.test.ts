import { expect, test } from 'vitest';
import { type Probe, parseProbe } from './file-systems.ts';

const limits = 'DEVNAME=/dev/vdb\nMINIMUM_IO_SIZE=512\nLOGICAL_SECTOR_SIZE=512\n';

const rows: readonly (readonly [string, number, string, Probe | undefined])[] = [
  ['a device that was read and holds nothing', 0, limits, { sees: 'nothing' }],
  ['a file system', 0, `${limits}UUID=1-2\nTYPE=ext4\n`, { sees: 'one', what: 'ext4', uuid: '1-2' }],
  ['a partition table', 0, `${limits}PTTYPE=gpt\n`, { sees: 'one', what: 'a partition table (gpt)', uuid: undefined }],
  ['signatures of several', 8, '', { sees: 'several' }],
  ['the answer for what cannot be opened or read, which is that for a blank device without --info', 2, '', undefined],
  ['an answer without the proof that the device was read', 0, 'DEVNAME=/dev/vdb\n', undefined],
  ['a blkid that was killed', 137, limits, undefined],
];

test.each(rows)('%s', (_title, code, stdout, probe) => {
  expect(parseProbe(code, stdout)).toEqual(probe);
});
