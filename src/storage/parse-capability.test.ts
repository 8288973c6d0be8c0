import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { VolumeCapability_AccessMode_Mode as Mode, VolumeCapabilitySchema } from '#rpc/gen/csi_pb.js';
import { parseUse, type UseParsed } from './parse-capability.ts';

type Init = Exclude<MessageInitShape<typeof VolumeCapabilitySchema>, { $typeName: string }>;

function parsed(mode: Mode, accessType: Init['accessType']): UseParsed {
  return parseUse(
    create(VolumeCapabilitySchema, { accessMode: { mode }, ...(accessType !== undefined && { accessType }) }),
  );
}
function mounted(fsType: string, mountFlags: string[] = []) {
  return { case: 'mount' as const, value: { fsType, mountFlags } };
}
function fault(what: string): UseParsed {
  return { ok: false, fault: what };
}

test('a file system is ext4 unless told, with its mount options one by one', () => {
  expect(parsed(Mode.SINGLE_NODE_MULTI_WRITER, mounted('', ['noatime,nodev', 'discard']))).toEqual({
    ok: true,
    use: {
      as: 'file-system',
      type: 'ext4',
      options: ['noatime', 'nodev', 'discard'],
      isReader: false,
      isSingle: false,
    },
  });
});

test('a block device for one pod alone', () => {
  expect(parsed(Mode.SINGLE_NODE_SINGLE_WRITER, { case: 'block', value: {} })).toEqual({
    ok: true,
    use: { as: 'block', isReader: false, isSingle: true },
  });
});

test.each([
  [
    'several nodes',
    Mode.MULTI_NODE_MULTI_WRITER,
    mounted('ext4'),
    'access mode MULTI_NODE_MULTI_WRITER is not possible: a disk is on one node at a time; use ReadWriteOnce or ReadWriteOncePod, or a file share for ReadWriteMany',
  ],
  [
    'another file system',
    Mode.SINGLE_NODE_WRITER,
    mounted('btrfs'),
    'file system "btrfs" is not supported; use ext4 or xfs',
  ],
  [
    'a mount of something else',
    Mode.SINGLE_NODE_WRITER,
    mounted('ext4', ['noatime,bind']),
    'mount option "bind" is not possible; take it out of mountOptions',
  ],
  ['neither block nor mount', Mode.SINGLE_NODE_WRITER, undefined, 'the volume capability says neither block nor mount'],
])('%s is refused with what would work', (_title, mode, accessType, what) => {
  expect(parsed(mode, accessType)).toEqual(fault(what));
});

test('a call without a capability is told so', () => {
  expect(parseUse(undefined)).toEqual(fault('the volume capability is missing'));
});
