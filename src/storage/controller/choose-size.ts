import type { DiskKind } from '#cloud/disk.ts';
import { type Bytes, formatBytes } from '#unit/bytes.ts';

export interface SizeAsked {
  /** 0: none told. */
  readonly required: number;
  /** 0: none told. */
  readonly limit: number;
}

export type SizeChoice =
  | { readonly ok: true; readonly size: Bytes }
  | { readonly ok: false; readonly code: 'OUT_OF_RANGE' | 'INVALID_ARGUMENT'; readonly fault: string };

/** The smallest size that the cloud sells and that holds what was asked for. @unit least: of what it is a copy */
export function chooseSize(asked: SizeAsked, kind: Pick<DiskKind, 'least' | 'most' | 'step'>, least = 0): SizeChoice {
  const { required, limit } = asked;
  if (required < 0 || limit < 0 || (limit > 0 && limit < required))
    return { ok: false, code: 'INVALID_ARGUMENT', fault: `no size is at least ${required} and at most ${limit} bytes` };
  const size = (Math.ceil(Math.max(required, least, kind.least) / kind.step) * kind.step) as Bytes;
  if (size > kind.most)
    return outOfRange(
      `${formatBytes(size)} is more than ${formatBytes(kind.most)}, the largest disk of this kind: ask for less`,
    );
  if (limit > 0 && size > limit)
    return outOfRange(
      `the smallest disk that holds what is asked for has ${formatBytes(size)}, more than the limit of ${limit} bytes: disks come in steps of ${formatBytes(kind.step)} from ${formatBytes(kind.least)}`,
    );
  return { ok: true, size };
}

function outOfRange(fault: string): SizeChoice {
  return { ok: false, code: 'OUT_OF_RANGE', fault };
}

/** Whether a size that is there answers what is asked for. */
export function isWithin(size: number, { required, limit }: SizeAsked): boolean {
  return size >= required && (limit === 0 || size <= limit);
}
