import { expect, test } from 'vitest';
import { parseShareClass } from './parse-share-class.ts';

const kinds = ['basic', 'advanced'];

test.each([
  [
    'a directory, kept when its volume goes',
    { share: 'ufs-1' },
    { of: 'directory', share: 'ufs-1', onDelete: 'archive' },
  ],
  [
    'a directory that goes with its volume',
    { share: 'ufs-1', onDelete: 'delete', 'csi.storage.k8s.io/pvc/name': 'data' },
    { of: 'directory', share: 'ufs-1', onDelete: 'delete' },
  ],
  ['a share, by the hour', { kind: 'basic' }, { of: 'share', kind: 'basic', charge: 'hour', quantity: 1 }],
  [
    'a share for two months',
    { kind: 'advanced', charge: 'month', quantity: '2' },
    { of: 'share', kind: 'advanced', charge: 'month', quantity: 2 },
  ],
])('a class asks for %s', (_, parameters, wish) => {
  expect(parseShareClass(parameters, kinds)).toEqual({ ok: true, wish });
});

test.each([
  [
    'nothing',
    {},
    [
      'parameter share or kind is missing: write share: ufs-… for directories of a file share that is there, or kind: basic or advanced for a new one each',
    ],
  ],
  [
    'all that is wrong at once',
    { share: 'ufs-1/a', onDelete: 'keep', ondelete: 'x', zone: 'y' },
    [
      'parameter onDelete: "keep": write one of archive, delete, retain',
      'parameter ondelete: "x": unknown parameter; did you mean onDelete?',
      'parameter share: "ufs-1/a": write the id of a file share, such as ufs-1a2b3c',
      'parameter zone: "y": unknown parameter; there are share, onDelete, kind, charge, quantity',
    ],
  ],
  [
    'both forms',
    { share: 'ufs-1', kind: 'basic' },
    ['parameter kind: "basic": only without share: leave one of them out'],
  ],
  [
    'an ending without a directory',
    { kind: 'basic', onDelete: 'delete' },
    ['parameter onDelete: "delete": only with share: leave it out'],
  ],
  [
    'an hour paid in advance',
    { kind: 'basic', quantity: '3' },
    ['parameter quantity: only for charge month or year: leave it out'],
  ],
  [
    'values that are not sold',
    { kind: 'gold', charge: 'dynamic', quantity: '0' },
    [
      'parameter charge: "dynamic": write one of hour, month, year',
      'parameter kind: "gold": write one of basic, advanced',
      'parameter quantity: "0": write how many months or years, such as "1"',
    ],
  ],
])('bad parameters: %s', (_, parameters, faults) => {
  expect(parseShareClass(parameters, kinds)).toEqual({ ok: false, faults });
});
