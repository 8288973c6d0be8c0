import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import {
  CapacityRangeSchema,
  VolumeCapability_AccessMode_Mode as Mode,
  VolumeCapabilitySchema,
  VolumeContentSourceSchema,
} from '#rpc/gen/csi_pb.js';
import { gibi, mebi } from '#unit/bytes.ts';
import { parseAsked, parseGrowth } from './parse-asked.ts';

const file = (fsType = '', mode = Mode.SINGLE_NODE_WRITER) =>
  create(VolumeCapabilitySchema, { accessMode: { mode }, accessType: { case: 'mount', value: { fsType } } });
const block = create(VolumeCapabilitySchema, {
  accessMode: { mode: Mode.SINGLE_NODE_WRITER },
  accessType: { case: 'block', value: {} },
});
const range = (required: bigint, limit = 0n) =>
  create(CapacityRangeSchema, { requiredBytes: required, limitBytes: limit });
const base = {
  name: 'pvc-0f',
  capacityRange: range(BigInt(gibi(2))),
  volumeCapabilities: [file()],
  parameters: {},
  mutableParameters: {},
  volumeContentSource: undefined,
};
const wish = {
  name: 'pvc-0f',
  id: 'pvc-0f',
  from: 'directories',
  usage: { as: 'file-system', type: 'ext4' },
  least: gibi(2),
  most: undefined,
  claim: undefined,
};

test.each([
  ['a claim and nothing else', {}, {}],
  [
    'who asked',
    {
      parameters: {
        'csi.storage.k8s.io/pvc/name': 'data',
        'csi.storage.k8s.io/pvc/namespace': 'shop',
        'csi.storage.k8s.io/pv/name': 'pvc-0f',
      },
    },
    { claim: { namespace: 'shop', name: 'data' } },
  ],
  [
    'a whole disk, as it is',
    { parameters: { from: 'disks' }, volumeCapabilities: [block] },
    { from: 'disks', usage: { as: 'block' } },
  ],
  ['xfs', { volumeCapabilities: [file('xfs')] }, { usage: { as: 'file-system', type: 'xfs' } }],
  ['no size', { capacityRange: undefined }, { least: gibi(1) }],
  ['no size and a small limit', { capacityRange: range(0n, BigInt(mebi(100))) }, { least: mebi(100), most: mebi(100) }],
  ['a size between two steps', { capacityRange: range(BigInt(mebi(100)) + 1n) }, { least: mebi(101) }],
  ['less than ext4 needs', { capacityRange: range(1n) }, { least: mebi(16) }],
  [
    'less than xfs needs',
    { capacityRange: range(1n), volumeCapabilities: [file('xfs')] },
    { least: mebi(304), usage: { as: 'file-system', type: 'xfs' } },
  ],
  ['a limit with room', { capacityRange: range(BigInt(gibi(1)), BigInt(gibi(3))) }, { least: gibi(1), most: gibi(3) }],
])('a call for %s is read', (_, asked, more) => {
  expect(parseAsked({ ...base, ...asked })).toEqual({ ok: true, value: { ...wish, ...more } });
});

test.each([
  ['no name', { name: '' }, 'INVALID_ARGUMENT', 'the volume has no name'],
  ['no capability', { volumeCapabilities: [] }, 'INVALID_ARGUMENT', 'the volume capabilities are missing'],
  [
    'an unknown parameter',
    { parameters: { form: 'disks' } },
    'INVALID_ARGUMENT',
    'the StorageClass has the parameter "form", which local volumes do not know; did you mean "from"?',
  ],
  [
    'another unknown parameter',
    { parameters: { replicas: '3' } },
    'INVALID_ARGUMENT',
    'the StorageClass has the parameter "replicas", which local volumes do not know; the only one is "from"',
  ],
  [
    'a source that there is not',
    { parameters: { from: 'disk' } },
    'INVALID_ARGUMENT',
    'the StorageClass has from: "disk"; write "directories" or "disks"',
  ],
  [
    'a file system that nobody has',
    { volumeCapabilities: [file('zfs')] },
    'INVALID_ARGUMENT',
    'file system "zfs" is not supported; use ext4 or xfs',
  ],
  [
    'many nodes',
    { volumeCapabilities: [file('', Mode.MULTI_NODE_MULTI_WRITER)] },
    'INVALID_ARGUMENT',
    'access mode MULTI_NODE_MULTI_WRITER is not possible: a disk is on one node at a time; use ReadWriteOnce or ReadWriteOncePod, or a file share for ReadWriteMany',
  ],
  [
    'two forms',
    { volumeCapabilities: [file(), block] },
    'INVALID_ARGUMENT',
    'the volume is asked for in several forms at once: choose one',
  ],
  [
    'two file systems',
    { volumeCapabilities: [file('ext4'), file('xfs')] },
    'INVALID_ARGUMENT',
    'the volume is asked for in several forms at once: choose one',
  ],
  [
    'a copy',
    { volumeContentSource: create(VolumeContentSourceSchema, { type: { case: 'volume', value: { volumeId: 'x' } } }) },
    'INVALID_ARGUMENT',
    'a local volume can not begin as a copy: make an empty one and copy with a pod that mounts both',
  ],
  [
    'what can be changed later',
    { mutableParameters: { iops: '100' } },
    'INVALID_ARGUMENT',
    'local volumes have nothing that a VolumeAttributesClass could change: "iops"',
  ],
  [
    'a limit between two steps',
    { capacityRange: range(BigInt(mebi(100)) + 1n, BigInt(mebi(100)) + 2n) },
    'OUT_OF_RANGE',
    'from 104857601 to 104857602 bytes are asked for; sizes are whole MiB, the next one is 101Mi',
  ],
  [
    'a limit below the smallest volume',
    { capacityRange: range(1n, BigInt(mebi(10))) },
    'OUT_OF_RANGE',
    'at most 10485760 bytes are asked for, and the smallest volume has 16Mi',
  ],
  ['a negative size', { capacityRange: range(-1n) }, 'INVALID_ARGUMENT', 'a size is negative'],
])('a call for %s is refused with the cure', (_, asked, code, message) => {
  expect(parseAsked({ ...base, ...asked })).toEqual({ ok: false, failure: { code, message } });
});

test.each([
  ['nothing', undefined, { ok: true, value: undefined }],
  ['a size between two steps', range(BigInt(mebi(1)) + 1n), { ok: true, value: mebi(2) }],
  ['a limit', range(BigInt(mebi(2)), BigInt(mebi(3))), { ok: true, value: mebi(2) }],
  [
    'a limit between two steps',
    range(BigInt(mebi(1)) + 1n, BigInt(mebi(1)) + 2n),
    {
      ok: false,
      failure: { code: 'OUT_OF_RANGE', message: 'from 1048577 to 1048578 bytes are asked for; sizes are whole MiB' },
    },
  ],
])('growing to %s', (_, asked, read) => {
  expect(parseGrowth(asked)).toEqual(read);
});
