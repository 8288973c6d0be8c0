import { expect, test } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { formatRecord, parseRecord, type VolumeRecord } from './volume-record.ts';

const record: VolumeRecord = {
  format: 'isthmus-local-volume/v1',
  id: 'pvc-0f',
  name: 'pvc-0f',
  node: 'base-1',
  claim: { namespace: 'shop', name: 'data' },
  made: '2026-11-29T12:00:00.000Z',
  place: { in: 'folder', pool: '3f2a9c01d7', sector: 4096 },
  usage: { as: 'file-system', type: 'ext4' },
  size: gibi(2),
  madeWith: gibi(1),
  state: 'ready',
};

test.each([
  ['in a folder', record],
  [
    'of a disk',
    {
      ...record,
      place: { in: 'disk' as const, link: '/dev/disk/by-id/a', serial: 'S1' },
      usage: { as: 'block' as const },
    },
  ],
])('a record %s is read back as it was written', (_, one) => {
  expect(parseRecord(formatRecord(one))).toEqual(one);
});

test.each([
  ['of a later version', formatRecord(record).replace('/v1', '/v2')],
  ['that was torn', formatRecord(record).slice(0, -20)],
  ['without its size', formatRecord(record).replace('"size"', '"sise"')],
  ['that is empty', ''],
])('a record %s is not guessed at', (_, text) => {
  expect(parseRecord(text)).toBeUndefined();
});
