import { type Bytes, formatBytes } from '#unit/bytes.ts';
import type { VolumeWish } from './parse-asked.ts';
import { isSameUsage } from './usage.ts';
import type { VolumeRecord } from './volume-record.ts';

export type VolumeStep =
  | { readonly do: 'use' }
  /** Its making was interrupted, and nobody has heard of it. */
  | { readonly do: 'finish' }
  | { readonly do: 'refuse'; readonly message: string };

/** What a volume that is there already means for one that is asked for under the same name. */
export function planExisting(record: VolumeRecord, wish: VolumeWish): VolumeStep {
  const other = differenceOf(record, wish);
  if (other !== undefined) return { do: 'refuse', message: `there is a volume of that name already, ${other}` };
  return { do: record.state === 'making' ? 'finish' : 'use' };
}

function differenceOf({ name, size, usage, place }: VolumeRecord, wish: VolumeWish): string | undefined {
  if (name !== wish.name) return `which was asked for as ${name}`;
  if (size < wish.least || (wish.most !== undefined && size > wish.most)) return `with ${formatBytes(size)}`;
  if (!isSameUsage(usage, wish.usage)) return usage.as === 'block' ? 'as a block device' : `with ${usage.type}`;
  const from = place.in === 'folder' ? 'directories' : 'disks';
  return from === wish.from ? undefined : `from ${from}`;
}

export type GrowthStep =
  | { readonly do: 'nothing' }
  | { readonly do: 'grow'; readonly to: Bytes; readonly more: Bytes }
  | { readonly do: 'refuse'; readonly message: string };

/** What growing a volume needs. A size below its own is no request to shrink: it is one that has been kept. */
export function planGrowth(
  { place, size }: Pick<VolumeRecord, 'place' | 'size'>,
  wanted: Bytes | undefined,
  room: { readonly bytes: Bytes; readonly explained: string },
): GrowthStep {
  if (wanted === undefined || wanted <= size) return { do: 'nothing' };
  if (place.in === 'disk')
    return {
      do: 'refuse',
      message: `it is the whole disk ${place.link} and has ${formatBytes(size)}: a larger one is another disk`,
    };
  const more = (wanted - size) as Bytes;
  if (more <= room.bytes) return { do: 'grow', to: wanted, more };
  return { do: 'refuse', message: `it needs ${formatBytes(more)} more, and ${room.explained}` };
}
