import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import {
  VolumeCapability_AccessMode_Mode as Mode,
  type VolumeCapability,
  VolumeCapabilitySchema,
} from '#rpc/gen/csi_pb.js';
import { parseShareUse } from './parse-share-use.ts';

function capability(mode: Mode, mount: { fsType?: string; mountFlags?: string[] } | undefined = {}): VolumeCapability {
  return create(VolumeCapabilitySchema, { accessMode: { mode }, accessType: { case: 'mount', value: mount } });
}

test.each([
  [Mode.MULTI_NODE_MULTI_WRITER, { isReader: false, isSingle: false }],
  [Mode.MULTI_NODE_READER_ONLY, { isReader: true, isSingle: false }],
  [Mode.SINGLE_NODE_MULTI_WRITER, { isReader: false, isSingle: false }],
  [Mode.SINGLE_NODE_SINGLE_WRITER, { isReader: false, isSingle: true }],
])('access mode %i is possible', (mode, access) => {
  expect(parseShareUse(capability(mode))).toEqual({ ok: true, use: { options: [], ...access } });
});

test('mount options are read one by one, also when a class writes several in one', () => {
  const mountFlags = ['noatime,vers=4.1', '', 'ro'];
  expect(parseShareUse(capability(Mode.MULTI_NODE_MULTI_WRITER, { fsType: 'nfs4', mountFlags }))).toEqual({
    ok: true,
    use: { options: ['noatime', 'vers=4.1', 'ro'], isReader: false, isSingle: false },
  });
});

const block = create(VolumeCapabilitySchema, {
  accessMode: { mode: Mode.MULTI_NODE_MULTI_WRITER },
  accessType: { case: 'block', value: {} },
});

test.each([
  ['nothing', undefined, 'the volume capability is missing'],
  ['an unknown mode', capability(Mode.UNKNOWN), 'the access mode is unknown; use ReadWriteMany'],
  ['a block device', block, 'a file share is no block device: use volumeMode Filesystem, or a class of cloud disks'],
  [
    'a file system of disks',
    capability(Mode.MULTI_NODE_MULTI_WRITER, { fsType: 'ext4' }),
    'file system "ext4" is not possible: a file share is NFS; leave csi.storage.k8s.io/fstype out',
  ],
  [
    'another server',
    capability(Mode.MULTI_NODE_MULTI_WRITER, { mountFlags: ['addr=10.0.0.1'] }),
    'mount option "addr=10.0.0.1" is not possible; take it out of mountOptions',
  ],
])('what is asked for and is not possible is told: %s', (_, asked, fault) => {
  expect(parseShareUse(asked)).toEqual({ ok: false, fault });
});
