import { VolumeCapability_AccessMode_Mode as Mode, type VolumeCapability } from '#rpc/gen/csi_pb.js';

/** How a file share is to be used. */
export interface ShareUse {
  readonly options: readonly string[];
  readonly isReader: boolean;
  /** Whether only one path of a node may have it. */
  readonly isSingle: boolean;
}

type ShareUseParsed = { readonly ok: true; readonly use: ShareUse } | { readonly ok: false; readonly fault: string };

type Access = Pick<ShareUse, 'isReader' | 'isSingle'>;

const modes: Readonly<Partial<Record<Mode, Access>>> = {
  [Mode.SINGLE_NODE_WRITER]: { isReader: false, isSingle: true },
  [Mode.SINGLE_NODE_READER_ONLY]: { isReader: true, isSingle: false },
  [Mode.SINGLE_NODE_SINGLE_WRITER]: { isReader: false, isSingle: true },
  [Mode.SINGLE_NODE_MULTI_WRITER]: { isReader: false, isSingle: false },
  [Mode.MULTI_NODE_READER_ONLY]: { isReader: true, isSingle: false },
  [Mode.MULTI_NODE_SINGLE_WRITER]: { isReader: false, isSingle: false },
  [Mode.MULTI_NODE_MULTI_WRITER]: { isReader: false, isSingle: false },
};

/** Options that would mount something else than the volume. */
const refusedOptions = ['bind', 'rbind', 'move', 'remount', 'loop', 'addr', 'clientaddr'];

/** Reads what a call says of how a file share is to be used. */
export function parseShareUse(capability: VolumeCapability | undefined): ShareUseParsed {
  const mode = capability?.accessMode?.mode;
  if (capability === undefined || mode === undefined) return fault('the volume capability is missing');
  const access = modes[mode];
  if (access === undefined) return fault('the access mode is unknown; use ReadWriteMany');
  const { accessType } = capability;
  if (accessType.case === 'block')
    return fault('a file share is no block device: use volumeMode Filesystem, or a class of cloud disks');
  if (accessType.case !== 'mount') return fault('the volume capability says neither block nor mount');
  const { fsType, mountFlags } = accessType.value;
  if (!['', 'nfs', 'nfs4'].includes(fsType))
    return fault(`file system "${fsType}" is not possible: a file share is NFS; leave csi.storage.k8s.io/fstype out`);
  const options = mountFlags.flatMap((flag) => flag.split(',')).filter((flag) => flag !== '');
  const bad = options.find((option) => refusedOptions.includes(option.split('=', 1)[0] ?? ''));
  if (bad !== undefined) return fault(`mount option "${bad}" is not possible; take it out of mountOptions`);
  return { ok: true, use: { options, ...access } };
}

function fault(what: string): ShareUseParsed {
  return { ok: false, fault: what };
}
