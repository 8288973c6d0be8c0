import type { BlockDevice } from '#host/block-devices.ts';
import type { Probe } from '#host/file-systems.ts';
import type { DeviceScan } from '#host/signatures.ts';
import { few } from '#unit/few.ts';

/** What was seen of a disk that is given to volumes and that no volume has. */
export interface DiskLook {
  /** What its name leads to: `nvme1n1`, also of a part of a disk; `undefined` when there is no such name. */
  readonly target: string | undefined;
  /** The whole disk that it leads to. */
  readonly device: BlockDevice | undefined;
  readonly mountedAt: readonly string[];
  /** What was read of it; it is read only when nothing else is against it. */
  readonly look?:
    | { readonly is: 'read'; readonly probe: Probe; readonly scan: DeviceScan }
    | { readonly is: 'busy' }
    | { readonly is: 'unreadable'; readonly why: string }
    | undefined;
}

export type DiskFault =
  | { readonly is: 'not-there' }
  | { readonly is: 'no-whole-disk'; readonly target: string }
  | { readonly is: 'read-only' }
  | { readonly is: 'empty' }
  | { readonly is: 'mounted'; readonly at: readonly string[] }
  | { readonly is: 'has-users'; readonly users: readonly string[] }
  | { readonly is: 'busy' }
  | { readonly is: 'unreadable'; readonly why: string }
  | { readonly is: 'holds'; readonly what: readonly string[] }
  | { readonly is: 'not-blank'; readonly at: number };

export type DiskStep =
  | { readonly is: 'free'; readonly device: BlockDevice }
  | { readonly is: 'refused'; readonly why: DiskFault };

/** Whether a disk may become a volume: only one that nobody uses and on which two who look apart from each other see nothing at all. */
export function planDisk({ target, device, mountedAt, look }: DiskLook): DiskStep {
  if (target === undefined) return refused({ is: 'not-there' });
  if (device === undefined) return refused({ is: 'no-whole-disk', target });
  if (device.size === 0) return refused({ is: 'empty' });
  if (device.isReadOnly) return refused({ is: 'read-only' });
  if (mountedAt.length > 0) return refused({ is: 'mounted', at: mountedAt });
  if (device.users.length > 0) return refused({ is: 'has-users', users: device.users });
  if (look === undefined) return { is: 'free', device };
  if (look.is !== 'read') return refused(look);
  const { probe, scan } = look;
  const what = [...scan.found.map((one) => one.what), ...(probe.sees === 'one' ? [probe.what] : [])];
  if (probe.sees === 'several') what.push('signatures of several kinds');
  if (what.length > 0) return refused({ is: 'holds', what: [...new Set(what)] });
  if (scan.nonZeroAt !== undefined) return refused({ is: 'not-blank', at: scan.nonZeroAt });
  return { is: 'free', device };
}

function refused(why: DiskFault): DiskStep {
  return { is: 'refused', why };
}

/** To be read behind the disk's name, with what a person can do. */
export function explainDiskFault(why: DiskFault, link: string): string {
  const release = `it is left as it is. If nothing on it is needed, make it blank with blkdiscard --zeroout ${link}`;
  switch (why.is) {
    case 'not-there':
      return 'is not in the machine: look at ls -l /dev/disk/by-id for its name';
    case 'no-whole-disk':
      return `leads to ${why.target}, which is no whole disk: write the name without a part number`;
    case 'read-only':
      return 'can only be read';
    case 'empty':
      return 'has no size: is its medium in it?';
    case 'mounted':
      return `is mounted at ${few(why.at)}: ${release}`;
    case 'has-users':
      return `has ${few(why.users)} on it, which are partitions or what was built of it (LVM, RAID, encryption): ${release}`;
    case 'busy':
      return `is in use by another program: ${release}`;
    case 'unreadable':
      return `cannot be read: ${why.why}`;
    case 'holds':
      return `holds ${few(why.what)}: ${release}`;
    case 'not-blank':
      return `holds something at byte ${why.at} that is no known format: ${release}`;
  }
}
