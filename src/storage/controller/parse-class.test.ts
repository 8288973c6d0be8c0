import { expect, test } from 'vitest';
import { type ClassParsed, type ClassWish, parseClass } from './parse-class.ts';

const kinds = ['sata', 'ssd', 'rssd'];
const wish: ClassWish = {
  kind: 'ssd',
  charge: 'hour',
  quantity: 1,
  encryptionKey: undefined,
  snapshotService: false,
  fsType: undefined,
  claim: undefined,
};
function ok(change: Partial<ClassWish> = {}): ClassParsed {
  return { ok: true, wish: { ...wish, ...change } };
}
function faults(...all: readonly string[]): ClassParsed {
  return { ok: false, faults: all };
}

const rows: readonly (readonly [string, Record<string, string>, ClassParsed])[] = [
  ['the least', { type: 'ssd' }, ok()],
  [
    'all that UK8S has',
    { type: 'RSSD', fsType: 'xfs', udataArkMode: 'no', chargeType: 'Month', quantity: '3', cmkId: 'kms-1' },
    ok({ kind: 'rssd', fsType: 'xfs', charge: 'month', quantity: 3, encryptionKey: 'kms-1' }),
  ],
  ['UK8S’s word for by the hour', { type: 'ssd', chargeType: 'dynamic' }, ok()],
  [
    'the neutral names',
    { kind: 'ssd', charge: 'year', encryptionKey: 'kms-1', snapshotService: 'true' },
    ok({ charge: 'year', encryptionKey: 'kms-1', snapshotService: true }),
  ],
  [
    'what the provisioner adds',
    {
      type: 'ssd',
      'csi.storage.k8s.io/pvc/name': 'data',
      'csi.storage.k8s.io/pvc/namespace': 'shop',
      'csi.storage.k8s.io/pv/name': 'pvc-1',
    },
    ok({ claim: { namespace: 'shop', name: 'data' } }),
  ],
  ['nothing', {}, faults('parameter type is missing: write one of sata, ssd, rssd')],
  ['a kind that is not sold', { type: 'nvme' }, faults('parameter type: "nvme": write one of sata, ssd, rssd')],
  [
    'several faults at once',
    { type: 'ssd', chargeTyp: 'month', fsType: 'btrfs', quantity: '0' },
    faults(
      'parameter chargeTyp: "month": unknown parameter; did you mean chargeType?',
      'parameter fsType: "btrfs": write one of ext4, xfs',
      'parameter quantity: "0": write how many months or years, such as "1"',
    ),
  ],
  [
    'a name that is like no other',
    { type: 'ssd', replication: '3' },
    faults(
      'parameter replication: "3": unknown parameter; there are type, kind, chargeType, charge, quantity, cmkId, encryptionKey, fsType, udataArkMode, snapshotService',
    ),
  ],
  [
    'one thing by two names',
    { type: 'ssd', kind: 'sata' },
    faults('parameters kind and type say the same: keep one of them'),
  ],
  [
    'a charge that nobody has',
    { type: 'ssd', chargeType: 'weekly' },
    faults('parameter chargeType: "weekly": write one of hour, month, year, dynamic'),
  ],
  [
    'months paid by the hour',
    { type: 'ssd', quantity: '3' },
    faults('parameter quantity: only for chargeType month or year: leave it out'),
  ],
  [
    'what the cloud no longer sells',
    { type: 'ssd', udataArkMode: 'yes' },
    faults(
      'parameter udataArkMode: "yes": write "no", or leave it out: the cloud no longer sells it; use snapshotService: "true" and VolumeSnapshots',
    ),
  ],
  ['no key', { type: 'ssd', cmkId: '' }, faults('parameter cmkId: "": write the id of a key')],
  [
    'neither yes nor no',
    { type: 'ssd', snapshotService: 'yes' },
    faults('parameter snapshotService: "yes": write "true" or "false"'),
  ],
];

test.each(rows)('%s', (_title, parameters, parsed) => {
  expect(parseClass(parameters, kinds)).toEqual(parsed);
});
