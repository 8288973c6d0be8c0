import type { CloudDisk } from '#cloud/disk.ts';
import type { Bytes } from '#unit/bytes.ts';
import { isWithin, type SizeAsked } from './choose-size.ts';

export interface MadeWish {
  readonly kind: string;
  readonly zone: string;
  readonly size: Bytes;
  readonly asked: SizeAsked;
  /** As `sourceKey` tells it. */
  readonly source: string;
  readonly encryptionKey: string | undefined;
}

export type MadeStep =
  | { readonly do: 'use' }
  | { readonly do: 'wait'; readonly why: 'being-made' | 'unclear' }
  /** A copy that came out as small as its source. */
  | { readonly do: 'grow'; readonly to: Bytes }
  /** It could not be made: it goes, and another one is asked for. */
  | { readonly do: 'replace' }
  /** Another volume of this name. */
  | { readonly do: 'refuse'; readonly difference: string };

/** What a disk that has the name of the volume still needs to be it. */
export function planMade(disk: CloudDisk, wish: MadeWish): MadeStep {
  if (disk.state === 'failed') return { do: 'replace' };
  const difference = differenceOf(disk, wish);
  if (difference !== undefined) return { do: 'refuse', difference };
  if (['creating', 'copying', 'restoring'].includes(disk.state)) return { do: 'wait', why: 'being-made' };
  if (disk.state === 'unreadable') return { do: 'wait', why: 'unclear' };
  return disk.size < wish.asked.required ? { do: 'grow', to: wish.size } : { do: 'use' };
}

function differenceOf(disk: CloudDisk, wish: MadeWish): string | undefined {
  const differs = (what: string, seen: string | undefined, wanted: string | undefined): string | undefined =>
    seen === wanted ? undefined : `its ${what} is ${seen ?? 'none that is known'} and not ${wanted ?? 'none'}`;
  const isCopy = wish.source !== '';
  // A copy that came out smaller is grown.
  const size = isCopy ? Math.max(disk.size, wish.asked.required) : disk.size;
  return (
    differs('kind', disk.kind, wish.kind) ??
    differs('zone', disk.zone, wish.zone) ??
    (disk.source === wish.source ? undefined : 'it was made from something else') ??
    (isWithin(size, wish.asked) ? undefined : `it has ${disk.size} bytes`) ??
    (isCopy ? undefined : differs('encryption key', disk.encryptionKey, wish.encryptionKey))
  );
}
