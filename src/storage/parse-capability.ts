import { type FileSystemType, fileSystemTypes } from '#host/file-systems.ts';
import { VolumeCapability_AccessMode_Mode as Mode, type VolumeCapability } from '#rpc/gen/csi_pb.js';

/** How a volume is to be used. */
export type Use =
  | {
      readonly as: 'file-system';
      readonly type: FileSystemType;
      readonly options: readonly string[];
      readonly isReader: boolean;
      readonly isSingle: boolean;
    }
  | { readonly as: 'block'; readonly isReader: boolean; readonly isSingle: boolean };

export type UseParsed = { readonly ok: true; readonly use: Use } | { readonly ok: false; readonly fault: string };

/** What is taken where neither the class nor the PersistentVolume names one. */
const usualType = 'ext4';

/** Options that would mount something else than the volume. */
const refusedOptions = ['bind', 'rbind', 'move', 'remount', 'loop'];

/** One node at a time: a cloud can attach a disk to two machines, and no file system on it would live. */
const modes: Readonly<Partial<Record<Mode, { readonly isReader: boolean; readonly isSingle: boolean }>>> = {
  [Mode.SINGLE_NODE_WRITER]: { isReader: false, isSingle: true },
  [Mode.SINGLE_NODE_READER_ONLY]: { isReader: true, isSingle: false },
  [Mode.SINGLE_NODE_SINGLE_WRITER]: { isReader: false, isSingle: true },
  [Mode.SINGLE_NODE_MULTI_WRITER]: { isReader: false, isSingle: false },
};

/** Reads what a call says of how a volume is to be used, as far as a disk that one node has at a time can be. */
export function parseUse(capability: VolumeCapability | undefined): UseParsed {
  const mode = capability?.accessMode?.mode;
  if (capability === undefined || mode === undefined) return fault('the volume capability is missing');
  const access = modes[mode];
  if (access === undefined)
    return fault(
      `access mode ${Mode[mode]} is not possible: a disk is on one node at a time; use ReadWriteOnce or ReadWriteOncePod, or a file share for ReadWriteMany`,
    );
  const { accessType } = capability;
  if (accessType.case === 'block') return { ok: true, use: { as: 'block', ...access } };
  if (accessType.case !== 'mount') return fault('the volume capability says neither block nor mount');
  const { fsType, mountFlags } = accessType.value;
  const type = fileSystemTypes.find((one) => one === (fsType || usualType).toLowerCase());
  if (type === undefined) return fault(`file system "${fsType}" is not supported; use ${fileSystemTypes.join(' or ')}`);
  const options = mountFlags.flatMap((flag) => flag.split(',')).filter((flag) => flag !== '');
  const bad = options.find((option) => refusedOptions.includes(option));
  if (bad !== undefined) return fault(`mount option "${bad}" is not possible; take it out of mountOptions`);
  return { ok: true, use: { as: 'file-system', type, options, ...access } };
}

function fault(what: string): UseParsed {
  return { ok: false, fault: what };
}
