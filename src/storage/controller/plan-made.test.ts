import { expect, test } from 'vitest';
import { exampleDisk as disk } from '#cloud/disk.example.ts';
import type { CloudDisk } from '#cloud/disk.ts';
import { type Bytes, gibi } from '#unit/bytes.ts';
import { type MadeStep, type MadeWish, planMade } from './plan-made.ts';

const wish: MadeWish = {
  kind: 'ssd',
  zone: 'cn-bj2-04',
  size: gibi(20),
  asked: { required: gibi(20), limit: 0 },
  source: '',
  encryptionKey: undefined,
};
const copy = { disk: { source: 'abc', size: gibi(10) }, wish: { source: 'abc' } };

const rows: readonly (readonly [string, Partial<CloudDisk>, Partial<MadeWish>, MadeStep])[] = [
  ['as it was asked for', {}, {}, { do: 'use' }],
  [
    'attached already, by a call that nobody heard the answer of',
    { state: 'attached', machine: 'uhost-1' },
    {},
    { do: 'use' },
  ],
  ['being made', { state: 'creating' }, {}, { do: 'wait', why: 'being-made' }],
  ['being filled', { state: 'copying' }, {}, { do: 'wait', why: 'being-made' }],
  ['being restored', { state: 'restoring' }, {}, { do: 'wait', why: 'being-made' }],
  [
    'encrypted, and to be in plain',
    { encryptionKey: 'kms-1' },
    {},
    { do: 'refuse', difference: 'its encryption key is kms-1 and not none' },
  ],
  ['in a state that nobody knows', { state: 'unreadable' }, {}, { do: 'wait', why: 'unclear' }],
  ['failed', { state: 'failed', kind: undefined }, {}, { do: 'replace' }],
  ['larger, within what was asked for', { size: gibi(30) }, {}, { do: 'use' }],
  [
    'larger than the limit',
    { size: gibi(30) },
    { asked: { required: gibi(20), limit: gibi(20) } },
    { do: 'refuse', difference: `it has ${gibi(30)} bytes` },
  ],
  ['smaller', { size: gibi(10) }, {}, { do: 'refuse', difference: `it has ${gibi(10)} bytes` }],
  ['another kind', { kind: 'sata' }, {}, { do: 'refuse', difference: 'its kind is sata and not ssd' }],
  ['another zone', { zone: 'cn-bj2-05' }, {}, { do: 'refuse', difference: 'its zone is cn-bj2-05 and not cn-bj2-04' }],
  ['a copy', { source: 'abc' }, {}, { do: 'refuse', difference: 'it was made from something else' }],
  [
    'in plain, and to be encrypted',
    {},
    { encryptionKey: 'kms-1' },
    { do: 'refuse', difference: 'its encryption key is none that is known and not kms-1' },
  ],
  ['a copy as small as its source', copy.disk, copy.wish, { do: 'grow', to: gibi(20) }],
  [
    'such a copy that is still being filled',
    { ...copy.disk, state: 'copying' },
    copy.wish,
    { do: 'wait', why: 'being-made' },
  ],
  [
    'a copy that has the key of its source',
    { ...copy.disk, size: gibi(20), encryptionKey: 'kms-1' },
    copy.wish,
    { do: 'use' },
  ],
  [
    'a copy larger than the limit',
    { source: 'abc', size: gibi(30) as Bytes },
    { ...copy.wish, asked: { required: gibi(20), limit: gibi(20) } },
    { do: 'refuse', difference: `it has ${gibi(30)} bytes` },
  ],
];

test.each(rows)('%s', (_title, seen, wanted, step) => {
  expect(planMade({ ...disk, ...seen }, { ...wish, ...wanted })).toEqual(step);
});
