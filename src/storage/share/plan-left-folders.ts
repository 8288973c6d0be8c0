import type { PersistentVolumeObject } from '#kube/resources.ts';
import { type Bytes, formatBytes } from '#unit/bytes.ts';
import type { Instant, Ms } from '#unit/clock.ts';
import { shareDriver } from './driver.ts';
import type { FolderRecord } from './folder-record.ts';
import { formatShareHandle, parseShareHandle } from './handle.ts';

/** Of the CSIDriver of file shares: directories that no PersistentVolume names, one sentence each line. `isthmus status` prints it. */
export const foldersAnnotation = 'isthmus.dev/directories-left-behind';

/** A directory of a file share that the cluster has made for a volume and that no PersistentVolume names. */
export interface LeftFolder {
  readonly share: string;
  readonly folder: string;
  /** That was asked for. */
  readonly size: Bytes;
}

export interface LeftFoldersSeen {
  /** Of all shares that were looked at, each with the time of its last change. */
  readonly records: readonly { readonly share: string; readonly record: FolderRecord; readonly changed: Instant }[];
  readonly volumes: readonly PersistentVolumeObject[];
  /** Directories whose claim there is: the provisioner is at it. */
  readonly claims: ReadonlySet<string>;
  readonly at: Instant;
}

export interface LeftFoldersPlan {
  /** Nobody but a person can say whether what is in them is needed. Sorted. */
  readonly tell: readonly LeftFolder[];
  /** What was begun to be made, of which nobody has been told, or begun to be removed: it is ended. Sorted. */
  readonly end: readonly LeftFolder[];
}

/**
 * What becomes of directories that nobody can use any more.
 * @unit rest: what is younger may be on its way to its PersistentVolume
 */
export function planLeftFolders(
  { records, volumes, claims, at }: LeftFoldersSeen,
  { rest }: { readonly rest: Ms },
): LeftFoldersPlan {
  const named = new Set(
    volumes.flatMap(({ spec }) => (spec?.csi?.driver === shareDriver ? [spec.csi.volumeHandle] : [])),
  );
  const left = records
    .filter(({ share, record: { folder } }) => !named.has(formatShareHandle({ share, folder })) && !claims.has(folder))
    .filter(({ changed }) => at - changed >= rest)
    .toSorted((a, b) => a.share.localeCompare(b.share) || a.record.folder.localeCompare(b.record.folder));
  const those = (isMeant: (record: FolderRecord) => boolean): readonly LeftFolder[] =>
    left
      .filter(({ record }) => isMeant(record))
      .map(({ share, record: { folder, size } }) => ({ share, folder, size: size as Bytes }));
  return { tell: those(({ state }) => state === 'ready'), end: those(({ state }) => state !== 'ready') };
}

const cure = 'has no PersistentVolume, so nobody can use it: isthmus doctor storage --fix makes one that keeps it';

/**
 * For an annotation, from which `isthmus doctor storage` reads it.
 * @example formatLeftFolder({ share: 'ufs-1', folder: 'pvc-0f2c', size: gibi(2) }) // => 'directory ufs-1/pvc-0f2c (2Gi) has no PersistentVolume, …'
 */
export function formatLeftFolder({ size, ...handle }: LeftFolder): string {
  return `directory ${formatShareHandle(handle)} (${formatBytes(size)}) ${cure}`;
}

/** The bytes of `formatBytes`, which writes those that are no whole KiB without a unit. */
const form = new RegExp(`^directory (\\S+) \\((\\d+)(Ki|Mi|Gi|Ti)?\\) ${cure}$`, 'gm');
const factors = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 } as const;

/** Every such directory that a text tells of. */
export function parseLeftFolders(text: string): readonly LeftFolder[] {
  return [...text.matchAll(form)].flatMap(([, handle = '', amount, unit]) => {
    const parsed = parseShareHandle(handle);
    if (parsed?.folder === undefined) return [];
    const { share, folder } = parsed;
    const factor = unit === undefined ? 1 : factors[unit as keyof typeof factors];
    return [{ share, folder, size: (Number(amount) * factor) as Bytes }];
  });
}

/** An annotation is no place for hundreds. */
const most = 20;

/** What stands in the annotation. @shape `undefined`: nothing is left */
export function sayLeftFolders(left: readonly LeftFolder[]): string | undefined {
  if (left.length === 0) return undefined;
  const others = left.length - most;
  const more =
    others > 0 ? [`${others} more directories have no PersistentVolume, and are told when these are kept`] : [];
  return [...left.slice(0, most).map(formatLeftFolder), ...more].join('\n');
}
