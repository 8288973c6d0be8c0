import type { FileSystemType, Probe } from '#host/file-systems.ts';
import type { DeviceScan, FileSystemSeen } from '#host/signatures.ts';
import { type Bytes, formatBytes } from '#unit/bytes.ts';
import type { FormatMark, MarkSeen } from './format-mark.ts';

/** What was read of a device, all of it before anything is written. */
export interface DeviceLook {
  readonly size: Bytes;
  readonly isReadOnly: boolean;
  /** Partitions and what the kernel has put upon it. */
  readonly users: readonly string[];
  readonly probe: Probe;
  readonly scan: DeviceScan;
  /** `absent` also where no mark can be: the size that the volume was made with is not known. */
  readonly mark: MarkSeen;
}

export interface FormatWish {
  readonly volume: string;
  readonly type: FileSystemType;
  /** The size that the controller made it with, of nothing: no snapshot, no other disk. `undefined`: it may hold data. */
  readonly madeBlank: Bytes | undefined;
  /** Whether the volume may be written to at all. */
  readonly isWritable: boolean;
}

export type FormatStep =
  | { readonly do: 'mount'; readonly why: 'holds-it'; readonly fileSystem: FileSystemSeen }
  | { readonly do: 'format'; readonly why: 'blank' }
  /** With the uuid of the first try: also when this one is killed, what the first left is told from what others wrote. */
  | { readonly do: 'format'; readonly why: 'never-finished'; readonly uuid: string }
  | { readonly do: 'refuse'; readonly why: FormatRefusal; readonly message: string };

export type FormatRefusal =
  | 'other-type'
  | 'other-content'
  | 'looks-disagree'
  | 'unknown-content'
  | 'lost-file-system'
  | 'unfinished-of-another'
  | 'not-recorded-blank'
  | 'too-small'
  | 'read-only'
  | 'in-use';

/**
 * Whether a device may be mounted, or formatted first. It is formatted only when three things agree: the controller made it blank, everything
 * that was read of it says that it is blank, and no mark says that it was ever formatted. Whatever else is the case is refused and left as it is.
 */
export function planFormat(look: DeviceLook, wish: FormatWish): FormatStep {
  const { mark, probe, scan } = look;
  if (mark.is === 'mark' && mark.mark.state === 'begun') return planUnfinished(look, mark.mark, wish);
  if (probe.sees === 'several') return refuse('other-content', `holds signatures of several kinds (${names(look)})`);
  const what = probe.sees === 'one' ? probe.what : undefined;
  const [first] = scan.found;
  if (what === undefined && first === undefined) return planBlank(look, wish);
  if (what === undefined) return disagree(look, 'our own scan', 'blkid');
  if (first === undefined) return disagree(look, 'blkid', 'our own scan');
  const own = scan.found.find(({ fileSystem }) => fileSystem !== undefined);
  const isAlone = scan.found.every((one) => one === own || isCopy(one.what));
  if (own?.fileSystem === undefined || what !== own.what || !isAlone)
    return refuse('other-content', `holds ${names(look)}`);
  if (own.fileSystem.type === wish.type) return { do: 'mount', why: 'holds-it', fileSystem: own.fileSystem };
  const cure = `give the PersistentVolume spec.csi.fsType: ${what}`;
  return refuse('other-type', `holds ${what} and is to be mounted as ${wish.type}: ${cure}`);
}

function disagree(look: DeviceLook, sees: string, blind: string): FormatStep {
  return refuse('looks-disagree', `holds ${names(look)} as ${sees} sees it, and nothing as ${blind} does`);
}

/** A format that was killed: nobody has ever been given what is there. */
function planUnfinished(look: DeviceLook, { volume, type, uuid }: FormatMark, wish: FormatWish): FormatStep {
  const { probe, scan } = look;
  if (wish.madeBlank === undefined || volume !== wish.volume)
    return refuse('unfinished-of-another', `holds a file system of volume ${volume} whose making was interrupted`);
  const isMade = scan.found.every(({ what, fileSystem }) => isCopy(what) || fileSystem?.uuid === uuid);
  const isProbed = probe.sees === 'nothing' || (probe.sees === 'one' && probe.uuid === uuid && probe.what === type);
  if (!isMade || !isProbed)
    return refuse('other-content', `was being formatted, and now holds something else (${names(look)})`);
  return whyNotNow(look, wish.madeBlank, wish) ?? { do: 'format', why: 'never-finished', uuid };
}

/** Of which nothing was recognised. */
function planBlank(look: DeviceLook, wish: FormatWish): FormatStep {
  const { mark, scan } = look;
  if (mark.is === 'mark')
    return refuse(
      'lost-file-system',
      `was formatted as ${mark.mark.type} for volume ${mark.mark.volume}, and its file system can no longer be read`,
    );
  if (scan.nonZeroAt !== undefined || mark.is === 'other') {
    const place = scan.nonZeroAt === undefined ? 'where its mark would be' : `at byte ${scan.nonZeroAt}`;
    return refuse('unknown-content', `holds something ${place} that is no known file system`);
  }
  if (wish.madeBlank === undefined)
    return refuse(
      'not-recorded-blank',
      'looks blank, but it was not made by this driver, or was made as a copy: format it by hand if it holds nothing that you need',
    );
  return whyNotNow(look, wish.madeBlank, wish) ?? { do: 'format', why: 'blank' };
}

function whyNotNow(look: DeviceLook, madeBlank: Bytes, wish: FormatWish): FormatStep | undefined {
  if (look.size < madeBlank)
    return refuse('too-small', `has ${formatBytes(look.size)}, and was made with ${formatBytes(madeBlank)}`);
  if (look.users.length > 0) return refuse('in-use', `is blank, but in use by ${look.users.join(', ')}`);
  if (look.isReadOnly || !wish.isWritable)
    return refuse('read-only', 'is blank and is to be mounted read-only: write to it once first');
  return undefined;
}

function isCopy(what: string): boolean {
  return what === 'a copy of an ext superblock';
}

function names({ probe, scan }: DeviceLook): string {
  const all = new Set(scan.found.map(({ what }) => what));
  if (probe.sees === 'one') all.add(probe.what);
  return [...all].join(', ') || 'nothing that has a name';
}

function refuse(why: FormatRefusal, message: string): FormatStep {
  return { do: 'refuse', why, message };
}
