import type { Mount } from '#host/mounts.ts';

/** What a volume is made visible from: a mounted folder, or a block device. */
export type PublishSource =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'device'; readonly path: string; readonly device: string };

export interface PublishSeen {
  readonly source: PublishSource;
  /** What is mounted at the source; `undefined` for a device, and for a folder that nothing is mounted at. */
  readonly staged: Mount | undefined;
  readonly target: {
    readonly path: string;
    readonly mount: Mount | undefined;
    /** The device that a device file at the target names. */
    readonly device: string | undefined;
    /** Whether what is mounted there has lost its disk. */
    readonly isLost: boolean;
  };
  /** Other paths at which the same is visible, the source not counted. */
  readonly elsewhere: readonly string[];
}

export interface PublishWish {
  readonly isReadOnly: boolean;
  /** Whether only one path of the node may have it. */
  readonly isSingle: boolean;
}

export type PublishStep =
  | { readonly do: 'bind' }
  | { readonly do: 'nothing'; readonly why: 'bound-so' }
  /** What a killed call left: bound, and not yet read-only. */
  | { readonly do: 'tighten' }
  | { readonly do: 'clear'; readonly why: 'lost-its-device' }
  | { readonly do: 'refuse'; readonly code: 'ALREADY_EXISTS' | 'FAILED_PRECONDITION'; readonly message: string };

/** What publishing still needs. */
export function planPublish({ source, staged, target, elsewhere }: PublishSeen, wish: PublishWish): PublishStep {
  if (source.kind === 'folder' && staged === undefined)
    return refuse('FAILED_PRECONDITION', `it is not staged: nothing is mounted at ${source.path}`);
  const [other] = elsewhere;
  if (other !== undefined && wish.isSingle)
    return refuse('FAILED_PRECONDITION', `it may be used at one path alone, and is published at ${other}`);
  if (target.mount === undefined) return { do: 'bind' };
  const isSame = source.kind === 'device' ? target.device === source.device : isSameFolder(target.mount, staged);
  if (!isSame) {
    if (target.isLost) return { do: 'clear', why: 'lost-its-device' };
    return refuse('ALREADY_EXISTS', `something else is mounted there already: ${target.mount.source}`);
  }
  if (
    target.mount.isReadOnly === wish.isReadOnly ||
    (staged?.isReadOnly === true && !target.mount.options.includes('ro'))
  )
    return { do: 'nothing', why: 'bound-so' };
  if (wish.isReadOnly) return { do: 'tighten' };
  return refuse('ALREADY_EXISTS', `it is published there already, read-only`);
}

/** Whether two mounts show the same part of the same file system. NFS shows `/` for whatever part was mounted, and tells it in the source. */
export function isSameFolder(a: Mount, b: Mount | undefined): boolean {
  if (b === undefined || a.device !== b.device || a.root !== b.root) return false;
  return !a.type.startsWith('nfs') || a.source === b.source;
}

function refuse(code: 'ALREADY_EXISTS' | 'FAILED_PRECONDITION', message: string): PublishStep {
  return { do: 'refuse', code, message };
}
