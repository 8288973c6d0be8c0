import type { Mount } from '#host/mounts.ts';

export interface StagingSeen {
  /** What is seen at the staging path. */
  readonly mount: Mount | undefined;
  /** The volume's device now, `253:16`. */
  readonly device: string;
  /** Where else on this machine that device is mounted. */
  readonly elsewhere: readonly string[];
}

export interface StagingWish {
  readonly type: string;
  readonly isReadOnly: boolean;
  readonly options: readonly string[];
}

export type StagingStep =
  | { readonly do: 'mount' }
  | { readonly do: 'nothing'; readonly why: 'mounted-so' }
  | { readonly do: 'clear'; readonly why: 'another-device' }
  | { readonly do: 'refuse'; readonly code: 'ALREADY_EXISTS' | 'FAILED_PRECONDITION'; readonly message: string };

/** What staging a file system still needs. */
export function planStaging({ mount, device, elsewhere }: StagingSeen, wish: StagingWish): StagingStep {
  if (mount === undefined) {
    const [other] = elsewhere;
    if (other === undefined) return { do: 'mount' };
    return {
      do: 'refuse',
      code: 'FAILED_PRECONDITION',
      message: `its device is mounted at ${other}: unmount it there first`,
    };
  }
  // Of a disk that was detached under its mount: what it held then can no longer be reached.
  if (mount.device !== device) return { do: 'clear', why: 'another-device' };
  const difference = differenceOf(mount, wish);
  if (difference === undefined) return { do: 'nothing', why: 'mounted-so' };
  return { do: 'refuse', code: 'ALREADY_EXISTS', message: `it is staged already, ${difference}` };
}

/** Options that a mount shows as they were given; what a file system makes of the others is its own affair. */
const shown = ['noatime', 'nodiratime', 'nodev', 'nosuid', 'noexec', 'sync', 'dirsync', 'nosymfollow'];

function differenceOf(mount: Mount, wish: StagingWish): string | undefined {
  if (mount.type !== wish.type) return `as ${mount.type} and not as ${wish.type}`;
  if (mount.isReadOnly !== wish.isReadOnly) return mount.isReadOnly ? 'read-only' : 'writable';
  const all = [...mount.options, ...mount.superOptions];
  const other = shown.find((option) => all.includes(option) !== wish.options.includes(option));
  if (other === undefined) return undefined;
  return wish.options.includes(other) ? `without the mount option ${other}` : `with the mount option ${other}`;
}
